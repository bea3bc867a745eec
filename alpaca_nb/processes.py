"""Child processes that never outlive the one who started them.

A child runs in its own process group, so that all of its descendants can be stopped together; on Linux the kernel also
tells it to end when its parent dies, even by SIGKILL (a restarted Jupyter kernel). Elsewhere, macOS and Windows, only
the orderly ways out are covered.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    output: int | None = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Start `command` with stdout and stderr merged into `output` (a pipe of text lines unless told otherwise).

    `environment` is added to the parent's. Raises OSError where the command cannot be started.
    """
    return subprocess.Popen(
        list(command),
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        bufsize=1,
        start_new_session=os.name == "posix",
        preexec_fn=_die_with_parent if _LIBC is not None else None,
    )


def stop(process: subprocess.Popen[str], grace_seconds: float = 5.0) -> None:
    """End a process started by `start` with all its descendants: first politely, then not; returns when it is gone."""
    if sys.platform == "win32":
        with contextlib.suppress(psutil.Error):
            for member in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
                with contextlib.suppress(psutil.Error):
                    member.kill()
        process.wait()
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_seconds)
            break
    with contextlib.suppress(ProcessLookupError):  # descendants that outlived the leader of their group
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdout is not None:
        process.stdout.close()


def _die_with_parent() -> None:
    assert _LIBC is not None
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
