"""What each training process runs: `torchrun … -m alpaca_nb.finetuning.train --finetuning-folder FOLDER`.

The folder holds `settings.json` and the rows as tokens; process 0 adds `metrics.jsonl` (a line a step) and
`result.json`, and writes the model beside the folder. Lines beginning with `PROGRESS ` on stdout say where it is.
"""

import argparse
import json
import math
import os
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.elastic.multiprocessing.errors import record

from alpaca_nb.errors import TrainingError
from alpaca_nb.finetuning.attention import use_packed_attention
from alpaca_nb.finetuning.devices import own_device
from alpaca_nb.finetuning.encode import EncodedRow, read_rows
from alpaca_nb.finetuning.launch import PROGRESS_MARK
from alpaca_nb.finetuning.loop import learning_rate_at, mean_loss, packs_of, shard_model, take_step
from alpaca_nb.finetuning.plan import number_of_steps, rows_of_step
from alpaca_nb.finetuning.results import (
    HELD_OUT_ROWS_FILE,
    SETTINGS_FILE,
    TRAINING_ROWS_FILE,
    StepMetrics,
    TrainingResult,
    append_metrics,
    write_result,
)
from alpaca_nb.finetuning.save import save_model
from alpaca_nb.finetuning.settings import Precision, TrainingSettings, read_settings, warmup_steps
from alpaca_nb.memory import give_back_freed_memory
from alpaca_nb.models import load_model, load_tokenizer, model_folder
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
    folder = parser.parse_args().finetuning_folder
    device = own_device()
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=LONGEST_SILENCE)
    try:
        run(folder, device)
    finally:
        dist.destroy_process_group()


def run(folder: Path, device: torch.device) -> None:
    """The whole run of one process: load, measure, train, measure, save."""
    settings = read_settings(folder / SETTINGS_FILE)
    training, held_out = read_rows(folder / TRAINING_ROWS_FILE), read_rows(folder / HELD_OUT_ROWS_FILE)
    tell(0, "loading the model")
    base = model_folder(settings.base_model, seed=settings.seed)
    whole_model = load_model(base, "float32")
    whole_model.to(device)  # type: ignore[arg-type]
    use_packed_attention(whole_model)
    compute_dtype = dtype_for(settings.precision, device)
    model = shard_model(whole_model, init_device_mesh(device.type, (dist.get_world_size(),)), compute_dtype)
    tell(0, "loss on held-out rows before training")
    before = mean_loss(model, held_out, settings.max_tokens_per_pack, device)
    give_back_freed_memory()
    metrics = train(model, training, settings, device, folder)
    tell(len(metrics), "loss on held-out rows after training")
    after = mean_loss(model, held_out, settings.max_tokens_per_pack, device)
    tell(len(metrics), "saving the model")
    save_model(model, load_tokenizer(base), folder.parent / "model", compute_dtype)
    if dist.get_rank() == 0:
        result = TrainingResult(
            steps=len(metrics),
            world_size=dist.get_world_size(),
            device=device_description(gpus=dist.get_world_size() if device.type == "cuda" else 0),
            precision=str(compute_dtype).removeprefix("torch."),
            tokens_trained=sum(line.tokens for line in metrics),
            training_seconds=sum(line.seconds for line in metrics),
            held_out_loss_before=before,
            held_out_loss_after=after,
        )
        write_result(folder, result)


def train(
    model: "ShardedModel",
    rows: list[EncodedRow],
    settings: TrainingSettings,
    device: torch.device,
    folder: Path,
) -> list[StepMetrics]:
    """All optimizer steps of a run; process 0 writes each one's metrics as it ends."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.0, fused=True)
    lengths = [len(row.input_ids) for row in rows]
    steps = number_of_steps(len(rows), settings.epochs, settings.batch_size, settings.max_steps)
    warmup = warmup_steps(settings, steps)
    metrics: list[StepMetrics] = []
    model.train()
    for step in range(steps):
        began = time.perf_counter()
        chosen = rows_of_step(step, len(rows), settings.batch_size, settings.seed)
        packs = packs_of(chosen, rows, lengths, settings.max_tokens_per_pack, device)
        learned_tokens = sum(rows[row].learned_tokens for row in chosen)
        rate = learning_rate_at(step, steps, warmup, settings.learning_rate)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss, norm = take_step(model, optimizer, packs, learned_tokens, settings.max_gradient_norm)
        if step % STEPS_BETWEEN_TRIMS == 0:
            give_back_freed_memory()
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise TrainingError(
                f"the loss is {loss} and the gradient norm {norm} at step {step + 1}: lower learning_rate"
            )
        tokens = sum(lengths[row] for row in chosen)
        seconds = time.perf_counter() - began
        metrics.append(StepMetrics(step + 1, loss, norm, rate, tokens, learned_tokens, seconds))
        if dist.get_rank() == 0:
            append_metrics(folder, metrics[-1])
        tell(step + 1, f"loss {loss:.3f}, {tokens / seconds:.0f} tokens/s", steps)
    return metrics


def tell(step: int, note: str, steps: int = 0) -> None:
    """Process 0 prints one line of progress for the parent process."""
    if dist.get_rank() == 0:
        print(PROGRESS_MARK + json.dumps({"step": step, "steps": steps, "note": note}), flush=True)


def dtype_for(precision: Precision, device: torch.device) -> torch.dtype:
    """The type to compute in: "auto" is bfloat16 wherever the hardware multiplies it faster than float32."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = bool(torch.cpu._is_avx512_bf16_supported())  # no public question for it in torch 2.11
    return torch.bfloat16 if fast else torch.float32


if __name__ == "__main__":
    main()
    # Everything is on the disk and the group is left. Python's own clean-up is skipped: now and then a thread of gloo
    # outlives it and aborts the process ("terminate called without an active exception") after all the work.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
