"""What an hour of a GPU was rented for, by provider and date, in dollars on demand for one GPU (`rentals.csv`).

Each row was read on its date in the source named; prices of other days are not interpolated. Rents did not fall as
token prices did: Lambda's A100 80 GB cost 1.50 in March 2023 and 2.79 in September 2026.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from alpaca_nb.errors import BudgetError
from alpaca_nb.prices import age

RENTALS_FILE = Path(__file__).with_name("rentals.csv")
ARTICLE_GPU, ARTICLE_GPU_HOURS = "A100 80 GB", 24.0  # 3 hours on eight of them
BEFORE_THE_ARTICLE, THIS_AUTUMN = "2023-03-13", "2026-08-01"  # until the one, since the other


@dataclass(frozen=True)
class Rental:
    """One price read on one day."""

    date: str
    provider: str
    gpu: str
    usd_per_gpu_hour: float
    source: str

    @property
    def origin(self) -> str:
        """Provider, source and age in words."""
        return f"{self.provider}, {self.source} ({self.date}, {age(self.date)})"


def _read_table(path: Path) -> tuple[Rental, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Rental(row["date"], row["provider"], row["gpu"], float(row["usd_per_gpu_hour"]), row["source"])
            for row in csv.DictReader(file)
        )


RENTALS: tuple[Rental, ...] = _read_table(RENTALS_FILE)


def rentals(gpu: str, *, since: str = "", until: str = "9999") -> list[Rental]:
    """Prices of one kind of GPU read between two dates (inclusive, ISO), cheapest first.

    Raises `BudgetError` where there is none: an unknown rent is never taken for zero.
    """
    chosen = [row for row in RENTALS if row.gpu == gpu and since <= row.date <= until]
    if not chosen:
        known = ", ".join(sorted({row.gpu for row in RENTALS}))
        raise BudgetError(
            f"no rent is known for {gpu!r} between {since or 'ever'} and {until}; GPUs with a rent are {known}. "
            f"Add a dated, sourced row to alpaca_nb/costs/{RENTALS_FILE.name}"
        )
    return sorted(chosen, key=lambda row: (row.usd_per_gpu_hour, row.provider))


def middle_of(found: Sequence[Rental]) -> list[Rental]:
    """The price in the middle of prices in order, or the two where their number is even."""
    return list(found[(len(found) - 1) // 2 : len(found) // 2 + 1])


def median_of(found: Sequence[Rental]) -> float:
    """The median of prices in order: the one in the middle, or the mean of the two there."""
    return fmean(rental.usd_per_gpu_hour for rental in middle_of(found))


def rate(usd: float) -> str:
    """Dollars of an hour, with a third figure behind the point where it has one: the mean of two rents may."""
    return f"${usd:.2f}" if abs(usd - round(usd, 2)) < 1e-9 else f"${usd:.3f}"


def article_training_range(since: str = "", until: str = "9999") -> tuple[float, float]:
    """Cheapest and dearest bill for the article's 24 A100 hours at the prices of a period."""
    rows = rentals(ARTICLE_GPU, since=since, until=until)
    return rows[0].usd_per_gpu_hour * ARTICLE_GPU_HOURS, rows[-1].usd_per_gpu_hour * ARTICLE_GPU_HOURS
