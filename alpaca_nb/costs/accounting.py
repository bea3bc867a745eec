"""What a run cost: the teachers' bills (`teacher_bills`), electricity or rent from measured seconds, CO2 from both.

Nothing is counted twice: each stage record and each ledger is read once, and a stage either burns one's own electricity
or is rented by the GPU hour (a rent already contains the electricity), never both.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.costs.hardware import DATA_CENTRE_OVERHEAD, gpu_in
from alpaca_nb.errors import InputFileError, RecipeError
from alpaca_nb.runs import STAGES, StageRecord, read_record

SECONDS_PER_HOUR = 3600
_WATTS_OF_AN_UNKNOWN_GPU = 700.0


@dataclass(frozen=True)
class Rates:
    """What an hour costs: electricity of one's own machine, or the rent of one GPU; and what electricity emits.

    `own_gpu` says that GPU stages ran on one's own card, which then costs its watts and no rent.
    """

    usd_per_kwh: float
    watts: float
    usd_per_gpu_hour: float
    own_gpu: bool = False
    grams_co2_per_kwh: float = 369.5  # USA, 2023; see power.csv

    def __post_init__(self) -> None:
        for name in ("usd_per_kwh", "watts", "usd_per_gpu_hour", "grams_co2_per_kwh"):
            refuse_below_zero(name, getattr(self, name))


@dataclass(frozen=True)
class StageCost:
    """The bill of one stage; `rental_usd` is 0 on one's own machine, `electricity_usd` is 0 on a rented one.

    `seconds` are billed: those of the whole stage, as the runner saw them (`StageRecord.wall_seconds`). Of a notebook
    run by hand they are those of its cells, `cell_seconds`, for nobody timed its start.
    """

    stage: str
    seconds: float
    cell_seconds: float
    device: str
    core_hours: float
    gpu_hours: float
    teacher_usd: float
    electricity_usd: float
    rental_usd: float
    kwh: float

    @property
    def usd(self) -> float:
        """All dollars of the stage."""
        return self.teacher_usd + self.electricity_usd + self.rental_usd


def refuse_below_zero(name: str, value: float) -> None:
    """Raise `RecipeError` for a negative price, power or speed."""
    if value < 0:
        raise RecipeError(f"{name} is {value}; it cannot be negative")


def electricity_dollars(seconds: float, watts: float, usd_per_kwh: float) -> float:
    """Watts × hours is watt-hours; a thousand of them are the kilowatt-hour on the bill."""
    return watts * (seconds / SECONDS_PER_HOUR) / 1000 * usd_per_kwh


def gpus_in(device: str) -> int:
    """Number of GPUs in a record's device (`1 x NVIDIA H200`); 0 for a CPU."""
    found = re.match(r"(\d+) x ", device)
    return int(found.group(1)) if found else 0


def cores_in(device: str) -> int:
    """Number of cores in a record's device (`CPU, 2 cores, …`); 0 where it does not say."""
    found = re.search(r"(\d+) cores", device)
    return int(found.group(1)) if found else 0


def cost_of_stage(record: StageRecord, rates: Rates, teacher_usd: float = 0.0) -> StageCost:
    """The bill of one stage; `teacher_usd` is what its ledgers add up to."""
    seconds = record.whole_seconds  # a meter runs while the notebook starts, too
    hours = seconds / SECONDS_PER_HOUR
    gpus = gpus_in(record.device)
    rented = gpus > 0 and not rates.own_gpu
    return StageCost(
        stage=record.stage,
        seconds=seconds,
        cell_seconds=record.seconds,
        device=record.device,
        core_hours=hours * cores_in(record.device),
        gpu_hours=hours * gpus,
        teacher_usd=teacher_usd,
        electricity_usd=0.0 if rented else electricity_dollars(seconds, rates.watts, rates.usd_per_kwh),
        rental_usd=hours * gpus * rates.usd_per_gpu_hour if rented else 0.0,
        kwh=hours * (_rented_watts(record.device, gpus) if rented else rates.watts) / 1000,
    )


def _rented_watts(device: str, gpus: int) -> float:
    gpu = gpu_in(device)
    return gpus * (gpu.watts if gpu else _WATTS_OF_AN_UNKNOWN_GPU) * DATA_CENTRE_OVERHEAD


def total_usd(costs: Iterable[StageCost]) -> float:
    """The sum of the stages' bills."""
    return sum(cost.usd for cost in costs)


def finished_stages(run_dir: Path) -> dict[str, StageRecord]:
    """Records of the stages that are done, without this one (its own bill is not known before it ends)."""
    found = ((stage, read_record(run_dir, stage)) for stage in STAGES[:-1])
    return {stage: record for stage, record in found if record is not None}


def missing_stages(records: Mapping[str, StageRecord]) -> list[str]:
    """Names of the stages before this one that left no record."""
    return [stage for stage in STAGES[:-1] if stage not in records]


def number_in(record: StageRecord | None, name: str) -> float | None:
    """A metric as a number; None where the stage or the metric is absent, `InputFileError` where it is no number."""
    if record is None or record.metrics.get(name) is None:
        return None
    value = record.metrics[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputFileError(f"{record.stage[:2]}_stage.json: metric {name!r} should be a number, found {value!r:.60}")
    return float(value)
