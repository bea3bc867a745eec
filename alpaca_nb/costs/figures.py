"""Figures of the money: then and now, dollars by teacher and yield, what moves the total; alts with the numbers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from alpaca_nb.costs.accounting import StageCost
from alpaca_nb.costs.jobs import TEACHER_THEN, Step, teachers_of_today
from alpaca_nb.costs.projection import ARTICLE_REQUEST, MOST_TASKS_PER_REQUEST
from alpaca_nb.costs.sensitivity import Swing
from alpaca_nb.costs.stage import Bill
from alpaca_nb.costs.what_if import Job, usd_per_request
from alpaca_nb.plots import BLUE, GREEN, GREY, ORANGE, new_figure
from alpaca_nb.prices import Price, Tier, price_of

Drawn = tuple[Figure, str]  # and its alt text
ARTICLE_DATA_USD = 500  # "less than $500" for 52,000 rows


def from_then_to_now(steps: Sequence[Step]) -> Drawn:
    """A waterfall: the bill of 2023, each change since, today's bill."""
    figure, axes = new_figure(8.2, 3.8)
    for place, step in enumerate(steps):
        bottom, height = min(step.before, step.after), abs(step.after - step.before)
        falls = step.after < step.before
        colour, hatch = (GREY, "") if step.is_total else (GREEN, "\\\\") if falls else (ORANGE, "//")
        axes.bar(place, height, bottom=bottom, color=colour, hatch=hatch, edgecolor="white", width=0.62)
        change = _dollars(step.after) if step.is_total else f"{'−' if falls else '+'}{_dollars(height)}"
        axes.annotate(change, (place, bottom + height), xytext=(0, 3), textcoords="offset points", ha="center")
        if place + 1 < len(steps):
            axes.plot([place + 0.31, place + 0.69], [step.after] * 2, color=GREY, linewidth=0.8, linestyle="-")
    axes.set_xticks(range(len(steps)), [_folded(step.name) for step in steps])
    axes.set_ylabel("US dollars, rows and training")
    axes.yaxis.set_major_formatter(on_axis)
    axes.margins(y=0.12)
    axes.grid(axis="x", visible=False)
    numbers = "; ".join(
        f"{step.name} {_dollars(step.after)}"
        if step.is_total
        else f"{step.name} {'−' if step.after < step.before else '+'}{_dollars(abs(step.after - step.before))}"
        for step in steps
    )
    return figure, f"Waterfall of dollars from the bill of 2023 to today's: {numbers}."


def dollars_by_yield(job: Job, own_rows_kept: float | None) -> Drawn:
    """Dollars for the data against the rows that a request keeps, one line a teacher; `own_rows_kept` is this run's."""
    spring: list[tuple[Price, Tier]] = [
        (price_of(name, on="2023-03-31"), "standard") for name in ("gpt-4", TEACHER_THEN)
    ]
    figure, axes = new_figure(8.0, 4.2)
    kept = [count / 4 for count in range(4, 4 * MOST_TASKS_PER_REQUEST + 1)]
    numbers = []
    for place, (price, tier) in enumerate([*spring, *reversed(teachers_of_today())]):
        per_request = usd_per_request(replace(job, price=price, tier=tier))
        dollars = [job.rows / rows * per_request for rows in kept]
        name = f"{price.model}{' flex' if tier == 'flex' else ''}{', 2023' if place < len(spring) else ''}"
        axes.plot(kept, dollars)
        note(axes, name, kept[-1], dollars[-1], 5, -3)
        numbers.append(f"{name} {_dollars(job.rows / ARTICLE_REQUEST.rows_kept * per_request)}")
    budget = ARTICLE_DATA_USD * job.rows / 52_000
    axes.axhline(budget, color=GREY, linestyle=(0, (1, 1)), linewidth=1.2)
    scaled = "" if abs(job.rows / 52_000 - 1) < 0.01 else " for 52,000, scaled,"
    note(
        axes, f"the article's $500{scaled.removesuffix(',')}", MOST_TASKS_PER_REQUEST + 4.1, budget, 0, 7, align="right"
    )
    least = power_of_ten_below(dollars[-1])
    if own_rows_kept:
        axes.axvline(own_rows_kept, color=GREY, linewidth=1, linestyle="-")
        note(axes, f"this run {own_rows_kept:.1f}", own_rows_kept, 1.25 * least, 4)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(on_axis)
    axes.set_ylim(least, None)
    axes.set_xlim(1, MOST_TASKS_PER_REQUEST + 4.2)
    axes.set_xticks([1, 2, 4, 6, 8, 10, 12, 14, 16])
    axes.set_xlabel("rows kept of the 16 that one request can return")
    axes.set_ylabel(f"US dollars for {job.rows:,} rows (logarithmic)")
    then = replace(job, price=spring[-1][0], tier="standard")
    crossing = job.rows * usd_per_request(then) / budget
    own = f" This run kept {own_rows_kept:.1f}." if own_rows_kept else ""
    return figure, (
        f"Falling curves on a logarithmic axis: dollars for {job.rows:,} rows against rows kept per request. "
        f"At ten kept: {', '.join(numbers)}. "
        f"{TEACHER_THEN} costs the article's $500{scaled} at {crossing:.1f} kept.{own}"
    )


def sensitivity(swings: Sequence[Swing], usd: float) -> Drawn:
    """A tornado: how far each input alone moves the total."""
    figure, axes = new_figure(8.0, 0.46 * len(swings) + 1.3)
    upwards = list(reversed(swings))
    for place, each in enumerate(upwards):
        below, above = min(usd, each.usd_dear), max(usd, each.usd_cheap)
        axes.barh(place, below - each.usd_cheap, left=each.usd_cheap, color=BLUE, edgecolor="white")
        axes.barh(place, each.usd_dear - above, left=above, color=ORANGE, hatch="//", edgecolor="white")
        note(axes, each.cheap, each.usd_cheap, place, -4, align="right")
        note(axes, each.dear, each.usd_dear, place, 4)
    axes.axvline(usd, color=GREY, linewidth=1, linestyle="-")
    axes.set_yticks(range(len(upwards)), [each.input for each in upwards])
    axes.set_xscale("log")
    in_steps(axes.xaxis, on_axis)
    axes.set_xlim(min(each.usd_cheap for each in swings) / 2.2, max(each.usd_dear for each in swings) * 2.2)
    axes.set_xlabel(f"US dollars in all; the line is the job as planned, {_dollars(usd)} (logarithmic)")
    axes.grid(axis="y", visible=False)
    numbers = "; ".join(
        f"{each.input} from {_dollars(each.usd_cheap)} ({each.cheap}) to {_dollars(each.usd_dear)} ({each.dear})"
        for each in swings
    )
    return figure, f"Tornado of the total of {_dollars(usd)} when one input changes, widest first: {numbers}."


def then_and_now(bills: Sequence[Bill], rows: int) -> Drawn:
    """Dollars for the data with teachers of 2023 and of today, on a logarithmic axis; returns (figure, alt text)."""
    figure, axes = new_figure(7.5, 0.42 * len(bills) + 1.3)
    upwards = list(reversed(bills))
    for then, colour, hatch in ((True, ORANGE, "//"), (False, BLUE, "")):
        places = [place for place, bill in enumerate(upwards) if bill.then is then]
        dollars = [upwards[place].usd for place in places]
        label = "spring 2023" if then else "today"
        axes.barh(places, dollars, color=colour, hatch=hatch, edgecolor="white", label=f"prices of {label}")
    for place, bill in enumerate(upwards):
        axes.annotate(_dollars(bill.usd), (bill.usd, place), xytext=(4, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(upwards)), [bill.model for bill in upwards])
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(on_axis)
    axes.set_xlim(power_of_ten_below(min(bill.usd for bill in bills)), max(bill.usd for bill in bills) * 4)
    axes.set_xlabel(f"US dollars for {rows:,} rows of data (logarithmic)")
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower right")
    numbers = ", ".join(f"{bill.model} ({'2023' if bill.then else 'today'}) {in_words(bill.usd)}" for bill in bills)
    return figure, f"Horizontal bars on a logarithmic axis: dollars for {rows:,} rows of data by teacher: {numbers}."


def seconds_per_stage(costs: Sequence[StageCost]) -> Drawn:
    """Seconds of each finished stage, those of its cells apart; returns (figure, alt text)."""
    figure, axes = new_figure(7.0, 0.42 * len(costs) + 1.1)
    upwards = list(reversed(costs))
    names, cells = [cost.stage for cost in upwards], [cost.cell_seconds for cost in upwards]
    starts = [cost.seconds - cost.cell_seconds for cost in upwards]
    axes.barh(names, cells, color=BLUE, label="in cells")
    bars = axes.barh(names, starts, left=cells, color=GREY, hatch="//", edgecolor="white", label="starting and ending")
    axes.bar_label(bars, labels=[f"{cost.seconds:,.0f} s" for cost in upwards], padding=4)
    axes.legend(loc="best")
    axes.set_xlabel("seconds of the whole stage")
    axes.set_xlim(0, 1.15 * max(cost.seconds for cost in costs) + 0.1)
    axes.grid(axis="y", visible=False)
    numbers = ", ".join(f"{cost.stage} {cost.seconds:,.0f} s ({cost.cell_seconds:,.0f} in cells)" for cost in costs)
    return figure, f"Horizontal bars: seconds of each finished stage: {numbers}."


def note(axes: Axes, text: str, x: float, y: float, right: float = 0, up: float = 0, *, align: str = "left") -> None:
    """Small words at a point of the data, moved by so many points of type."""
    axes.annotate(text, (x, y), xytext=(right, up), textcoords="offset points", ha=align, va="center", fontsize=8.5)


def on_axis(usd: float, _: object = None) -> str:
    """Dollars at a tick, with as many figures behind the point as it has."""
    return f"${usd:,.9f}".rstrip("0").rstrip(".")


def in_words(usd: float) -> str:
    """Dollars and cents, and two figures where that is less than ten cents."""
    return f"${usd:,.2f}" if usd >= 0.1 or usd == 0 else f"${usd:.{1 - math.floor(math.log10(usd))}f}"


def power_of_ten_below(usd: float) -> float:
    """Where a logarithmic axis of dollars begins."""
    return 10.0 ** math.floor(math.log10(usd))


def in_steps(axis: Axis, form: str | Callable[[float, object], str]) -> None:
    """Label a logarithmic axis at 1, 2 and 5 of each power of ten."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(form)


def _dollars(usd: float) -> str:
    return f"${usd:,.0f}" if usd >= 10 else in_words(usd)


def _folded(name: str) -> str:
    """A label in two lines where it is long."""
    words, lines = name.split(), [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) > 13:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)
