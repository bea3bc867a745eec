"""Figures of the hardware: hours and rent of training by card, recipe and MFU; a card of one's own against an API."""

from collections.abc import Sequence
from dataclasses import replace

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from alpaca_nb.costs.estimates import exactly
from alpaca_nb.costs.figures import in_steps, in_words, note, on_axis
from alpaca_nb.costs.own_gpu import OwnGpu, api_usd_per_row, break_even_rows
from alpaca_nb.costs.projection import ARTICLE_ROWS, Request
from alpaca_nb.costs.rental import ARTICLE_GPU_HOURS, THIS_AUTUMN, Rental, median_of, middle_of, rate, rentals
from alpaca_nb.costs.what_if import Job, Method, gpu_hours
from alpaca_nb.gpus import gpu_named
from alpaca_nb.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, new_figure, new_figures
from alpaca_nb.prices import Price, Tier

RECIPES: tuple[tuple[str, Method, str], ...] = (
    ("A100 80 GB", "full", ORANGE),
    ("H100 80 GB", "full", BLUE),
    ("H200 141 GB", "full", GREEN),
    ("RTX 4090", "lora", PURPLE),
)
# Where published training stands on the axis: PyTorch's blog of 2024-03 (A100, H100); KempnerForge, 2026-04, 10,471
# tokens a second of a model with 7.5e9 weights in matrix products (H200); torchtune's README of 2024-10 (RTX 4090).
PUBLISHED_MFU = {"A100 80 GB": 0.57, "H100 80 GB": 0.37, "H200 141 GB": 0.48, "RTX 4090": 0.56}
_STYLES = ("-", "--", "-.", (0, (5, 1)))


def training_by_mfu(job: Job, article_mfu: float) -> tuple[Figure, str]:
    """GPU hours (left) and rent (right) of a job's training against MFU, one line for each card and recipe."""
    figure, (hours_axes, dollar_axes) = new_figures(2, 9.4, 4.0)
    shares = [share / 200 for share in range(4, 141)]
    words = []
    for (name, method, colour), style in zip(RECIPES, _STYLES, strict=True):
        one = replace(job, gpu=gpu_named(name), method=method)
        found = rentals(name, since=THIS_AUTUMN)
        rent = median_of(found)
        at = PUBLISHED_MFU[name]
        label = f"{name}, {'LoRA' if method == 'lora' else method}"
        for axes, unit in ((hours_axes, 1.0), (dollar_axes, rent)):
            values = [unit * gpu_hours(replace(one, mfu=exactly(share))).value for share in (*shares, at)]
            priced = label if axes is hours_axes else f"{label} ({rate(unit)} an hour)"
            axes.plot(shares, values[:-1], color=colour, linestyle=style, label=priced)
            axes.plot([at], values[-1:], "o", color=colour)
        spot = gpu_hours(replace(one, mfu=exactly(at))).value
        words.append(
            f"{label} at {at:.0%}: {hours_in_words(spot)} h, {in_words(spot * rent)} "
            f"(median rent {rate(rent)}: {_told(found)})"
        )
    article_hours = ARTICLE_GPU_HOURS * job.rows / ARTICLE_ROWS
    hours_axes.plot([article_mfu], [article_hours], "X", color=GREY, markersize=9)
    scaled = "" if round(article_hours) == ARTICLE_GPU_HOURS else ", scaled"
    note(hours_axes, f"the article: 24 h{scaled}", article_mfu, article_hours, 8)
    for axes, label in ((hours_axes, "GPU hours (logarithmic)"), (dollar_axes, "US dollars of rent (logarithmic)")):
        axes.set_yscale("log")
        axes.set_xlabel("MFU: useful share of the card's bf16 peak")
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel(label)
        axes.legend(fontsize=8)
    in_steps(hours_axes.yaxis, "{x:g}")
    in_steps(dollar_axes.yaxis, on_axis)
    return figure, (
        f"Two panels, falling lines on logarithmic axes: GPU hours and rent for {job.rows:,} rows and {job.epochs} "
        f"epochs against MFU. {'; '.join(words)}. The article's 24 hours are an MFU of {article_mfu:.1%}."
    )


def own_gpu_or_api(own: OwnGpu, request: Request, teachers: Sequence[tuple[Price, Tier]]) -> tuple[Figure, str]:
    """Dollars against rows: a card of one's own with a local teacher, and APIs; dots where the lines cross."""
    figure, axes = new_figure(8.0, 4.2)
    rows = [10 ** (exponent / 10) for exponent in range(30, 91)]
    owned = [own.usd + count * own.usd_per_row(request) for count in rows]
    axes.plot(rows, owned, color=GREY, linewidth=2.5, linestyle="-", label=f"own card, ${own.usd:,.0f}")
    words = []
    for price, tier in teachers:
        name = f"{price.model}{' flex' if tier == 'flex' else ''}"
        (line,) = axes.plot(rows, [count * api_usd_per_row(request, price, tier) for count in rows], label=name)
        at = break_even_rows(own, request, price, tier)
        if at is None:
            words.append(f"never against {name}")
            continue
        words.append(f"{at:,.0f} rows against {name} ({own.hours(at, request) / 24:,.0f} days of writing)")
        if at <= rows[-1]:
            axes.plot([at], [at * api_usd_per_row(request, price, tier)], "o", color=line.get_color())
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("${x:,.0f}")
    axes.set_ylim(1, None)
    axes.axvline(ARTICLE_ROWS, color=GREY, linewidth=1, linestyle=(0, (1, 1)))
    note(axes, "the article's rows", ARTICLE_ROWS, 1.4, 4)
    axes.set_xlabel("rows (logarithmic)")
    axes.set_ylabel("US dollars (logarithmic)")
    axes.legend(fontsize=8.5, loc="upper left")
    return figure, (
        f"Lines on logarithmic axes: dollars against rows. A card for ${own.usd:,.0f} that writes "
        f"{own.tokens_per_second:,.0f} tokens a second pays for itself after {'; '.join(words)}."
    )


def hours_in_words(hours: float) -> str:
    """Hours to a tenth, and to two figures where that is less."""
    return f"{hours:,.1f}" if hours >= 0.1 else f"{hours:.1g}"


def _told(found: Sequence[Rental]) -> str:
    return " and ".join(f"{rent.provider} {rent.date}, ${rent.usd_per_gpu_hour:.2f}" for rent in middle_of(found))
