"""The figures of notebook 03, each with alt text that holds its numbers."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from alpaca_nb.finetuning.encode import EncodedRow
from alpaca_nb.finetuning.preflight import Memory
from alpaca_nb.finetuning.results import StepMetrics, TrainingResult
from alpaca_nb.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, new_figure, new_figures

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENS_A_LINE, LINES_SHOWN, LETTERS_SHOWN = 8, 10, 13


def row_picture(row: EncodedRow, tokenizer: "PreTrainedTokenizerBase") -> tuple[Figure, str]:
    """One row's tokens in reading order, the learned ones filled; a long row shows its end. Returns (figure, alt)."""
    texts = [str(tokenizer.decode([token])).replace("\n", "⏎") for token in row.input_ids]
    first = max(0, len(texts) - TOKENS_A_LINE * LINES_SHOWN)
    lines = -(-(len(texts) - first) // TOKENS_A_LINE)
    figure, axes = new_figure(9.0, 0.38 * lines + 0.5)
    axes.set(xlim=(0, TOKENS_A_LINE), ylim=(lines, 0), xticks=[], yticks=[])
    axes.set_xlabel(f"tokens {first + 1} to {len(texts)}, read from left to right and from top to bottom")
    for place in range(first, len(texts)):
        line, column = divmod(place - first, TOKENS_A_LINE)
        learned = place >= row.prompt_tokens
        axes.barh(line + 0.5, 0.95, height=0.86, left=column + 0.025, color=BLUE if learned else "#e4e4e4")
        text = axes.text(column + 0.5, line + 0.52, (texts[place].strip(" ") or "␣")[:LETTERS_SHOWN], fontsize=11)
        text.set(ha="center", va="center", color="white" if learned else "black")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    answer = "".join(texts[row.prompt_tokens :])
    return figure, (
        f"One row of {len(texts)} tokens: {row.prompt_tokens} of the prompt in grey, read only, then "
        f"{row.learned_tokens} in blue that are learned: “{answer}”."
    )


def read_and_learned(rows: Sequence[EncodedRow], shown: int = 12) -> tuple[Figure, str]:
    """Tokens read and learned in the first rows, as bars; returns (figure, alt text)."""
    figure, axes = new_figure()
    some = rows[:shown]
    places = range(1, len(some) + 1)
    read, learned = [row.prompt_tokens for row in some], [row.learned_tokens for row in some]
    axes.barh(places, read, color=GREY, alpha=0.45, label="prompt: read")
    axes.barh(places, learned, left=read, color=BLUE, label="answer and eos: learned")
    axes.set(xlabel="tokens", ylabel="row", yticks=list(places))
    axes.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=2)
    share = sum(row.learned_tokens for row in rows) / sum(len(row.input_ids) for row in rows)
    return figure, (
        f"Tokens of the first {len(some)} rows: prompts of {min(read)} to {max(read)} tokens, answers of "
        f"{min(learned)} to {max(learned)}. Over all {len(rows)} rows {share:.0%} of the tokens are learned."
    )


def memory_by_part(bars: Sequence[tuple[str, Memory, int]]) -> tuple[Figure, str]:
    """Bytes a weight on one process, by what they are for, a bar for each (name, memory, weights); (figure, alt)."""
    figure, axes = new_figure(9.0, 0.55 * len(bars) + 1.5)
    parts: dict[str, tuple[str, Callable[[Memory], int]]] = {
        "weights": (BLUE, lambda memory: memory.weights),
        "gradients": (ORANGE, lambda memory: memory.gradients),
        "AdamW's averages": (GREEN, lambda memory: memory.optimizer),
        "gathered layers": (PURPLE, lambda memory: memory.gathered),
        "activations": (SKY, lambda memory: memory.activations + memory.scores),
    }
    ends = [0.0] * len(bars)
    for name, (color, of) in parts.items():
        widths = [of(memory) / weights for _, memory, weights in bars]
        axes.barh([name for name, _, _ in bars], widths, left=ends, color=color, edgecolor="white", label=name)
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    axes.set(xlabel="bytes for each weight of the model, on one process")
    axes.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=len(parts))
    words = []
    for (bar, memory, weights), end in zip(bars, ends, strict=True):
        shares = ", ".join(f"{part} {of(memory) / weights:.1f}" for part, (_, of) in parts.items())
        words.append(f"{bar} {end:.1f} bytes ({shares})")
    return figure, f"Memory of one process for each weight of the model: {'; '.join(words)}."


def training_curves(
    metrics: Sequence[StepMetrics], result: TrainingResult, steps_an_epoch: float = 0.0
) -> tuple[Figure, str]:
    """Left: loss of each step, with the held-out loss before and after; right: learning rate. Returns (figure, alt).

    Thin lines mark the ends of epochs inside the run, where `steps_an_epoch` is given.
    """
    figure, (left, right) = new_figures(2)
    steps = [line.step for line in metrics]
    left.plot(steps, [line.loss for line in metrics], label="training batch")
    before, after = result.held_out_loss_before, result.held_out_loss_after
    left.plot([0, steps[-1]], [before, after], color=ORANGE, linestyle="none", marker="o", label="held-out rows")
    ends = [epoch * steps_an_epoch for epoch in range(1, 100) if 0 < epoch * steps_an_epoch < steps[-1]]
    for end in ends:
        left.axvline(end + 0.5, color=GREY, linewidth=0.8, linestyle=":", label="_end of an epoch")
    left.set(xlabel="optimizer step", ylabel="loss (nats a learned token)", ylim=(0, None))
    left.legend()
    right.plot(steps, [line.learning_rate for line in metrics], marker="." if len(steps) < 40 else "")
    right.set(xlabel="optimizer step", ylabel="learning rate", ylim=(0, None))
    right.ticklabel_format(axis="y", style="sci", scilimits=(0, 0), useMathText=True)
    peak = max(metrics, key=lambda line: line.learning_rate)
    return figure, (
        f"Left: the training loss goes from {metrics[0].loss:.2f} at step 1 to {metrics[-1].loss:.2f} at step "
        f"{steps[-1]}; on held-out rows it is {before:.2f} before and {after:.2f} after training. Right: the learning "
        f"rate peaks at {peak.learning_rate:.1e} at step {peak.step} and ends at {metrics[-1].learning_rate:.1e}."
    )
