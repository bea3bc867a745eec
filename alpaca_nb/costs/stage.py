"""Stage 06 at the edge: stage records in, `costs.json`, `claims.json` and `report.html` out.

`analyse` reads whatever records there are and computes everything once; the notebook, the JSON files and the report
show the same numbers.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from alpaca_nb.costs.accounting import (
    Rates,
    StageCost,
    cost_of_stage,
    finished_stages,
    missing_stages,
    total_usd,
)
from alpaca_nb.costs.claims import CheckedClaim, check_claims
from alpaca_nb.costs.estimates import Estimate
from alpaca_nb.costs.jobs import TEACHER_TODAY, Priced, Step, job_now, job_then, teachers_of_today, variants, waterfall
from alpaca_nb.costs.ledger_bill import LedgerBill
from alpaca_nb.costs.measurements import measured_mfu, measured_throughput, measured_yield, seconds_for
from alpaca_nb.costs.projection import (
    ARTICLE_REQUEST,
    DataProjection,
    Request,
    measured_request,
    project_data,
)
from alpaca_nb.costs.rental import BEFORE_THE_ARTICLE, THIS_AUTUMN, article_training_range
from alpaca_nb.costs.sensitivity import Swing, swings
from alpaca_nb.costs.teacher_bills import teacher_bills, teacher_usd_of
from alpaca_nb.errors import RecipeError
from alpaca_nb.files import write_json
from alpaca_nb.prices import NEWEST, price_of
from alpaca_nb.runs import StageRecord

# Model and the day whose price is meant: three of the article's spring, four of today.
THEN_AND_NOW = (
    ("gpt-4", "2023-03-31"),
    ("text-davinci-003", "2023-03-31"),
    ("gpt-3.5-turbo", "2023-03-31"),
    ("gpt-6.2-astra", NEWEST),
    ("gpt-6.1-terra", NEWEST),
    ("gpt-5.4-nano", NEWEST),
    ("gpt-6-luna", NEWEST),
)


@dataclass(frozen=True)
class Bill:
    """What the projected data would cost with one teacher; `then` marks prices of spring 2023."""

    model: str
    usd: float
    as_of: str
    source: str
    then: bool


@dataclass(frozen=True)
class Analysis:
    """Everything stage 06 computes; dollars, seconds and hours by their names, None where a stage is missing."""

    records: Mapping[str, StageRecord]
    missing: list[str]
    rates: Rates
    teachers: Mapping[str, list[LedgerBill]]  # by stage
    costs: list[StageCost]
    usd_here: float
    rows: int
    data: DataProjection
    bills: list[Bill]
    own_request: Request | None
    own_data_usd: float | None
    own_yield: Estimate | None
    tokens_per_second: Estimate | None
    training_seconds_here: Estimate | None
    rent_then: tuple[float, float]
    rent_now: tuple[float, float]
    jobs: list[Priced]  # today's first, then variants
    steps: list[Step]
    swings: list[Swing]
    claims: list[CheckedClaim]

    @property
    def now(self) -> Priced:
        """Today's job: a small teacher, and a 7B model trained on one rented H200."""
        return self.jobs[0]

    @property
    def usd_projected(self) -> float:
        """Dollars of today's job."""
        return self.now.cost.usd.value

    @property
    def kwh(self) -> float:
        """Electricity of the run, one's own or the data centre's."""
        return sum(cost.kwh for cost in self.costs)

    @property
    def grams_co2(self) -> float:
        """What that electricity emits."""
        return self.kwh * self.rates.grams_co2_per_kwh

    @property
    def wasted_usd(self) -> Decimal:
        """Teacher dollars that brought no row: failed and lost attempts, answers of which nothing was kept."""
        return sum((bill.wasted_usd for bills in self.teachers.values() for bill in bills), Decimal(0))


def analyse(run_dir: Path, rates: Rates, projected_rows: int) -> Analysis:
    """Compute the run's bill, the projection and the claims from the records and ledgers in a run folder.

    Raises `RecipeError` for less than one row, and what `teacher_bills` raises.
    """
    if projected_rows < 1:
        raise RecipeError(f"projected_rows is {projected_rows}; it must be at least 1")
    records = finished_stages(run_dir)
    teachers = teacher_bills(run_dir, records)
    costs = [cost_of_stage(record, rates, teacher_usd_of(stage, teachers, record)) for stage, record in records.items()]
    generation = records.get("02_generate_data")
    own, own_yield = measured_request(generation), measured_yield(run_dir, generation)
    training, speed = records.get("03_finetune_fsdp"), measured_throughput(run_dir)
    now = job_now(projected_rows, rates)
    return Analysis(
        records=records,
        missing=missing_stages(records),
        rates=rates,
        teachers=teachers,
        costs=costs,
        usd_here=total_usd(costs),
        rows=projected_rows,
        data=project_data(projected_rows, ARTICLE_REQUEST),
        bills=bills(projected_rows, ARTICLE_REQUEST),
        own_request=own,
        own_data_usd=project_data(projected_rows, own).dollars(price_of(TEACHER_TODAY)) if own else None,
        own_yield=own_yield,
        tokens_per_second=speed,
        training_seconds_here=seconds_for(projected_rows, training, speed),
        rent_then=article_training_range(until=BEFORE_THE_ARTICLE),
        rent_now=article_training_range(since=THIS_AUTUMN),
        jobs=variants(projected_rows, rates, own, own_yield, measured_mfu(training, speed)),
        steps=waterfall(job_then(projected_rows), now),
        swings=swings(now, teachers_of_today()),
        claims=check_claims(records),
    )


def bills(rows: int, request: Request) -> list[Bill]:
    """Dollars for `rows` rows of data with each teacher of `THEN_AND_NOW`, dearest first."""
    projection = project_data(rows, request)
    found = []
    for model, day in THEN_AND_NOW:
        price = price_of(model, on=day)
        found.append(Bill(model, projection.dollars(price), price.as_of, price.source, then=day < "2024"))
    return sorted(found, key=lambda bill: -bill.usd)


def bill_of(analysis: Analysis, model: str) -> Bill:
    """The bill of one teacher."""
    return next(bill for bill in analysis.bills if bill.model == model)


def write_costs(path: Path, analysis: Analysis) -> Path:
    """Write `costs.json`: this run's bill by stage, the projection, and the rates behind both."""
    value = {
        "this_run": {
            "usd": analysis.usd_here,
            "seconds": sum(cost.seconds for cost in analysis.costs),
            "core_hours": sum(cost.core_hours for cost in analysis.costs),
            "gpu_hours": sum(cost.gpu_hours for cost in analysis.costs),
            "kwh": analysis.kwh,
            "grams_co2": analysis.grams_co2,
            "wasted_usd": str(analysis.wasted_usd),
            "stages": [{**dataclasses.asdict(cost), "usd": cost.usd} for cost in analysis.costs],
            "teachers": {stage: [_bill(bill) for bill in found] for stage, found in analysis.teachers.items()},
            "missing_stages": analysis.missing,
        },
        "rates": dataclasses.asdict(analysis.rates),
        "projection": {
            "rows": analysis.rows,
            "usd": analysis.usd_projected,
            "data": dataclasses.asdict(analysis.data),
            "request": dataclasses.asdict(ARTICLE_REQUEST),
            "bills": [dataclasses.asdict(bill) for bill in analysis.bills],
            "own_request": dataclasses.asdict(analysis.own_request) if analysis.own_request else None,
            "own_data_usd": analysis.own_data_usd,
            "own_rows_kept": _estimate(analysis.own_yield),
            "tokens_per_second": _estimate(analysis.tokens_per_second),
            "training_seconds_here": _estimate(analysis.training_seconds_here),
            "jobs": [dataclasses.asdict(each) for each in analysis.jobs],
            "steps_from_then_to_now": [dataclasses.asdict(step) for step in analysis.steps],
            "sensitivity": [dataclasses.asdict(each) for each in analysis.swings],
            "a100_24_hours_usd_2023": list(analysis.rent_then),
            "a100_24_hours_usd_now": list(analysis.rent_now),
        },
    }
    return write_json(path, value)


def write_claims(path: Path, claims: list[CheckedClaim]) -> Path:
    """Write `claims.json`: each claim with its recomputed range and verdict."""
    return write_json(path, [dataclasses.asdict(claim) for claim in claims])


def _estimate(found: Estimate | None) -> dict[str, float] | None:
    return None if found is None else dataclasses.asdict(found)


def _bill(bill: LedgerBill) -> dict[str, object]:
    """A teacher's bill for JSON; dollars as exact decimals in text."""
    return {
        "model": bill.price.model,
        "price": bill.price.origin,
        "usd": str(bill.usd),
        "wasted_usd": str(bill.wasted_usd),
        "requests": bill.requests,
        "attempts": bill.attempts,
        "free_failures": bill.free_failures,
        "by_tier": dict(bill.by_tier),
        "usage": dataclasses.asdict(bill.usage),
        "lines": [{"what": line.name, "count": line.count, "usd": str(line.usd)} for line in bill.lines],
    }
