"""Stage 06 at the edge: stage records in, `costs.json`, `claims.json` and `report.html` out.

`analyse` reads whatever records there are and computes everything once; the notebook, the JSON files and the report
show the same numbers.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
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
from alpaca_nb.costs.projection import (
    ARTICLE_REQUEST,
    H200_FLOPS_MEASURED,
    MODEST_EFFICIENCY,
    DataProjection,
    Request,
    measured_request,
    project_data,
    training_hours_7b,
    training_seconds_here,
)
from alpaca_nb.costs.rental import article_training_range
from alpaca_nb.files import write_json
from alpaca_nb.prices import price_of
from alpaca_nb.runs import StageRecord

# Model and the day whose price is meant: three of the article's spring, four of today.
THEN_AND_NOW = (
    ("gpt-4", "2023-03-31"),
    ("text-davinci-003", "2023-03-31"),
    ("gpt-3.5-turbo", "2023-03-31"),
    ("gpt-6.2-astra", "9999-12-31"),
    ("gpt-6.1-terra", "9999-12-31"),
    ("gpt-5.4-nano", "9999-12-31"),
    ("gpt-6-luna", "9999-12-31"),
)
TEACHER_TODAY = "gpt-6-luna"
_TODAYS_RENTS_SINCE = "2026-08-01"


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
    costs: list[StageCost]
    usd_here: float
    rows: int
    data: DataProjection
    bills: list[Bill]
    own_request: Request | None
    own_data_usd: float | None
    training_seconds_here: float | None
    h200_hours: float
    rent_then: tuple[float, float]
    rent_now: tuple[float, float]
    claims: list[CheckedClaim]

    @property
    def h200_usd(self) -> float:
        """Rent of the estimated H200 hours."""
        return self.h200_hours * self.rates.usd_per_gpu_hour

    @property
    def usd_projected(self) -> float:
        """Data with a small teacher of today, and a 7B model trained on one rented H200."""
        return bill_of(self, TEACHER_TODAY).usd + self.h200_usd


def analyse(run_dir: Path, rates: Rates, projected_rows: int) -> Analysis:
    """Compute the run's bill, the projection and the claims from the records in a run folder."""
    records = finished_stages(run_dir)
    costs = [cost_of_stage(record, rates) for record in records.values()]
    own = measured_request(records.get("02_generate_data"))
    return Analysis(
        records=records,
        missing=missing_stages(records),
        rates=rates,
        costs=costs,
        usd_here=total_usd(costs),
        rows=projected_rows,
        data=project_data(projected_rows, ARTICLE_REQUEST),
        bills=bills(projected_rows, ARTICLE_REQUEST),
        own_request=own,
        own_data_usd=project_data(projected_rows, own).dollars(price_of(TEACHER_TODAY)) if own else None,
        training_seconds_here=training_seconds_here(projected_rows, records.get("03_finetune_fsdp")),
        h200_hours=training_hours_7b(projected_rows, H200_FLOPS_MEASURED, MODEST_EFFICIENCY),
        rent_then=article_training_range(until="2023-03-13"),
        rent_now=article_training_range(since=_TODAYS_RENTS_SINCE),
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
            "stages": [{**dataclasses.asdict(cost), "usd": cost.usd} for cost in analysis.costs],
            "missing_stages": analysis.missing,
        },
        "rates": dataclasses.asdict(analysis.rates),
        "projection": {
            "rows": analysis.rows,
            "data": dataclasses.asdict(analysis.data),
            "request": dataclasses.asdict(ARTICLE_REQUEST),
            "bills": [dataclasses.asdict(bill) for bill in analysis.bills],
            "own_request": dataclasses.asdict(analysis.own_request) if analysis.own_request else None,
            "own_data_usd": analysis.own_data_usd,
            "training_seconds_here": analysis.training_seconds_here,
            "h200_hours": analysis.h200_hours,
            "h200_usd": analysis.h200_usd,
            "a100_24_hours_usd_2023": list(analysis.rent_then),
            "a100_24_hours_usd_now": list(analysis.rent_now),
            "usd": analysis.usd_projected,
        },
    }
    return write_json(path, value)


def write_claims(path: Path, claims: list[CheckedClaim]) -> Path:
    """Write `claims.json`: each claim with its recomputed range and verdict."""
    return write_json(path, [dataclasses.asdict(claim) for claim in claims])
