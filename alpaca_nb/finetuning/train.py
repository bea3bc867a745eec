"""What each training process runs: `torchrun … -m alpaca_nb.finetuning.train --finetuning-folder FOLDER`.

The folder holds `settings.json` and the rows as tokens; process 0 adds `metrics.jsonl` (a line a step) and
`result.json`, and writes the model beside the folder. A run that finds its own checkpoint goes on from there. Lines
beginning with `PROGRESS ` on stdout say where it is.
"""

import argparse
import dataclasses
import json
import os
import random
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist

from alpaca_nb.finetuning.checkpoints import (
    Checkpoint,
    CheckpointClock,
    check_disk,
    newest_checkpoint,
    remove_half_written,
    restore_checkpoint,
    save_checkpoint,
)
from alpaca_nb.finetuning.devices import dtype_for, join_alone, own_device
from alpaca_nb.finetuning.encode import EncodedRow, read_rows
from alpaca_nb.finetuning.faults import check_health, highest_sane_loss, out_of_memory_in_words
from alpaca_nb.finetuning.last_words import record
from alpaca_nb.finetuning.launch import PROGRESS_MARK
from alpaca_nb.finetuning.loop import (
    learning_rate_at,
    mean_loss,
    packs_of,
    take_step,
)
from alpaca_nb.finetuning.plan import number_of_steps, rows_of_step
from alpaca_nb.finetuning.results import (
    HELD_OUT_ROWS_FILE,
    SETTINGS_FILE,
    TRAINING_ROWS_FILE,
    StepMetrics,
    TrainingResult,
    append_metrics,
    cut_metrics,
    read_metrics,
    write_result,
)
from alpaca_nb.finetuning.same_run import run_digest
from alpaca_nb.finetuning.save import rehearse_save, save_model
from alpaca_nb.finetuning.settings import TrainingSettings, read_settings, warmup_steps
from alpaca_nb.finetuning.shares import build_model
from alpaca_nb.finetuning.watching import Watcher
from alpaca_nb.memory import give_back_freed_memory, peak_memory_bytes
from alpaca_nb.models import load_tokenizer, model_folder
from alpaca_nb.runs import device_description

if TYPE_CHECKING:
    from alpaca_nb.finetuning.loop import ShardedModel

STEPS_BETWEEN_TRIMS = 2  # taking memory anew costs time, so not after each step
LONGEST_SILENCE = timedelta(minutes=10)  # of another process, before this one gives up waiting for it


@record
def main() -> None:
    """Join the other processes, train, save, and leave the group in every case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--finetuning-folder", type=Path, required=True)  # torchrun would take short names for its own
    folder = parser.parse_args().finetuning_folder.resolve()
    settings = read_settings(folder / SETTINGS_FILE)
    join_alone()
    device = own_device()
    if settings.deterministic:
        use_repeatable_kernels()
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=LONGEST_SILENCE)
    try:
        with out_of_memory_in_words(settings, device):
            run(folder, settings, device)
    finally:
        dist.destroy_process_group()


def run(folder: Path, settings: TrainingSettings, device: torch.device) -> None:
    """The whole run of one process: load, shard, restore or measure, train, measure, save."""
    training, held_out = read_rows(folder / TRAINING_ROWS_FILE), read_rows(folder / HELD_OUT_ROWS_FILE)
    steps = number_of_steps(len(training), settings.epochs, settings.batch_size)
    compute_dtype = dtype_for(settings.precision, device)
    tell(0, "loading the model")
    base = model_folder(settings.base_model, seed=settings.seed)
    tokenizer, destination = load_tokenizer(base), folder.parent / "model"
    model = build_model(base, settings, device, compute_dtype, tokenizer)
    optimizer = new_optimizer(model, settings)
    tell(0, "rehearsing the last save")
    trained = sum(weight.numel() for weight in trained_weights(model))
    frozen = sum(weight.numel() for weight in model.parameters()) - trained
    check_disk(folder, trained, max(1, settings.keep_checkpoints), frozen)
    rehearse_save(model, tokenizer, destination, compute_dtype)
    start = resume(model, optimizer, folder)
    if start is None:
        tell(0, "loss on held-out rows before training")
        before = mean_loss(model, held_out, settings.max_tokens_per_pack, device)
        start = Checkpoint(0, run_digest(folder), before)
    give_back_freed_memory()
    watcher = Watcher(model, settings, device, folder, start.step + 1)
    take_steps(model, optimizer, training, settings, device, folder, start, steps, watcher)
    tell(steps, "loss on held-out rows after training")
    after = mean_loss(model, held_out, settings.max_tokens_per_pack, device)
    tell(steps, "saving the model")
    save_model(model, tokenizer, destination, compute_dtype)
    peak = torch.tensor(peak_memory_bytes(device), device=device)
    dist.all_reduce(peak, dist.ReduceOp.MAX)
    if dist.get_rank() == 0:
        metrics = read_metrics(folder)
        tokens, seconds = sum(line.tokens for line in metrics), sum(line.seconds for line in metrics)
        result = TrainingResult(
            steps=len(metrics),
            world_size=dist.get_world_size(),
            device=device_description(gpus=dist.get_world_size() if device.type == "cuda" else 0),
            precision=str(compute_dtype).removeprefix("torch."),
            tokens_trained=tokens,
            training_seconds=seconds,
            held_out_loss_before=start.held_out_loss_before,
            held_out_loss_after=after,
            mfu=watcher.mfu(tokens, sum(line.learned_tokens for line in metrics), seconds),
            peak_memory_bytes=int(peak),
        )
        write_result(folder, result)


def new_optimizer(model: "ShardedModel", settings: TrainingSettings) -> torch.optim.Optimizer:
    """AdamW over this process's share of what is trained, without weight decay, as the original."""
    return torch.optim.AdamW(trained_weights(model), lr=settings.learning_rate, weight_decay=0.0, fused=True)


def trained_weights(model: "ShardedModel") -> list[torch.nn.Parameter]:
    """All weights, or the adapter's alone."""
    return [weight for weight in model.parameters() if weight.requires_grad]


def resume(model: "ShardedModel", optimizer: torch.optim.Optimizer, folder: Path) -> Checkpoint | None:
    """Go back to the run's last checkpoint, the metrics too; None where there is none.

    Process 0 looks for it and tells the others: on a shared disk two machines may see different things for a while.
    """
    found: list[Checkpoint | None] = [None]
    if dist.get_rank() == 0:
        found = [newest_checkpoint(folder, run_digest(folder))]
        remove_half_written(folder, found[0])
        cut_metrics(folder, found[0].step if found[0] else 0)
    dist.broadcast_object_list(found, src=0)
    if found[0] is not None:
        tell(found[0].step, f"going on from {found[0].name}")
        restore_checkpoint(model, optimizer, folder, found[0])
    return found[0]


def take_steps(
    model: "ShardedModel",
    optimizer: torch.optim.Optimizer,
    rows: list[EncodedRow],
    settings: TrainingSettings,
    device: torch.device,
    folder: Path,
    start: Checkpoint,
    steps: int,
    watcher: Watcher | None = None,
) -> None:
    """The optimizer steps after `start`, up to `steps`; process 0 writes each one's metrics as it ends."""
    lengths = [len(row.input_ids) for row in rows]
    warmup = warmup_steps(settings, steps)
    highest_loss = highest_sane_loss(start.held_out_loss_before, model.config.vocab_size)
    clock = CheckpointClock(settings.checkpoint_every, last_step=steps, at_the_end=settings.keep_checkpoints > 0)
    last_good = start
    watcher = watcher or Watcher(model, settings, device, folder, start.step + 1)
    model.train()
    for step in range(start.step, steps):
        began = time.perf_counter()
        torch.manual_seed(seed_of_step(settings.seed, step, dist.get_rank()))
        chosen = rows_of_step(step, len(rows), settings.batch_size, settings.seed)
        packs = packs_of(chosen, rows, lengths, settings.max_tokens_per_pack, device)
        learned_tokens = sum(rows[row].learned_tokens for row in chosen)
        rate = learning_rate_at(step, steps, warmup, settings.learning_rate)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss, norm = take_step(model, optimizer, packs, learned_tokens, settings.max_gradient_norm)
        if step % STEPS_BETWEEN_TRIMS == 0:
            give_back_freed_memory()
        check_health(step + 1, loss, norm, highest_loss, settings, last_good.name if last_good.step else "")
        tokens = sum(lengths[row] for row in chosen)
        seconds = time.perf_counter() - began
        if dist.get_rank() == 0:
            line = StepMetrics(step + 1, loss, norm, rate, tokens, learned_tokens, seconds)
            append_metrics(folder, line)
            tell(step + 1, watcher.after(line), steps)
        if clock.is_due(step + 1):
            last_good = dataclasses.replace(start, step=step + 1)
            tell(step + 1, f"writing {last_good.name}", steps)
            began = time.perf_counter()
            save_checkpoint(model, optimizer, folder, last_good, keep=max(1, settings.keep_checkpoints))
            clock.took(time.perf_counter() - began)


def seed_of_step(seed: int, step: int, rank: int) -> int:
    """Dropout's seed: it follows from the place in the run, so a run that goes on draws what it would have drawn."""
    return random.Random(f"{seed}:dropout of step {step} in process {rank}").getrandbits(63)


def use_repeatable_kernels() -> None:
    """Ask CUDA for kernels that add in a fixed order, so that the same run gives the same bits."""
    os.environ.setdefault(
        "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
    )  # docs.nvidia.com/cuda/cublas, "Results reproducibility"
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # costs time for nothing


def tell(step: int, note: str, steps: int = 0) -> None:
    """Process 0 prints one line of progress for the parent process."""
    if dist.get_rank() == 0:
        line = PROGRESS_MARK + json.dumps({"step": step, "steps": steps, "note": note})
        sys.stdout.write(line + "\n")  # in one piece, where print would write the line's end after it
        sys.stdout.flush()


if __name__ == "__main__":
    main()
    # Everything is on the disk and the group is left. Python's own clean-up is skipped: now and then a thread of gloo
    # outlives it and aborts the process ("terminate called without an active exception") after all the work.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
