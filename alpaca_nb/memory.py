"""How much memory a process has held, and giving freed memory back, which glibc's allocator seldom does by itself.

Tensors ask for aligned memory, which glibc rarely fits into the holes that earlier ones left; so a process that trains
grows from step to step, and one that has converted a model keeps what it no longer needs.
"""

import ctypes
import sys
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import torch

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def give_back_freed_memory() -> None:
    """Return whole free pages to the system; does nothing where the C library is not glibc."""
    trim = getattr(_LIBC, "malloc_trim", None)
    if trim is not None:
        trim(0)


def peak_memory_bytes(device: "torch.device") -> int:
    """The most that this process has held: on a GPU its tensors, on a CPU everything, libraries included."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":  # where `resource` is unknown
        return int(psutil.Process().memory_info().peak_wset)  # type: ignore[attr-defined, unused-ignore]
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
