"""What a training run is told: written by the stage as `finetuning/settings.json`, read by every process."""

import dataclasses
import importlib.util
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alpaca_nb.choices import TRAINING_OPTIONS, names_in
from alpaca_nb.errors import InputFileError, RecipeError
from alpaca_nb.files import read_json, write_json
from alpaca_nb.finetuning.plan import number_of_steps
from alpaca_nb.finetuning.rendezvous import endpoint

Precision = Literal["auto", "bfloat16", "float32"]


@dataclass(frozen=True)
class TrainingSettings:
    """The parameters of one run; `batch_size` counts rows of an optimizer step over all processes together."""

    base_model: str
    seed: int
    number_of_processes: int
    epochs: float
    batch_size: int
    learning_rate: float
    max_length: int = 512
    warmup_ratio: float = 0.03
    max_gradient_norm: float = 1.0
    max_tokens_per_pack: int = 2048
    precision: Precision = "auto"  # bfloat16 where the machine computes it fast
    activation_checkpointing: bool = False  # less memory for a third more arithmetic
    compile_layers: bool = False
    deterministic: bool = False  # GPUs only: kernels whose sums have a fixed order; a CPU's have one anyway
    checkpoint_every: int = 0  # optimizer steps; 0: every ten minutes
    keep_checkpoints: int = 0  # 0: the last one, and none once the run has ended
    nodes: int = 1  # machines, with `number_of_processes` processes each
    lora_rank: int = 0  # of the adapter's matrices; 0: all weights are trained
    lora_alpha: int = 16  # the adapter's share is alpha / rank
    lora_dropout: float = 0.0
    lora_targets: str = "q_proj,k_proj,v_proj,o_proj"  # modules of each layer that get an adapter
    add_pad_row: bool = False  # a new last row of the vocabulary, as the original had
    tensorboard: bool = False  # write curves into finetuning/tensorboard/

    @property
    def world_size(self) -> int:
        """Processes on all machines together."""
        return self.number_of_processes * self.nodes


def settings_from(parameters: Mapping[str, object]) -> TrainingSettings:
    """The settings among a notebook's parameters; what is not among them keeps its default.

    Raises `RecipeError` for a name in `training_options` that is none.
    """
    names = {field.name for field in dataclasses.fields(TrainingSettings)}
    options = names_in(str(parameters.get("training_options", "")), TRAINING_OPTIONS, "training_options")
    given = {name: value for name, value in parameters.items() if name in names}
    return TrainingSettings(**given | dict.fromkeys(options, True))  # type: ignore[arg-type]


def options_of(settings: TrainingSettings) -> str:
    """The parameter `training_options` of these settings."""
    return ",".join(name for name in TRAINING_OPTIONS if getattr(settings, name))


def check_settings(settings: TrainingSettings, rows: int, held_out_rows: int) -> list[str]:
    """Refuse what cannot train, before anything is loaded; returns warnings about what will train badly.

    Raises `RecipeError` naming the parameter and what it may be.
    """
    above_zero = (
        "number_of_processes",
        "nodes",
        "epochs",
        "batch_size",
        "learning_rate",
        "max_length",
        "max_tokens_per_pack",
    )
    for name in above_zero:
        value = getattr(settings, name)
        if not (math.isfinite(value) and value > 0):
            raise RecipeError(f"{name} must be above 0, not {value}")
    for name in ("checkpoint_every", "keep_checkpoints"):
        if getattr(settings, name) < 0:
            raise RecipeError(f"{name} must be 0 or above, not {getattr(settings, name)}")
    if not 0 <= settings.warmup_ratio < 1:
        raise RecipeError(f"warmup_ratio must be at least 0 and below 1, not {settings.warmup_ratio}")
    if settings.batch_size < settings.world_size:
        times = f" x {settings.nodes} nodes" if settings.nodes > 1 else ""
        raise RecipeError(
            f"batch_size {settings.batch_size} is less than number_of_processes {settings.number_of_processes}{times}: "
            "each process needs a row in each step; raise the one or lower the other"
        )
    if settings.nodes > 1:
        endpoint()
    _check_adapter(settings)
    if settings.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise RecipeError('training option tensorboard: the package is missing: pip install -e ".[tensorboard]"')
    if held_out_rows < 1:
        raise RecipeError(f"held_out_rows must be at least 1, not {held_out_rows}: the lesson measures on them")
    if number_of_steps(rows - held_out_rows, settings.epochs, settings.batch_size) < 1:
        raise RecipeError(
            f"{rows} rows less {held_out_rows} held out, {settings.epochs:g} times, do not fill one batch of "
            f"{settings.batch_size}; give more rows, or lower batch_size or held_out_rows"
        )
    return _warnings(settings)


def warmup_steps(settings: TrainingSettings, steps: int) -> int:
    """Steps during which the learning rate rises."""
    return math.ceil(settings.warmup_ratio * steps)


def write_settings(path: Path, settings: TrainingSettings) -> Path:
    """Write the settings for the training processes to read."""
    return write_json(path, dataclasses.asdict(settings))


def read_settings(path: Path) -> TrainingSettings:
    """Read what `write_settings` wrote; raises `InputFileError`."""
    value = read_json(path)
    try:
        return TrainingSettings(**value)  # type: ignore[arg-type]
    except TypeError as error:
        raise InputFileError(f"{path}: not the settings of a training run ({error})") from None


def _check_adapter(settings: TrainingSettings) -> None:
    if settings.lora_rank < 0:
        raise RecipeError(f"lora_rank must be 0 (train all weights) or above, not {settings.lora_rank}")
    if settings.lora_rank and settings.lora_alpha <= 0:
        raise RecipeError(f"lora_alpha must be above 0, not {settings.lora_alpha}")
    if not 0 <= settings.lora_dropout < 1:
        raise RecipeError(f"lora_dropout must be at least 0 and below 1, not {settings.lora_dropout}")
    if settings.lora_rank and not re.fullmatch(r"\w+(,\w+)*", settings.lora_targets):
        raise RecipeError(f"lora_targets must be names with commas between, not {settings.lora_targets!r}")
    if settings.lora_rank and settings.add_pad_row:
        raise RecipeError("add_pad_row needs all weights trained (lora_rank 0): an adapter cannot hold the new row")


def _warnings(settings: TrainingSettings) -> list[str]:
    cores = os.cpu_count() or 1
    if settings.number_of_processes > cores:
        return [f"{settings.number_of_processes} processes share {cores} cores: fewer would be faster on a CPU"]
    return []
