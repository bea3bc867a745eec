"""Ends whatever a stage left running, wherever it hides.

A killed kernel's children are adopted by the system and may sit in sessions of their own, so neither the process tree
nor the process group finds them. Each kernel therefore gets a mark in its environment, which its descendants inherit.
"""

import contextlib
import uuid

import psutil

MARK_VARIABLE = "ALPACA_NB_STAGE_MARK"
_SECONDS_TO_END_POLITELY = 3.0


def new_mark() -> str:
    """A mark for one kernel: give it to the kernel as the environment variable `MARK_VARIABLE`."""
    return uuid.uuid4().hex


def marked(mark: str) -> list[psutil.Process]:
    """Every living process that carries the mark, with its descendants."""
    found: set[psutil.Process] = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK_VARIABLE) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found |= {process, *process.children(recursive=True)}
    return sorted(found, key=lambda process: process.pid)


def end(mark: str) -> int:
    """End every process that carries the mark, politely first; return how many there were."""
    processes = marked(mark)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(processes, timeout=_SECONDS_TO_END_POLITELY)
    for process in [*stubborn, *marked(mark)]:  # again: one of them may have started another in the meantime
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=_SECONDS_TO_END_POLITELY)
    return len(processes)
