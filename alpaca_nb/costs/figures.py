"""The two figures of the cost notebook, each with alt text that holds its numbers."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from alpaca_nb.costs.accounting import StageCost
from alpaca_nb.costs.stage import Bill
from alpaca_nb.plots import BLUE, ORANGE, new_figure


def then_and_now(bills: Sequence[Bill], rows: int) -> tuple[Figure, str]:
    """Dollars for the data with teachers of 2023 and of today, on a logarithmic axis; returns (figure, alt text)."""
    figure, axes = new_figure(7.5, 0.42 * len(bills) + 1.3)
    upwards = list(reversed(bills))
    for then, colour, hatch in ((True, ORANGE, "//"), (False, BLUE, "")):
        places = [place for place, bill in enumerate(upwards) if bill.then is then]
        dollars = [upwards[place].usd for place in places]
        label = "spring 2023" if then else "today"
        axes.barh(places, dollars, color=colour, hatch=hatch, edgecolor="white", label=f"prices of {label}")
    for place, bill in enumerate(upwards):
        axes.annotate(
            f"${bill.usd:,.0f}" if bill.usd >= 10 else f"${bill.usd:,.2f}",
            (bill.usd, place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(range(len(upwards)), [bill.model for bill in upwards])
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("${x:,.0f}")
    axes.set_xlim(1, max(bill.usd for bill in bills) * 4)
    axes.set_xlabel(f"US dollars for {rows:,} rows of data (logarithmic)")
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower right")
    numbers = ", ".join(f"{bill.model} ({'2023' if bill.then else 'today'}) ${bill.usd:,.2f}" for bill in bills)
    return figure, f"Horizontal bars on a logarithmic axis: dollars for {rows:,} rows of data by teacher: {numbers}."


def seconds_per_stage(costs: Sequence[StageCost]) -> tuple[Figure, str]:
    """Seconds of each finished stage; returns (figure, alt text)."""
    figure, axes = new_figure(7.0, 0.42 * len(costs) + 1.1)
    upwards = list(reversed(costs))
    bars = axes.barh([cost.stage for cost in upwards], [cost.seconds for cost in upwards], color=BLUE)
    axes.bar_label(bars, labels=[f"{cost.seconds:,.0f} s" for cost in upwards], padding=4)
    axes.set_xlabel("seconds, whole notebook")
    axes.set_xlim(0, 1.15 * max(cost.seconds for cost in costs) + 0.1)
    axes.grid(axis="y", visible=False)
    numbers = ", ".join(f"{cost.stage} {cost.seconds:,.0f} s" for cost in costs)
    return figure, f"Horizontal bars: seconds of each finished stage: {numbers}."
