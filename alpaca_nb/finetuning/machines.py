"""How fast and how big machines are: this one, and four that one may rent."""

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from alpaca_nb.gpus import gpu_called, gpu_named

if TYPE_CHECKING:
    import torch

GIB = 1 << 30
TYPICAL_SHARE = 0.4  # of the peak, for a careful loop; published runs of 7B and 8B reach 0.33 to 0.6
CPU_SHARE = 0.2  # of a matrix product's measured speed, for small models on CPU cores


@dataclass(frozen=True)
class Machine:
    """Where a run could be: `memory` in bytes and bfloat16 operations a second, both for one process.

    `processes` are those of all `nodes` computers together.
    """

    name: str
    processes: int
    memory: int
    peak_flops: float
    kind: str = "cuda"
    number_bytes: int = 2  # of the type that layers compute with
    nodes: int = 1

    @property
    def expected_flops(self) -> float:
        """What training can be expected to reach, on all of it together."""
        return self.processes * self.peak_flops * (TYPICAL_SHARE if self.kind == "cuda" else CPU_SHARE)


# Memory as the driver reports it.
ELSEWHERE = (
    Machine("one 24 GB GPU (RTX 4090)", 1, round(23.5 * GIB), gpu_named("RTX 4090").flops),
    Machine("one 80 GB GPU (A100)", 1, 79 * GIB, gpu_named("A100 80 GB").flops),
    Machine("one 140 GB GPU (H200)", 1, 139 * GIB, gpu_named("H200 141 GB").flops),
    Machine("8 GPUs of 80 GB (A100)", 8, 79 * GIB, gpu_named("A100 80 GB").flops),
)


def this_machine(processes: int, nodes: int = 1) -> Machine:
    """The devices that training would take here: a GPU for each process, else the CPU's cores and memory in shares.

    Where there are several `nodes`, each with so many processes, the others are taken to be like this one.
    """
    import torch

    from alpaca_nb.finetuning.devices import device_for, dtype_for

    where = "here" if nodes == 1 else f"here and on {nodes - 1} like it"
    gpus = torch.cuda.device_count()
    if device_for(0, processes, gpus).type == "cuda":
        card = torch.cuda.get_device_properties(0)
        return Machine(
            name=f"{where}: {nodes * processes} x {card.name}",
            processes=nodes * processes,
            memory=card.total_memory,
            peak_flops=peak_flops(card.name),
            nodes=nodes,
        )
    threads = max(1, (os.cpu_count() or 1) // processes)
    return Machine(
        name=f"{where}: {nodes * processes} CPU processes",
        processes=nodes * processes,
        memory=psutil.virtual_memory().total // processes,
        peak_flops=cpu_flops(threads),
        kind="cpu",
        number_bytes=dtype_for("auto", torch.device("cpu")).itemsize,
        nodes=nodes,
    )


def peak_flops(name: str) -> float:
    """The data sheet's bfloat16 operations a second for a GPU of that name; 0 where `gpus.csv` has no row."""
    gpu = gpu_called(name)
    return gpu.flops if gpu else 0.0


def cpu_flops(threads: int, dtype: "torch.dtype | None" = None, seconds: float = 0.15) -> float:
    """Operations a second of plain matrix products on so many cores, measured for a moment.

    `dtype` is what training would compute in; by default bfloat16 where the CPU multiplies it fast, else float32.
    """
    import torch

    from alpaca_nb.finetuning.devices import dtype_for

    size, before = 768, torch.get_num_threads()
    one = torch.ones(size, size, dtype=dtype or dtype_for("auto", torch.device("cpu")))
    torch.set_num_threads(threads)
    try:
        torch.mm(one, one)
        products, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < seconds:
            torch.mm(one, one)
            products += 1
    finally:
        torch.set_num_threads(before)
    return 2 * size**3 * products / spent
