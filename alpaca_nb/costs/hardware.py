"""GPUs and electricity: what a card can compute, what it draws, and what a kilowatt-hour costs and emits.

`gpus.csv` holds the data sheets' dense bf16 speeds, on which every MFU in this room is based; `power.csv` the price of
electricity, grams of CO2 by country and the share that a data centre adds for cooling.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.errors import BudgetError, InputFileError
from alpaca_nb.prices import age

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Gpu:
    """One kind of card; `tflops` is its dense bf16 peak in 10¹² operations a second."""

    name: str
    tflops: float
    watts: float
    memory_gb: float
    source: str


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


def _gpus(path: Path) -> dict[str, Gpu]:
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["gpu"]: Gpu(
                row["gpu"], float(row["bf16_tflops"]), float(row["watts"]), float(row["memory_gb"]), row["source"]
            )
            for row in csv.DictReader(file)
        }


def _power(path: Path) -> tuple[PowerFigure, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            PowerFigure(row["kind"], row["place"], row["as_of"], float(row["value"]), row["unit"], row["source"])
            for row in csv.DictReader(file)
        )


GPUS: dict[str, Gpu] = _gpus(FOLDER / "gpus.csv")
POWER: tuple[PowerFigure, ...] = _power(FOLDER / "power.csv")


def power_figure(kind: str, place: str) -> PowerFigure:
    """One figure of the table; raises `InputFileError` where it is not there."""
    for row in POWER:
        if (row.kind, row.place) == (kind, place):
            return row
    known = ", ".join(row.place for row in POWER if row.kind == kind) or "none"
    raise InputFileError(f"power.csv has no {kind} for {place!r}; it has {known}")


DATA_CENTRE_OVERHEAD = power_figure("overhead", "data centre").value


def gpu_named(name: str) -> Gpu:
    """One card by its name in `gpus.csv`; raises `BudgetError` with the names there are."""
    if name not in GPUS:
        raise BudgetError(f"nothing is known of the GPU {name!r}; known are {', '.join(GPUS)}")
    return GPUS[name]


def gpu_in(device: str) -> Gpu | None:
    """The card that a record's device names (`2 x NVIDIA H200`); None for a CPU or a card that no row describes."""
    if not re.match(r"\d+ x ", device):
        return None
    words = re.sub(r"[^A-Z0-9]+", " ", device.upper()).split()
    fitting = [gpu for name, gpu in GPUS.items() if name.upper().removeprefix("RTX ").split()[0] in words]
    if len(fitting) > 1:  # two memory sizes of one card
        fitting = [gpu for gpu in fitting if f"{gpu.memory_gb:.0f}GB" in words] or fitting[:1]
    return fitting[0] if fitting else None
