"""The two figures of the comparison notebook, each with alt text that holds its numbers."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from alpaca_nb.comparison.stage import Outcome, TopicRate
from alpaca_nb.plots import BLUE, ORANGE, new_figure, new_figures


def shares_and_difference(outcomes: Sequence[Outcome]) -> tuple[Figure, str]:
    """Left: shares right with Wilson intervals. Right: tuned minus untuned with bootstrap intervals.

    Returns (figure, alt text).
    """
    figure, (shares, gaps) = new_figures(2, 9.0, 2.9)
    for offset, name, colour, marker in ((0.12, "untuned", ORANGE, "s"), (-0.12, "tuned", BLUE, "o")):
        estimates = [getattr(outcome, name) for outcome in outcomes]
        shares.errorbar(
            [100 * estimate.value for estimate in estimates],
            [place + offset for place in range(len(outcomes))],
            xerr=[
                [100 * (estimate.value - estimate.low) for estimate in estimates],
                [100 * (estimate.high - estimate.value) for estimate in estimates],
            ],
            fmt=marker, color=colour, capsize=4, label=name, linestyle="none",
        )  # fmt: skip
    gaps.errorbar(
        [100 * outcome.difference.value for outcome in outcomes],
        range(len(outcomes)),
        xerr=[
            [100 * (outcome.difference.value - outcome.difference.low) for outcome in outcomes],
            [100 * (outcome.difference.high - outcome.difference.value) for outcome in outcomes],
        ],
        fmt="D", color=BLUE, capsize=4, linestyle="none",
    )  # fmt: skip
    gaps.axvline(0, color="black", linewidth=1, linestyle="-")
    for axes in (shares, gaps):
        axes.set_yticks(range(len(outcomes)), [outcome.measure for outcome in outcomes])
        axes.set_ylim(-0.6, len(outcomes) - 0.4)
        axes.invert_yaxis()
    shares.set_xlim(-3, 103)
    shares.set_xlabel("answers right (%)")
    shares.legend(loc="best")
    low = min(0.0, *(outcome.difference.low for outcome in outcomes))
    high = max(0.0, *(outcome.difference.high for outcome in outcomes))
    gaps.set_xlim(100 * low - 8, 100 * high + 8)
    gaps.set_xlabel("tuned minus untuned (percentage points)")
    parts = [
        f"{o.measure}: untuned {o.untuned.percent()}, tuned {o.tuned.percent()}, "
        f"difference {100 * o.difference.value:+.1f} points "
        f"({100 * o.difference.low:+.1f} to {100 * o.difference.high:+.1f})"
        for o in outcomes
    ]
    return figure, f"Points with 95 % intervals over {outcomes[0].questions} questions. {'; '.join(parts)}."


def right_by_topic(rates: Sequence[TopicRate], measure: str) -> tuple[Figure, str]:
    """Share right per topic, tuned and untuned, best tuned on top; returns (figure, alt text)."""
    figure, axes = new_figure(7.5, 0.42 * len(rates) + 1.2)
    places = range(len(rates))
    thickness = 0.4
    axes.barh([p - 0.2 for p in places], [100 * r.tuned for r in rates], thickness, color=BLUE, label="tuned")
    axes.barh(
        [p + 0.2 for p in places], [100 * r.untuned for r in rates], thickness, color=ORANGE, hatch="//",
        edgecolor="white", label="untuned",
    )  # fmt: skip
    axes.set_yticks(places, [f"{rate.topic.replace('_', ' ')} ({rate.questions})" for rate in rates], fontsize=9)
    axes.set_ylim(len(rates) - 0.4, -0.6)
    axes.set_xlim(0, 100)
    axes.set_xlabel(f"answers right, {measure} (%); number of questions in brackets")
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside upper right", ncols=2)
    numbers = "; ".join(f"{r.topic} {100 * r.untuned:.0f} to {100 * r.tuned:.0f}" for r in rates)
    return figure, f"Horizontal bars: per cent right by topic, untuned to tuned, {measure}: {numbers}."
