"""Giving freed memory back to the system, which glibc's allocator seldom does by itself.

Tensors ask for aligned memory, which glibc rarely fits into the holes that earlier ones left; so a process that trains
grows from step to step, and one that has converted a model keeps what it no longer needs.
"""

import ctypes
import sys

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def give_back_freed_memory() -> None:
    """Return whole free pages to the system; does nothing where the C library is not glibc."""
    trim = getattr(_LIBC, "malloc_trim", None)
    if trim is not None:
        trim(0)
