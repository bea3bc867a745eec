"""Putting a model where it computes: on the GPU if there is one, spread over several places where it is too large.

accelerate decides what goes where (`device_map="auto"`): the GPU first, then the computer's memory, then the disk. What
lies elsewhere is fetched layer by layer, which is slow but works.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from alpaca_nb.models.loading import Dtype, load_model

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WORKING_SPACE = 0.2  # of a device's free memory, kept for activations and the key-value cache
BYTES_OF = {"float32": 4, "bfloat16": 2, "float16": 2}

Device = int | str  # the number of a GPU, or "cpu", "mps"


def load_placed(folder: Path, dtype: Dtype, *, free: dict[Device, int] | None = None) -> "PreTrainedModel":
    """Load a model for answering, on the best device that it fits, else spread over all.

    `free` is the memory that may be used, in bytes (by default what is free now). Raises `ModelError`.
    """
    room = free_memory() if free is None else free
    home = next(iter(room))
    if parameters_in(folder) * BYTES_OF[dtype] <= room[home] * (1 - WORKING_SPACE):
        model = load_model(folder, dtype)
        return model if home == "cpu" else model.to(f"cuda:{home}" if isinstance(home, int) else home)  # type: ignore[arg-type]
    allowed = {device: int(size * (1 - WORKING_SPACE)) for device, size in room.items()}
    return load_model(folder, dtype, memory=allowed)


def free_memory() -> dict[Device, int]:
    """Free memory in bytes by device, the one to prefer first: GPUs by number, Apple's GPU, then "cpu"."""
    import psutil
    import torch

    free: dict[Device, int] = {}
    if torch.cuda.is_available():
        free = {gpu: torch.cuda.mem_get_info(gpu)[0] for gpu in range(torch.cuda.device_count())}
    elif torch.backends.mps.is_available():
        free["mps"] = torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return {**free, "cpu": psutil.virtual_memory().available}


def parameters_in(folder: Path) -> int:
    """How many numbers the folder's safetensors files hold, from their headers alone."""
    from math import prod

    from safetensors import safe_open

    total = 0
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            total += sum(prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    return total
