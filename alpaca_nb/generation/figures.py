"""Pictures of notebook 02, each with alt text that holds its numbers."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from alpaca_nb import plots
from alpaca_nb.generation.fold import NEAR_DUPLICATE, Fold


def fates(folded: Fold, rejected_by_reason: dict[str, int]) -> tuple[Figure, str]:
    """Bars: how many candidates were kept, and how many fell for each reason."""
    names = ["kept", *rejected_by_reason]
    counts = [len(folded.kept), *rejected_by_reason.values()]
    figure, axes = plots.new_figure(height=0.9 + 0.3 * len(names))
    bars = axes.barh(names[::-1], counts[::-1], color=[*[plots.ORANGE] * (len(names) - 1), plots.BLUE])
    axes.bar_label(bars, padding=3)
    axes.set_xlabel("candidates")
    axes.grid(axis="y", visible=False)
    words = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    return figure, f"Bar chart of what became of {sum(counts)} candidates: {words}."


def nearest_scores(folded: Fold, threshold: float) -> tuple[Figure, str]:
    """Histogram: ROUGE-L of each row with its nearest seed or earlier row, and the threshold."""
    scores = [row.nearest_score for row in folded.kept]
    dropped = folded.rejected.by_reason[NEAR_DUPLICATE]
    figure, axes = plots.new_figure()
    right_closed = [0.0, *(step / 20 + 1e-9 for step in range(1, 21))]  # a score of 0.7 stands left of 0.7
    axes.hist(scores, bins=right_closed, color=plots.BLUE, edgecolor="white")
    axes.axvline(threshold, color=plots.RED, linestyle="--", label=f"threshold {threshold:g}: {dropped} dropped above")
    axes.set_xlabel("ROUGE-L with the nearest earlier instruction (0 to 1)")
    axes.set_ylabel("kept rows")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False)  # above the bars
    low, middle, high = np.quantile(scores, [0.1, 0.5, 0.9])
    return figure, (
        f"Histogram of the ROUGE-L score of {len(scores)} kept rows with their nearest earlier instruction: median "
        f"{middle:.2f}, 80 % between {low:.2f} and {high:.2f}, none above the threshold {threshold:g}; "
        f"{dropped} candidates above it were dropped."
    )


def pairs_left(left: Mapping[str, int]) -> tuple[Figure, str]:
    """Bars on a logarithmic axis: how many pairs of texts each bound of the novelty filter leaves to be compared."""
    names, counts = list(left), list(left.values())
    figure, axes = plots.new_figure(height=0.9 + 0.3 * len(names))
    bars = axes.barh(names[::-1], counts[::-1], color=[plots.ORANGE, *[plots.BLUE] * (len(names) - 1)])
    axes.set_xscale("log")
    axes.set_xlim(0.5, max(counts[0], 1) * 8)  # a bar of one pair is seen, and the largest number fits beside its bar
    axes.bar_label(bars, [f"{count:,}" if count else "" for count in counts[::-1]], padding=3)
    for place in (place for place, count in enumerate(counts[::-1]) if count == 0):
        axes.text(0.55, place, "0", va="center")  # a logarithmic axis has no place for a bar of none
    axes.set_xlabel("pairs of instructions (a factor of ten from mark to mark)")
    axes.grid(axis="y", visible=False)
    words = ", ".join(f"{name} {count:,}" for name, count in left.items())
    return figure, (
        f"Bar chart on a logarithmic axis of the pairs of instructions that each bound leaves: {words}. "
        f"ROUGE-L is computed for {counts[-2]:,} pairs instead of {counts[0]:,}."
    )
