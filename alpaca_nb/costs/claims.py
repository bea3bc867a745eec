"""The article's figures beside our own arithmetic; the verdict follows from the numbers and is never typed.

`claims.yaml` says what was claimed and by whom. Each claim has one function below that recomputes it as a range from
`low` to `high` over the sources and assumptions named in the claim's evidence. `verdict` compares the two.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from alpaca_nb.costs.accounting import SECONDS_PER_HOUR, number_in
from alpaca_nb.costs.projection import (
    A100_FLOPS_PEAK,
    ARTICLE_REQUEST,
    ARTICLE_REQUEST_LOW,
    ARTICLE_ROWS,
    MOST_TASKS_PER_REQUEST,
    Request,
    project_data,
    training_hours_7b,
)
from alpaca_nb.costs.rental import article_training_range
from alpaca_nb.errors import InputFileError
from alpaca_nb.prices import price_of
from alpaca_nb.runs import StageRecord

CLAIMS_FILE = Path(__file__).with_name("claims.yaml")
HOLDS, FOOTNOTE, NOT_REPRODUCIBLE = "holds", "holds with a footnote", "not reproducible"
_TOLERANCE = 0.02  # round figures are meant as round figures
_BEFORE_THE_ARTICLE = "2023-03-13"

Relation = Literal["equals", "below", "at_least"]


@dataclass(frozen=True)
class Claim:
    """One figure of the article, as `claims.yaml` holds it."""

    id: str
    claim: str
    value: float
    relation: Relation
    unit: str
    source: str
    evidence: str
    remark: str


@dataclass(frozen=True)
class CheckedClaim:
    """A claim with its recomputed range, the verdict, and what this run measured (empty where it did not)."""

    claim: Claim
    low: float
    high: float
    verdict: str
    this_run: str


def read_claims(path: Path = CLAIMS_FILE) -> list[Claim]:
    """Read the claims; raises `InputFileError` for a block with other fields."""
    try:
        return [Claim(**block) for block in yaml.safe_load(path.read_text(encoding="utf-8"))]
    except TypeError as error:
        raise InputFileError(f"{path.name}: a claim has a missing or an unknown field ({error})") from None


def verdict(relation: Relation, value: float, low: float, high: float) -> str:
    """Compare a claimed value with the recomputed range: all of it agrees, some of it, or none."""
    if relation == "below":
        inside, touching = high < value, low < value
    elif relation == "at_least":
        inside, touching = low >= value, high >= value
    else:
        slack = _TOLERANCE * abs(value)
        inside = value - slack <= low and high <= value + slack
        touching = low <= value + slack and high >= value - slack
    if inside:
        return HOLDS
    return FOOTNOTE if touching else NOT_REPRODUCIBLE


def check_claims(records: Mapping[str, StageRecord]) -> list[CheckedClaim]:
    """Recompute every claim and set this run's own value beside it, where a stage measured one."""
    checked = []
    for claim in read_claims():
        low, high = RECOMPUTED[claim.id]()
        measured = MEASURED.get(claim.id, _nothing)(records)
        checked.append(
            CheckedClaim(claim, low, high, verdict(claim.relation, claim.value, low, high), this_run=measured)
        )
    return checked


# --- the article's figures, recomputed as (low, high) ---


def _twenty_at_a_time() -> tuple[float, float]:
    asked, shown, stopped_before = 20, 3, 20
    return stopped_before - shown - 1, asked


def _data_dollars() -> tuple[float, float]:
    price = price_of("text-davinci-003")
    best = Request(ARTICLE_REQUEST_LOW.prompt_tokens, ARTICLE_REQUEST_LOW.completion_tokens, MOST_TASKS_PER_REQUEST, "")
    worst = Request(ARTICLE_REQUEST.prompt_tokens, ARTICLE_REQUEST.completion_tokens, MOST_TASKS_PER_REQUEST / 4, "")
    return project_data(ARTICLE_ROWS, best).dollars(price), project_data(ARTICLE_ROWS, worst).dollars(price)


def _training_hours() -> tuple[float, float]:
    seconds_per_epoch_on_40_gb = 5163
    at_half_of_peak = training_hours_7b(ARTICLE_ROWS, 8 * A100_FLOPS_PEAK, 0.5)
    return at_half_of_peak, 3 * seconds_per_epoch_on_40_gb / SECONDS_PER_HOUR


def _training_dollars() -> tuple[float, float]:
    return article_training_range(until=_BEFORE_THE_ARTICLE)


def _total_dollars() -> tuple[float, float]:
    (data_low, data_high), (train_low, train_high) = _data_dollars(), _training_dollars()
    return data_low + train_low, data_high + train_high


def _wins_per_cent() -> tuple[float, float]:
    wins, losses, draws = 205, 584, 16
    by_gpt4 = 100 * (wins + draws / 2) / (wins + losses + draws)
    by_authors = 100 * 90 / (90 + 89)
    return by_gpt4, by_authors


def _gpt3_gigabytes() -> tuple[float, float]:
    gigabytes = 175e9 * 2 / 1e9
    return gigabytes, gigabytes


RECOMPUTED: dict[str, Callable[[], tuple[float, float]]] = {
    "seed_tasks": lambda: (175, 175),
    "twenty_at_a_time": _twenty_at_a_time,
    "rows": lambda: (ARTICLE_ROWS, ARTICLE_ROWS),
    "data_dollars": _data_dollars,
    "training_hours": _training_hours,
    "training_dollars": _training_dollars,
    "total_dollars": _total_dollars,
    "wins": _wins_per_cent,
    "raspberry_pi": lambda: (0.1, 2.0),
    "model_of_1_5_billion": lambda: (80_000, 1_600_000),
    "gpt3_on_one_machine": _gpt3_gigabytes,
}


# --- the same figures in this run, in words ---


def _nothing(records: Mapping[str, StageRecord]) -> str:
    return ""


def _this_seed_tasks(records: Mapping[str, StageRecord]) -> str:
    tasks = number_in(records.get("01_seed_tasks"), "tasks")
    return f"{tasks:.0f} pairs" if tasks is not None else ""


def _this_tasks_per_request(records: Mapping[str, StageRecord]) -> str:
    generation = records.get("02_generate_data")
    requests, candidates = number_in(generation, "requests"), number_in(generation, "candidates")
    rows = number_in(generation, "rows")
    if not requests or candidates is None or rows is None:
        return ""
    return f"{candidates / requests:.1f} tasks read per request, {rows / requests:.1f} kept"


def _this_rows(records: Mapping[str, StageRecord]) -> str:
    rows = number_in(records.get("02_generate_data"), "rows")
    return f"{rows:,.0f} rows" if rows is not None else ""


def _this_data_dollars(records: Mapping[str, StageRecord]) -> str:
    usd = number_in(records.get("02_generate_data"), "usd")
    return f"${usd:,.2f}" if usd is not None else ""


def _this_training_hours(records: Mapping[str, StageRecord]) -> str:
    seconds = number_in(records.get("03_finetune_fsdp"), "training_seconds")
    return f"{seconds / SECONDS_PER_HOUR:.3f} hours" if seconds is not None else ""


def _this_wins(records: Mapping[str, StageRecord]) -> str:
    record = records.get("05_blind_comparison")
    counts = record.metrics.get("lenient") if record else None
    if not isinstance(counts, dict):
        return ""
    return f"tuned {counts['wins']} : {counts['losses']} untuned, {counts['ties']} ties (lenient)"


MEASURED: dict[str, Callable[[Mapping[str, StageRecord]], str]] = {
    "seed_tasks": _this_seed_tasks,
    "twenty_at_a_time": _this_tasks_per_request,
    "rows": _this_rows,
    "data_dollars": _this_data_dollars,
    "training_hours": _this_training_hours,
    "wins": _this_wins,
}
