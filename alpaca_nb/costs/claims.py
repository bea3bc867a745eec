"""The article's claims beside our own arithmetic; the verdict follows from the numbers and is never typed.

`claims.yaml` says what was claimed and by whom. Each claim has one function in `recomputed` that works it out as a
range from `low` to `high` over the sources and assumptions named in the claim's evidence. `verdict` compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from alpaca_nb.costs.recomputed import RECOMPUTED, Range
from alpaca_nb.costs.this_run import MEASURED
from alpaca_nb.errors import InputFileError
from alpaca_nb.runs import StageRecord

CLAIMS_FILE = Path(__file__).with_name("claims.yaml")
HOLDS, FOOTNOTE = "holds", "holds with a footnote"
NOT_REPRODUCIBLE, UNSUPPORTED = "not reproducible", "unsupported"
VERDICTS = (HOLDS, FOOTNOTE, NOT_REPRODUCIBLE, UNSUPPORTED)
_TOLERANCE = 0.02  # round figures are meant as round figures

Relation = Literal["equals", "rounds_to", "below", "at_least"]


@dataclass(frozen=True)
class Claim:
    """One claim of the article, as `claims.yaml` holds it; each source ends in its date."""

    id: str
    claim: str
    value: float
    relation: Relation
    unit: str
    sources: tuple[str, ...]
    evidence: str
    remark: str


@dataclass(frozen=True)
class CheckedClaim:
    """A claim with its recomputed range (None: no figure exists), the verdict, and this run's value (or nothing)."""

    claim: Claim
    recomputed: Range | None
    verdict: str
    this_run: str


def read_claims(path: Path = CLAIMS_FILE) -> list[Claim]:
    """Read the claims; raises `InputFileError` for a block with other fields or another relation."""
    claims = []
    for number, block in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), start=1):
        try:
            claim = Claim(**{**block, "sources": tuple(block["sources"])})
        except (TypeError, KeyError) as error:
            raise InputFileError(f"{path.name}, claim {number}: a missing or an unknown field ({error})") from None
        if claim.relation not in ("equals", "rounds_to", "below", "at_least"):
            raise InputFileError(f"{path.name}, claim {claim.id!r}: unknown relation {claim.relation!r}")
        claims.append(claim)
    return claims


def verdict(relation: Relation, value: float, recomputed: Range | None) -> str:
    """Compare a claimed value with the recomputed range: all of it agrees, some, or none; or there is no range."""
    if recomputed is None:
        return UNSUPPORTED
    low, high = recomputed
    if relation == "below":
        inside, touching = high < value, low < value
    elif relation == "at_least":
        inside, touching = low >= value, high >= value
    elif relation == "rounds_to":
        inside, touching = round(low) == value == round(high), round(low) <= value <= round(high)
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
        recomputed = RECOMPUTED[claim.id]()
        measured = MEASURED[claim.id](records) if claim.id in MEASURED else ""
        checked.append(CheckedClaim(claim, recomputed, verdict(claim.relation, claim.value, recomputed), measured))
    return checked
