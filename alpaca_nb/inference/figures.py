"""The figure of notebook 04, with alt text that holds its numbers."""

from collections.abc import Sequence
from statistics import median

from matplotlib.figure import Figure

from alpaca_nb.plots import BLUE, ORANGE, new_figure
from alpaca_nb.records import Answer


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
