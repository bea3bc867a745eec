"""The jobs that notebook 06 prices: the article's in March 2023, the same today, and what-if variants of it.

How many rows a real teacher's request keeps was never published: ten of sixteen is assumed, with five (what the
article's bill needs at least) and sixteen (all there can be) as the ends of its range.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alpaca_nb.costs.accounting import Rates
from alpaca_nb.costs.estimates import Estimate, exactly
from alpaca_nb.costs.projection import ARTICLE_REQUEST, ARTICLE_ROWS, MOST_TASKS_PER_REQUEST, Request
from alpaca_nb.costs.rental import ARTICLE_GPU, ARTICLE_GPU_HOURS, BEFORE_THE_ARTICLE, THIS_AUTUMN
from alpaca_nb.costs.what_if import LLAMA_WEIGHTS, Job, JobCost, cost_of, implied_mfu, rent_of
from alpaca_nb.gpus import gpu_named
from alpaca_nb.prices import Price, Tier, price_of

ASSUMED_YIELD = Estimate(10, 5, MOST_TASKS_PER_REQUEST)
TEACHER_THEN, TEACHER_TODAY = "text-davinci-003", "gpt-6-luna"
GPU_TODAY = "H200 141 GB"
TEACHERS_OF_TODAY: tuple[tuple[str, Tier], ...] = (
    ("gpt-6-luna", "flex"),
    ("gpt-6-luna", "standard"),
    ("gpt-5.4-nano", "standard"),
    ("gpt-6.1-terra", "standard"),
)


@dataclass(frozen=True)
class Priced:
    """A job with its name and its costs."""

    name: str
    job: Job
    cost: JobCost


@dataclass(frozen=True)
class Step:
    """One step of the waterfall: the total before and after one thing changed; equal for a total by itself."""

    name: str
    before: float
    after: float
    is_total: bool = False


def job_then(rows: int = ARTICLE_ROWS) -> Job:
    """The article's job at the prices of its week; its MFU is what 24 GPU hours for 52,002 rows amount to."""
    job = Job(
        rows=rows,
        request=ARTICLE_REQUEST,
        rows_kept=ASSUMED_YIELD,
        price=price_of(TEACHER_THEN, on=BEFORE_THE_ARTICLE),
        gpu=gpu_named(ARTICLE_GPU),
        usd_per_gpu_hour=rent_of(ARTICLE_GPU, until=BEFORE_THE_ARTICLE),
    )
    return replace(job, mfu=exactly(implied_mfu(replace(job, rows=ARTICLE_ROWS), ARTICLE_GPU_HOURS)))


def job_now(rows: int, rates: Rates) -> Job:
    """The same with a small teacher of today and packed training on one rented H200."""
    rent = rent_of(GPU_TODAY, since=THIS_AUTUMN)
    given = rates.usd_per_gpu_hour
    return Job(
        rows=rows,
        request=ARTICLE_REQUEST,
        rows_kept=ASSUMED_YIELD,
        price=price_of(TEACHER_TODAY),
        gpu=gpu_named(GPU_TODAY),
        usd_per_gpu_hour=Estimate(given, min(given, rent.low), max(given, rent.high)),
    )


def teachers_of_today() -> list[tuple[Price, Tier]]:
    """Teachers that one may choose from, cheapest first."""
    return [(price_of(model), tier) for model, tier in TEACHERS_OF_TODAY]


def variants(
    rows: int, rates: Rates, own: Request | None, own_yield: Estimate | None, own_mfu: Estimate | None = None
) -> list[Priced]:
    """Today's job and others that differ from it in one thing each; `own…` is what this run measured."""
    now = job_now(rows, rates)
    jobs: dict[str, Job] = {
        f"{TEACHER_TODAY}, one H200, full, 3 epochs": now,
        "… at the flex tier": replace(now, tier="flex"),
        "… teacher gpt-6.1-terra": replace(now, price=price_of("gpt-6.1-terra")),
        "… 1 epoch": replace(now, epochs=1),
        "… LoRA": replace(now, method="lora"),
        "… LoRA on one RTX 4090": replace(
            now, method="lora", gpu=gpu_named("RTX 4090"), usd_per_gpu_hour=rent_of("RTX 4090", since=THIS_AUTUMN)
        ),
        "… on A100 80 GB": replace(
            now, gpu=gpu_named(ARTICLE_GPU), usd_per_gpu_hour=rent_of(ARTICLE_GPU, since=THIS_AUTUMN)
        ),
        "… LLaMA 13B": replace(now, weights=LLAMA_WEIGHTS["13B"]),
        f"… {10 * rows:,} rows": replace(now, rows=10 * rows),
    }
    if own is not None and own_yield is not None and own_yield.low > 0:
        jobs["… with this run's requests and yield"] = replace(now, request=own, rows_kept=own_yield)
    if own_mfu is not None and own_mfu.low > 0:
        jobs[f"… at the MFU of this run, {own_mfu.value:.0%}"] = replace(now, mfu=own_mfu)
    jobs["March 2023: text-davinci-003, eight A100"] = job_then(rows)
    return [Priced(name, job, cost_of(job)) for name, job in jobs.items()]


def waterfall(then: Job, now: Job) -> list[Step]:
    """From the bill of 2023 to today's, one change at a time: token price, training code, card and its rent."""
    dollars = [
        cost_of(job).usd.value
        for job in (
            then,
            replace(then, price=now.price, tier=now.tier),
            replace(then, price=now.price, tier=now.tier, mfu=now.mfu),
            now,
        )
    ]
    names = ("tokens became cheaper", "better training code", f"{now.gpu.name} and its rent")
    first = cost_of(then)
    steps = [
        Step("data, 2023", 0.0, first.data_usd.value),
        Step("training, 2023", first.data_usd.value, dollars[0]),
        Step("total, 2023", 0.0, dollars[0], is_total=True),
    ]
    steps += [Step(name, before, after) for name, before, after in _changes(names, dollars)]
    return [*steps, Step("total, today", 0.0, dollars[-1], is_total=True)]


def _changes(names: Sequence[str], dollars: Sequence[float]) -> list[tuple[str, float, float]]:
    return [(name, dollars[place], dollars[place + 1]) for place, name in enumerate(names)]
