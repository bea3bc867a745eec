"""The edge of stage 03: rows and settings go into the run folder, torchrun works, its result is read back."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from alpaca_nb.finetuning.checkpoints import CHECKPOINTS_FOLDER, newest_checkpoint
from alpaca_nb.finetuning.encode import EncodedRow, write_rows
from alpaca_nb.finetuning.launch import Machines, OnProgress, command_elsewhere, run_torchrun
from alpaca_nb.finetuning.rendezvous import endpoint
from alpaca_nb.finetuning.results import (
    HELD_OUT_ROWS_FILE,
    LOG_FOLDER,
    RESULT_FILE,
    SETTINGS_FILE,
    TRAINING_ROWS_FILE,
    TrainingResult,
    read_result,
)
from alpaca_nb.finetuning.same_run import differences, fingerprint_of, read_fingerprint, write_fingerprint
from alpaca_nb.finetuning.settings import TrainingSettings, write_settings
from alpaca_nb.models import model_folder

TRAINING_MODULE = "alpaca_nb.finetuning.train"


def train_in_processes(
    folder: Path,
    settings: TrainingSettings,
    training: Sequence[EncodedRow],
    held_out: Sequence[EncodedRow],
    on_progress: OnProgress | None = None,
) -> TrainingResult:
    """Train in `settings.number_of_processes` processes; `folder` is the run folder's `finetuning/`.

    A run that was broken off goes on from its last checkpoint; `model/` beside `folder` is replaced only when the new
    one is whole. Raises `TrainingError` with the words of the process that failed.
    """
    print(prepare_folder(folder, settings, training, held_out), flush=True)
    for number in range(1, settings.nodes):
        print(f"machine {number} runs: {command_of_machine(folder, settings, number)}", flush=True)
    run_torchrun(
        TRAINING_MODULE,
        ["--finetuning-folder", str(folder)],
        number_of_processes=settings.number_of_processes,
        log_folder=folder / LOG_FOLDER,
        machines=_machines(settings),
        on_progress=on_progress,
    )
    return read_result(folder)


def command_of_machine(folder: Path, settings: TrainingSettings, number: int) -> str:
    """What to type on machine `number` (from 1) of `settings.nodes`, which must see `folder` under the same path."""
    options = ["--finetuning-folder", str(folder.resolve())]
    return command_elsewhere(TRAINING_MODULE, options, settings.number_of_processes, _machines(settings, number))


def prepare_folder(
    folder: Path, settings: TrainingSettings, training: Sequence[EncodedRow], held_out: Sequence[EncodedRow]
) -> str:
    """Write what the processes read, and say in a line where they will begin.

    A checkpoint of the same run stays; what a run with other settings, rows or base model has left is removed.
    """
    base = model_folder(settings.base_model, seed=settings.seed)
    new, old = fingerprint_of(settings, training, held_out, base), read_fingerprint(folder)
    checkpoint = newest_checkpoint(folder, new.digest)
    if checkpoint is not None:
        had_ended = (folder / RESULT_FILE).exists()
        (folder / RESULT_FILE).unlink(missing_ok=True)
        write_settings(folder / SETTINGS_FILE, settings)  # who computes may have changed
        before = "had ended: it is measured and saved again" if had_ended else "was broken off: it goes on"
        return f"this run {before} from {folder.name}/{checkpoint.name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_rows(folder / TRAINING_ROWS_FILE, training)
    write_rows(folder / HELD_OUT_ROWS_FILE, held_out)
    write_settings(folder / SETTINGS_FILE, settings)
    write_fingerprint(folder, new)
    changed = differences(old, new) if old else []
    return f"training begins anew; changed since the last run: {', '.join(changed)}" if changed else "training begins"


def drop_checkpoints(folder: Path, keep: int) -> None:
    """Delete a finished run's checkpoints but for the last `keep`.

    Not the training itself does it but the notebook's end: should a cell between them fail, nothing is trained twice.
    """
    root = folder / CHECKPOINTS_FOLDER
    for one in sorted(root.glob("step-*"))[: -keep or None]:
        shutil.rmtree(one)
    if not keep:
        shutil.rmtree(root, ignore_errors=True)


def number_of_parameters(model_folder: Path) -> int:
    """Count a model's weights from its configuration alone, without reading or holding any of them."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        configuration = AutoConfig.from_pretrained(model_folder)
        model = AutoModelForCausalLM.from_config(configuration)  # type: ignore[no-untyped-call]
    return sum(parameter.numel() for parameter in model.parameters())


def _machines(settings: TrainingSettings, number: int = 0) -> Machines:
    return Machines(settings.nodes, endpoint() if settings.nodes > 1 else "", number)
