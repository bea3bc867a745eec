"""The figures of notebook 04, with alt text that holds their numbers."""

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from alpaca_nb.inference.sampling import Sampling, shares
from alpaca_nb.plots import BLUE, ORANGE, new_figure, new_figures
from alpaca_nb.records import Answer

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase


def answer_lengths(answers: Sequence[Answer], max_new_tokens: int) -> tuple[Figure, str]:
    """Histograms of both models' answer lengths in tokens, end token included; returns (figure, alt text)."""
    figure, axes = new_figure()
    width = max(1, max_new_tokens // 32)
    edges = [0.5 + width * number for number in range(-(-max_new_tokens // width) + 1)]
    parts = []
    for which, colour, style in (("untuned", ORANGE, "--"), ("tuned", BLUE, "-")):
        lengths = [answer.new_tokens for answer in answers if answer.model == which]
        axes.hist(lengths, edges, histtype="stepfilled", color=colour, alpha=0.25)
        axes.hist(lengths, edges, histtype="step", color=colour, linestyle=style, linewidth=1.6, label=which)
        cut = sum(answer.finish_reason == "length" for answer in answers if answer.model == which)
        parts.append(f"{which}: median {median(lengths):g} tokens, {cut} of {len(lengths)} cut at the limit")
    axes.set_xlabel("length of the answer (tokens)")
    axes.set_ylabel("answers")
    axes.set_xlim(0, max_new_tokens + width)
    axes.legend(loc="upper center")
    return figure, f"Lengths of the answers with a limit of {max_new_tokens} new tokens. {'; '.join(parts)}."


def next_token_shares(
    logits: "torch.Tensor", tokenizer: "PreTrainedTokenizerBase", settings: Sequence[Sampling], tokens: int = 10
) -> tuple[Figure, str]:
    """The likeliest next tokens and their shares, a panel for each of `settings`; returns (figure, alt text)."""
    found = [shares(logits, one) for one in settings]
    best = logits.topk(tokens).indices.tolist()
    figure, panels = new_figures(len(settings), width=9.0, height=3.4)
    parts = []
    for panel, one, share in zip(panels, settings, found, strict=True):
        panel.barh(range(tokens), [100 * float(share[token]) for token in best], color=BLUE)
        panel.set_yticks(range(tokens), [repr(str(tokenizer.decode([token]))) for token in best], parse_math=False)
        panel.invert_yaxis()
        panel.set_xlim(0, 100 * 1.05 * float(max(share.max() for share in found)))
        panel.set_xlabel("share (%)")
        title = f"temperature {one.temperature:g}, top_p {one.top_p:g}"
        panel.set_title(title, fontsize=10)
        possible = int((share > 0).sum())
        words = "one token is" if possible == 1 else f"{possible:,} tokens are"
        parts.append(f"{title}: {words} possible, the likeliest has {float(share.max()):.0%}")
    panels[0].set_ylabel("next token")
    for panel in panels[1:]:
        panel.tick_params(labelleft=False)
    return figure, f"Shares of the {tokens} likeliest next tokens. {'; '.join(parts)}."
