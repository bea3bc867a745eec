"""The files of a training run, all in the folder `finetuning/` of the run folder, and what their numbers mean."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.errors import InputFileError
from alpaca_nb.files import read_json, read_jsonl, write_json, write_text

SETTINGS_FILE, METRICS_FILE, RESULT_FILE = "settings.json", "metrics.jsonl", "result.json"
TRAINING_ROWS_FILE, HELD_OUT_ROWS_FILE = "training_rows.npz", "held_out_rows.npz"
LOG_FOLDER = "logs"


@dataclass(frozen=True)
class StepMetrics:
    """One line of `metrics.jsonl`; `loss` is the mean over the step's learned tokens, `tokens` counts prompts too."""

    step: int  # from 1
    loss: float  # nats a learned token
    grad_norm: float  # before clipping
    learning_rate: float
    tokens: int
    learned_tokens: int
    seconds: float


@dataclass(frozen=True)
class TrainingResult:
    """What a run came to, `result.json`; losses in nats a learned token."""

    steps: int
    world_size: int
    device: str  # that trained, in the stage record's words: `CPU, 2 cores, …` or `2 x NVIDIA H200`
    precision: str
    tokens_trained: int
    training_seconds: float  # of the steps alone: no start, no loading, no saving
    held_out_loss_before: float
    held_out_loss_after: float
    mfu: float = 0.0  # share of the peak operations a second that the steps reached; 0 where no peak is known
    peak_memory_bytes: int = 0  # of the process that took most: on a GPU its tensors, on a CPU all of the process

    @property
    def tokens_per_second(self) -> float:
        """Tokens of the rows, prompts included, for each second of the steps."""
        return self.tokens_trained / self.training_seconds


def append_metrics(folder: Path, line: StepMetrics) -> None:
    """Add one step's line."""
    with (folder / METRICS_FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(dataclasses.asdict(line)) + "\n")


def read_metrics(folder: Path) -> list[StepMetrics]:
    """Read all steps' lines; raises `InputFileError` with the line that is none."""
    metrics: list[StepMetrics] = []
    for number, value in read_jsonl(folder / METRICS_FILE):
        try:
            metrics.append(StepMetrics(**value))  # type: ignore[arg-type]
        except TypeError as error:
            raise InputFileError(f"{METRICS_FILE}, line {number}: not a step's metrics ({error})") from None
    return metrics


def cut_metrics(folder: Path, step: int) -> None:
    """Keep the lines up to `step`; those after it belong to steps that are done again.

    Raises `InputFileError` where they are fewer.
    """
    path = folder / METRICS_FILE
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    if len(lines) < step:
        raise InputFileError(f"{METRICS_FILE} has {len(lines)} lines, the checkpoint is of step {step}")
    write_text(path, "".join(lines[:step]))


def write_result(folder: Path, result: TrainingResult) -> None:
    """Write the run's result, the last file of a training run."""
    write_json(folder / RESULT_FILE, dataclasses.asdict(result))


def read_result(folder: Path) -> TrainingResult:
    """Read the run's result; raises `InputFileError`."""
    value = read_json(folder / RESULT_FILE)
    try:
        return TrainingResult(**value)  # type: ignore[arg-type]
    except TypeError as error:
        raise InputFileError(f"{RESULT_FILE}: not the result of a training run ({error})") from None
