"""What a GPU can compute and draws: one table (`gpus.csv`) behind every MFU, forecast and bill of the kit."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.errors import BudgetError

GPUS_FILE = Path(__file__).with_name("gpus.csv")
_MEMORY = re.compile(r"(\d+) GB")


@dataclass(frozen=True)
class Gpu:
    """One kind of card; `tflops` is its dense bf16 peak in 10¹² operations a second."""

    name: str
    tflops: float
    watts: float
    memory_gb: float
    source: str

    @property
    def flops(self) -> float:
        """The same peak in operations a second."""
        return self.tflops * 1e12


def _read_table(path: Path) -> dict[str, Gpu]:
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["gpu"]: Gpu(
                row["gpu"], float(row["bf16_tflops"]), float(row["watts"]), float(row["memory_gb"]), row["source"]
            )
            for row in csv.DictReader(file)
        }


GPUS: dict[str, Gpu] = _read_table(GPUS_FILE)


def gpu_named(name: str) -> Gpu:
    """One card by its name in `gpus.csv`; raises `BudgetError` with the names there are."""
    if name not in GPUS:
        raise BudgetError(f"nothing is known of the GPU {name!r}; known are {', '.join(GPUS)}")
    return GPUS[name]


def gpu_called(name: str) -> Gpu | None:
    """The card that a driver names (`NVIDIA A100-SXM4-80GB`); None where no row describes it.

    Whole words must agree, for an L40 is no L4; a row that says more (PCIe, the memory) goes before one that says less.
    """
    words = _words(name)
    fitting = [gpu for gpu in GPUS.values() if _words(_MEMORY.sub("", gpu.name)) <= words]
    return max(fitting, key=lambda gpu: len(_words(_MEMORY.sub(r"\1GB", gpu.name)) & words), default=None)


def _words(name: str) -> set[str]:
    return set(re.sub(r"[^A-Z0-9]+", " ", name.upper()).split())
