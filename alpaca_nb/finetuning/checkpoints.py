"""Checkpoints: everything a run needs to go on after a crash as if there had been none, in `finetuning/checkpoints/`.

Every process writes its own part of weights and optimizer state into the folder of the step (torch's distributed
checkpoint, DCP); when all parts are on the disk, `latest.json` is replaced in one move. No pointer leads to what a
crash left half-written, and it is removed. Any number of processes can read what another number wrote. The order of the
rows and dropout follow from (seed, step), so no state of a random generator needs keeping.
"""

import dataclasses
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict, set_state_dict
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from transformers import PreTrainedModel

from alpaca_nb.errors import InputFileError, TrainingError
from alpaca_nb.files import read_json, write_json
from alpaca_nb.finetuning.results import METRICS_FILE

CHECKPOINTS_FOLDER, POINTER_FILE = "checkpoints", "latest.json"
SECONDS_BETWEEN, LARGEST_SHARE = 600.0, 0.05  # where `checkpoint_every` is 0: at least so long, at most so much of it
WHAT_IS_TRAINED = StateDictOptions(ignore_frozen_params=True, strict=False)  # beside an adapter the base stays as it is
BYTES_A_WEIGHT = 12  # float32 weight and AdamW's two averages


@dataclass(frozen=True)
class Checkpoint:
    """The state after `step` steps of the run that `fingerprint` tells from all others."""

    step: int
    fingerprint: str
    held_out_loss_before: float  # measured before step 1, when there was no checkpoint yet

    @property
    def name(self) -> str:
        """Its place in the folder `finetuning/`, as a user reads it."""
        return f"{CHECKPOINTS_FOLDER}/step-{self.step:06d}"


def save_checkpoint(
    model: PreTrainedModel, optimizer: torch.optim.Optimizer, folder: Path, checkpoint: Checkpoint, keep: int
) -> None:
    """Write the state of all processes below `folder` (the run's `finetuning/`); the last `keep` checkpoints stay.

    Every process must call this.
    """
    weights, averages = get_state_dict(model, optimizer, options=WHAT_IS_TRAINED)
    save({"model": weights, "optimizer": averages}, checkpoint_id=folder / checkpoint.name)
    if dist.get_rank() == 0:
        _sync_file(folder / METRICS_FILE)
        write_json(folder / CHECKPOINTS_FOLDER / POINTER_FILE, dataclasses.asdict(checkpoint))
        for old in _whole_folders(folder, checkpoint.step)[:-keep]:
            shutil.rmtree(old)
    dist.barrier()


def restore_checkpoint(
    model: PreTrainedModel, optimizer: torch.optim.Optimizer, folder: Path, checkpoint: Checkpoint
) -> None:
    """Put the state of `checkpoint` into `model` and `optimizer`, whatever number of processes wrote it.

    Every process must call this. Raises `TrainingError` where a part is missing or damaged.
    """
    weights, averages = get_state_dict(model, optimizer, options=WHAT_IS_TRAINED)
    try:
        load({"model": weights, "optimizer": averages}, checkpoint_id=folder / checkpoint.name)
    except (CheckpointException, OSError) as error:
        raise TrainingError(
            f"{checkpoint.name} cannot be read ({' '.join(str(error).split())[:300]}): delete that folder to go on "
            "from the checkpoint before it, or all of finetuning/ to start anew"
        ) from None
    set_state_dict(model, optimizer, model_state_dict=weights, optim_state_dict=averages, options=WHAT_IS_TRAINED)


def newest_checkpoint(folder: Path, fingerprint: str) -> Checkpoint | None:
    """The last whole checkpoint of the run `fingerprint` below `folder`; None where there is none."""
    try:
        pointed_at = Checkpoint(**read_json(folder / CHECKPOINTS_FOLDER / POINTER_FILE))  # type: ignore[arg-type]
    except (InputFileError, TypeError):
        return None
    whole = _whole_folders(folder, pointed_at.step)  # fewer than were written where a user has deleted one
    if pointed_at.fingerprint != fingerprint or not whole:
        return None
    return dataclasses.replace(pointed_at, step=_step(whole[-1]))


def remove_half_written(folder: Path, checkpoint: Checkpoint | None) -> None:
    """Delete what a crash left: every folder of a later step than `checkpoint`'s."""
    for one in (folder / CHECKPOINTS_FOLDER).glob("step-*"):
        if checkpoint is None or _step(one) > checkpoint.step:
            shutil.rmtree(one)


def check_disk(folder: Path, weights: int, keep: int, frozen: int = 0) -> int:
    """Raise `TrainingError` unless the disk of `folder` holds a run's checkpoints, one more, and the model.

    Returns the free bytes; those of checkpoints that are there already are counted with them, for a run that goes on
    replaces them.
    """
    needed = disk_bytes(weights, keep, frozen)
    there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    taken = sum(file.stat().st_size for file in (folder / CHECKPOINTS_FOLDER).glob("step-*/*"))
    free = shutil.disk_usage(there).free + taken
    if free < needed:
        raise TrainingError(
            f"{needed / 1e9:.1f} GB may be needed on the disk of {folder.name}/ ({keep + 1} checkpoints of "
            f"{weights * BYTES_A_WEIGHT / 1e9:.1f} GB and the model), {free / 1e9:.1f} GB are free: "
            "free some, lower keep_checkpoints, or choose another run_dir"
        )
    return free


def disk_bytes(weights: int, keep: int, frozen: int = 0) -> int:
    """Bytes that a run of `weights` trained and so many frozen numbers can need while it keeps `keep` checkpoints."""
    return (keep + 1) * BYTES_A_WEIGHT * weights + 4 * (weights + frozen)


class CheckpointClock:
    """Says after which steps a checkpoint is due: each `every` steps, or, where that is 0, by process 0's clock."""

    def __init__(self, every: int, last_step: int, at_the_end: bool) -> None:
        self.every, self.last_step, self.at_the_end = every, last_step, at_the_end or every > 0
        self._pause, self._since = SECONDS_BETWEEN, time.monotonic()

    def is_due(self, step: int) -> bool:
        """Whether to save after step `step` (from 1); every process must ask, and all get the same answer."""
        if step == self.last_step and self.at_the_end:
            return True
        if self.every:
            return step % self.every == 0
        late = torch.tensor(time.monotonic() - self._since > self._pause)
        dist.broadcast(late, src=0)
        return bool(late)

    def took(self, seconds: float) -> None:
        """Note that a checkpoint was written just now, and how long that took: a slow disk gets fewer of them."""
        self._pause, self._since = max(SECONDS_BETWEEN, seconds / LARGEST_SHARE), time.monotonic()


def _whole_folders(folder: Path, up_to_step: int) -> list[Path]:
    """Checkpoint folders that DCP has finished (its `.metadata` comes last), first to last."""
    folders = [one.parent for one in (folder / CHECKPOINTS_FOLDER).glob("step-*/.metadata")]
    return sorted((one for one in folders if _step(one) <= up_to_step), key=_step)


def _step(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
