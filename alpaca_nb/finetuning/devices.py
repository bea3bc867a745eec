"""Where a training process computes: on a GPU of its own, or on the CPU."""

import os

import torch

from alpaca_nb.finetuning.settings import Precision


def device_for(local_rank: int, local_world_size: int, gpus: int) -> torch.device:
    """GPU number `local_rank` where each of the machine's `local_world_size` processes has one, else the CPU.

    All or none: NCCL refuses two processes on one GPU, and a group half on GPUs would wait for its other half.
    """
    return torch.device("cuda", local_rank) if gpus >= local_world_size else torch.device("cpu")


def join_alone() -> None:
    """Make a group of one of a process that no launcher has started (`python -m …`, `accelerate launch` on one GPU)."""
    if "RANK" not in os.environ:
        os.environ |= {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}
        os.environ |= {"MASTER_ADDR": "localhost", "MASTER_PORT": "0"}


def own_device() -> torch.device:
    """The device of this process among those that torchrun started on this machine."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    device = device_for(int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"]), gpus)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def dtype_for(precision: Precision, device: torch.device) -> torch.dtype:
    """The type to compute in: "auto" is bfloat16 wherever the hardware multiplies it faster than float32."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = bool(torch.cpu._is_avx512_bf16_supported())  # no public question for it in torch 2.11
    return torch.bfloat16 if fast else torch.float32
