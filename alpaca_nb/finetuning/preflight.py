"""Will it fit, and how long will it take? Answered from the model's sizes and the data, before any weight is loaded.

Memory is counted by what it is for, in bytes on one process. What autograd keeps of a layer is counted from the layer's
build (for LLaMA-7B 187,016 bytes a token in bfloat16, which equals what torch's saved-tensor hooks show).

Not counted is what a CPU compiles for products of 16-bit numbers: about 7 MB for each length of row (measured on an
Intel Xeon with AMX and a model of a million parameters: 719 MB with 10 lengths, 1,208 with 80). So such a small model
can take more than its forecast; SmolLM2-135M took 0.9 of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import psutil

from alpaca_nb.choices import TRAINING_OPTIONS
from alpaca_nb.errors import TrainingError
from alpaca_nb.finetuning import checkpoints
from alpaca_nb.finetuning.encode import EncodedRow
from alpaca_nb.finetuning.machines import ELSEWHERE, GIB, Machine
from alpaca_nb.finetuning.model_shape import LLAMA_7B, ModelShape
from alpaca_nb.finetuning.plan import number_of_steps, rows_of_step, spread
from alpaca_nb.finetuning.settings import TrainingSettings, options_of

FLOAT32, BFLOAT16 = 4, 2
PROCESS = {"cpu": round(0.56 * GIB), "cuda": round(0.9 * GIB)}  # Python, torch and its libraries; CUDA's context
BESIDE_A_GPU = (
    2 * GIB
)  # of the computer's own memory, for each process: Python, torch and CUDA's libraries; an estimate
STEPS_LOOKED_AT = 50
MEMORY_LEFT_FREE = 0.03  # of a device: no allocator fills it to the last byte


@dataclass(frozen=True)
class Work:
    """What a run has to compute: the biggest pack of any step looked at, and the tokens of all steps."""

    pack_tokens: int
    pack_learned: int
    packs_a_step: int
    tokens: int
    learned_tokens: int
    steps: int


@dataclass(frozen=True)
class Memory:
    """Bytes on one process, by what they are for."""

    weights: int  # this process's part
    gradients: int
    optimizer: int
    gathered: int  # weights of the layers at work, put together, and their gradients
    activations: int  # what the backward pass needs of the forward pass
    scores: int  # the head's output for the learned tokens
    process: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(getattr(self, part.name) for part in fields(self))


@dataclass(frozen=True)
class Forecast:
    """One machine's answer."""

    machine: Machine
    memory: Memory
    seconds: float
    host: int  # bytes of one computer's own memory, all of its processes together

    @property
    def fits(self) -> bool:
        """Is there room, with a little left?"""
        return self.memory.total <= self.machine.memory * (1 - MEMORY_LEFT_FREE)


def work_of(rows: Sequence[EncodedRow], settings: TrainingSettings, steps: int, processes: int) -> Work:
    """Plan some of the steps as training will, and scale to all."""
    lengths = [len(row.input_ids) for row in rows]
    looked_at = range(0, steps, max(1, steps // STEPS_LOOKED_AT))
    chosen = [rows_of_step(step, len(rows), settings.batch_size, settings.seed) for step in looked_at]
    plans = [spread(some, lengths, processes, settings.max_tokens_per_pack) for some in chosen]
    bins = [one for plan in plans for micro_batch in plan for one in micro_batch]
    share = steps / len(chosen)
    return Work(
        pack_tokens=max(sum(lengths[row] for row in one) for one in bins),
        pack_learned=max(sum(rows[row].learned_tokens for row in one) for one in bins),
        packs_a_step=max(len(plan) for plan in plans),
        tokens=round(share * sum(lengths[row] for some in chosen for row in some)),
        learned_tokens=round(share * sum(rows[row].learned_tokens for some in chosen for row in some)),
        steps=steps,
    )


def memory_needed(
    shape: ModelShape, settings: TrainingSettings, work: Work, processes: int, kind: str, number_bytes: int = BFLOAT16
) -> Memory:
    """Bytes of one process among `processes`; `number_bytes` is the size of a number that layers compute with."""
    adapters = adapter_parameters(shape, settings)
    trained = adapters or shape.parameters
    master = FLOAT32 * trained + (BFLOAT16 * shape.parameters if adapters else 0)
    layer, outside = shape.layer_parameters, shape.outside_layers
    copies = 2 if kind == "cpu" else 1  # gloo's reduce-scatter needs a second buffer
    exchanged = 0 if adapters else number_bytes + FLOAT32 * copies  # a gradient before and while it is exchanged
    whole_gradients = work.packs_a_step > 1 and processes > 1  # they add up on each process until the step's last pack
    scores = work.pack_learned * shape.vocabulary * (FLOAT32 * 2 + BFLOAT16 * 2)
    return Memory(
        weights=master // processes,
        gradients=FLOAT32 * trained // processes + (FLOAT32 * trained if whole_gradients else 0),
        optimizer=2 * FLOAT32 * trained // processes,
        gathered=2 * layer * number_bytes + outside * number_bytes + max(layer, outside) * exchanged,
        activations=work.pack_tokens * activation_bytes(shape, kind, number_bytes, settings.activation_checkpointing),
        scores=scores,
        process=PROCESS[kind],
    )


def activation_bytes(shape: ModelShape, kind: str, number_bytes: int, recompute: bool = False) -> int:
    """Bytes that the backward pass needs of one token's forward pass, in all layers.

    A layer keeps, of width h: for each of two norms a float32 copy and two low-precision vectors; queries, keys, values
    and attention's answer; four vectors of the MLP's width. With `recompute`, only each layer's input and one layer.
    """
    attention = shape.heads * shape.head_width
    norms = 2 * shape.hidden * (FLOAT32 + 2 * number_bytes)
    answers = 3 if kind == "cpu" else 2  # queries, the answer, and on CPUs the answer put together from rows
    heads = number_bytes * (answers * attention + 2 * shape.key_width)
    small = 4 * shape.heads + 2 * number_bytes * shape.head_width + 8
    layer = norms + heads + 4 * number_bytes * shape.mlp + small
    return shape.layers * number_bytes * shape.hidden + layer if recompute else shape.layers * layer


def adapter_parameters(shape: ModelShape, settings: TrainingSettings) -> int:
    """Trained weights of the adapters; 0 without LoRA."""
    attention = shape.heads * shape.head_width
    sides = {
        "q_proj": shape.hidden + attention,
        "k_proj": shape.hidden + shape.key_width,
        "v_proj": shape.hidden + shape.key_width,
        "o_proj": shape.hidden + attention,
    }
    targets = settings.lora_targets.split(",")
    return shape.layers * settings.lora_rank * sum(sides.get(name, shape.hidden + shape.mlp) for name in targets)


def check_disk(shape: ModelShape, settings: TrainingSettings, folder: Path) -> str:
    """Ask before loading what training will ask for: room for checkpoints and model on the disk of `folder`.

    Returns words with both numbers; raises `TrainingError` saying what to do where they do not fit.
    """
    adapters = adapter_parameters(shape, settings)
    trained, frozen = (adapters, shape.parameters) if adapters else (shape.parameters, 0)
    keep = max(1, settings.keep_checkpoints)
    free = checkpoints.check_disk(folder, trained, keep, frozen)
    needed = checkpoints.disk_bytes(trained, keep, frozen)
    return f"disk, for checkpoints and model: {in_gib(needed)} of the {in_gib(free)} that are free"


def forecast(shape: ModelShape, settings: TrainingSettings, rows: Sequence[EncodedRow], machine: Machine) -> Forecast:
    """Memory and time of a run on `machine`."""
    steps = number_of_steps(len(rows), settings.epochs, settings.batch_size)
    work = work_of(rows, settings, steps, machine.processes)
    memory = memory_needed(shape, settings, work, machine.processes, machine.kind, machine.number_bytes)
    flops = shape.training_flops(work.tokens, work.learned_tokens, adapter_parameters(shape, settings))
    if settings.activation_checkpointing:
        flops *= 4 / 3  # each layer's forward pass a second time
    seconds = flops / machine.expected_flops if machine.peak_flops else math.nan
    return Forecast(machine, memory, seconds, host_bytes(shape, settings, machine, memory))


def host_bytes(shape: ModelShape, settings: TrainingSettings, machine: Machine, memory: Memory) -> int:
    """Bytes of the computer's own memory: what the processes need on CPUs, and beside GPUs the model as it is loaded.

    It is loaded once, on the first computer, and dealt out (`shares.build_model`); saving it takes no more.
    """
    processes = machine.processes // machine.nodes
    if machine.kind == "cpu":
        return processes * memory.total
    frozen = settings.lora_rank > 0 and settings.precision != "float32"
    return processes * BESIDE_A_GPU + (BFLOAT16 if frozen else FLOAT32) * shape.parameters


def forecasts(
    shape: ModelShape, settings: TrainingSettings, rows: Sequence[EncodedRow], here: Machine
) -> list[Forecast]:
    """This machine's forecast first, then those of a few others."""
    return [forecast(shape, settings, rows, machine) for machine in (here, *ELSEWHERE)]


def check_memory(
    shape: ModelShape,
    settings: TrainingSettings,
    rows: Sequence[EncodedRow],
    answers: Sequence[Forecast],
    free: int | None = None,
) -> str:
    """Raise `TrainingError` if the first of `answers`, this machine's, does not fit, naming what would.

    Returns words about memory: that it fits, or that so little of the computer's own is free (bytes, by default what is
    free now) that the run may be slow or end.
    """
    here, free = answers[0], psutil.virtual_memory().available if free is None else free
    if here.fits and here.host > free:
        beside = " of the computer's own memory" if here.machine.kind == "cuda" else ""
        return f"warning: {in_gib(here.host)}{beside} are needed, {in_gib(free)} are free now: close other programs"
    if here.fits:
        return "it fits"
    changes: tuple[dict[str, object], ...] = (
        {"max_tokens_per_pack": max(settings.max_length, settings.max_tokens_per_pack // 2)},
        {"activation_checkpointing": True},
        {"lora_rank": 16},
        {"lora_rank": 16, "activation_checkpointing": True},
    )
    words = []
    for changed in changes:
        chosen = replace(settings, **changed)  # type: ignore[arg-type]
        other = forecast(shape, chosen, rows, here.machine)
        if other.fits and chosen != settings:
            written = [
                f"training_options={options_of(chosen)}" if name in TRAINING_OPTIONS else f"{name}={value}"
                for name, value in changed.items()
            ]
            words.append(f"{' and '.join(written)} ({in_gib(other.memory.total)})")
    words += [answer.machine.name for answer in answers[1:] if answer.fits]
    raise TrainingError(
        f"this run needs {in_gib(here.memory.total)} on each of {here.machine.processes} processes, and there are "
        f"{in_gib(here.machine.memory)}. What would fit: {'; '.join(words) or 'nothing in the table: a smaller model'}"
    )


def beside_llama_7b(
    shape: ModelShape, settings: TrainingSettings, rows: Sequence[EncodedRow], here: Forecast
) -> list[tuple[str, Memory, int]]:
    """(name, memory, weights) of this run, and of LLaMA-7B on one GPU on the same rows: all weights, and with LoRA."""
    card = ELSEWHERE[0]
    full = replace(settings, lora_rank=0)
    thin = replace(settings, lora_rank=16, max_tokens_per_pack=1024)
    return [
        ("this run", here.memory, shape.parameters),
        ("LLaMA-7B, all weights", forecast(LLAMA_7B, full, rows, card).memory, LLAMA_7B.parameters),
        ("LLaMA-7B, LoRA", forecast(LLAMA_7B, thin, rows, card).memory, LLAMA_7B.parameters),
    ]


def table(answers: Sequence[Forecast]) -> list[tuple[str, ...]]:
    """Rows of a table: machine, memory needed and there (each process), the computer's own, fits, time."""
    return [
        (
            answer.machine.name,
            in_gib(answer.memory.total),
            in_gib(answer.machine.memory),
            in_gib(answer.host),
            "yes" if answer.fits else "no",
            in_time(answer.seconds) if answer.fits else "–",
        )
        for answer in answers
    ]


def in_gib(value: float) -> str:
    """Bytes in GiB, or in MiB where they are few, as a table shows them."""
    if value < 0.1 * GIB:
        return f"{value / 2**20:.0f} MiB"
    return f"{value / GIB:.1f} GiB" if value < 100 * GIB else f"{value / GIB:.0f} GiB"


def in_time(seconds: float) -> str:
    """Seconds in the largest unit that fits; a forecast needs no more digits."""
    if math.isnan(seconds):
        return "unknown"
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 1 else "under 1 s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
