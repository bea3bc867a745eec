"""The card that a record names, and what its electricity costs and emits.

`power.csv` holds the price of electricity, grams of CO2 by country and the share that a data centre adds for cooling.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.errors import InputFileError
from alpaca_nb.gpus import Gpu, gpu_called
from alpaca_nb.prices import age

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class PowerFigure:
    """One figure of `power.csv` with its unit, date and source."""

    kind: str
    place: str
    as_of: str
    value: float
    unit: str
    source: str

    @property
    def origin(self) -> str:
        """Source and age in words."""
        return f"{self.place}: {self.source} ({self.as_of}, {age(self.as_of)})"


def _power(path: Path) -> tuple[PowerFigure, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            PowerFigure(row["kind"], row["place"], row["as_of"], float(row["value"]), row["unit"], row["source"])
            for row in csv.DictReader(file)
        )


POWER: tuple[PowerFigure, ...] = _power(FOLDER / "power.csv")


def power_figure(kind: str, place: str) -> PowerFigure:
    """One figure of the table; raises `InputFileError` where it is not there."""
    for row in POWER:
        if (row.kind, row.place) == (kind, place):
            return row
    known = ", ".join(row.place for row in POWER if row.kind == kind) or "none"
    raise InputFileError(f"power.csv has no {kind} for {place!r}; it has {known}")


DATA_CENTRE_OVERHEAD = power_figure("overhead", "data centre").value


def gpu_in(device: str) -> Gpu | None:
    """The card that a record's device names (`2 x NVIDIA H200`); None for a CPU or a card that no row describes."""
    cards = re.match(r"\d+ x (.*)", device)
    return gpu_called(cards.group(1)) if cards else None
