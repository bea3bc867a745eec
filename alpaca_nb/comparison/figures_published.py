"""Two figures on what comparisons can show: published win rates with their intervals, and the power curve."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from alpaca_nb.comparison.planning import comparisons_needed, smallest_rate_seen
from alpaca_nb.comparison.statistics import WinRate
from alpaca_nb.plots import BLUE, GREY, ORANGE, new_figure


def published_rates(rates: Sequence[tuple[str, WinRate]]) -> tuple[Figure, str]:
    """Win rates (ties half) with Wilson intervals, one a line, from the top; returns (figure, alt text)."""
    figure, axes = new_figure(7.5, 0.62 * len(rates) + 1.2)
    values = [100 * rate.wilson.value for _, rate in rates]
    axes.errorbar(
        values,
        range(len(rates)),
        xerr=[
            [value - 100 * rate.wilson.low for value, (_, rate) in zip(values, rates, strict=True)],
            [100 * rate.wilson.high - value for value, (_, rate) in zip(values, rates, strict=True)],
        ],
        fmt="o", color=BLUE, capsize=4, linestyle="none",
    )  # fmt: skip
    axes.axvline(50, color="black", linewidth=1, linestyle="-")
    labels = [
        f"{name.replace(', ', chr(10), 1)}\n{rate.wins} : {rate.losses}, {rate.ties} ties" for name, rate in rates
    ]
    axes.set_yticks(range(len(rates)), labels, fontsize=9)
    axes.set_ylim(len(rates) - 0.5, -0.5)
    axes.set_xlim(10, 70)
    axes.set_xlabel("win rate of Alpaca 7B over text-davinci-003, ties half (%)")
    words = "; ".join(f"{name}: {rate.words()}" for name, rate in rates)
    return figure, f"Points with intervals and a line at 50 %: {words}."


def power_curve(marked: int) -> tuple[Figure, str]:
    """Decided comparisons needed to see a true win rate, four times in five; `marked` comparisons are pointed out."""
    figure, axes = new_figure(7.0, 3.4)
    rates = np.linspace(0.52, 0.75, 60)
    axes.plot(100 * rates, [comparisons_needed(float(rate)) for rate in rates], color=BLUE)
    seen = smallest_rate_seen(marked)
    axes.plot([100 * seen], [marked], "s", color=ORANGE)
    axes.annotate(f"{marked} comparisons: {100 * seen:.1f} %", (100 * seen, marked), (100 * seen + 1, marked * 2.2))
    axes.axhline(marked, color=GREY, linewidth=1, linestyle=":")
    axes.set_yscale("log")
    axes.set_yticks([30, 100, 300, 1000, 3000], ["30", "100", "300", "1,000", "3,000"])
    axes.set_xlabel("true win rate of the better model (%)")
    axes.set_ylabel("comparisons needed")
    points = ", ".join(f"{rate:.0%} takes {comparisons_needed(rate):,}" for rate in (0.52, 0.55, 0.6, 0.7))
    return figure, (
        f"Falling curve: decided comparisons needed to tell a true win rate from 50 % (sign test at 5 %, power 80 %): "
        f"{points}. {marked} comparisons show {100 * seen:.1f} % or more."
    )
