"""Starting and stopping the kit's own teachers: server processes on loopback, asked over HTTP like any other.

There are two kinds: the offline teacher, which is no model, and small real models (the extra `local`).
"""

import re
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from alpaca_nb import processes
from alpaca_nb.errors import TeacherError
from alpaca_nb.prices import LOCAL_MODELS

START_SECONDS = 60.0
DOWNLOAD_SECONDS = 1800.0  # a model is fetched the first time
_LISTENING = re.compile(r"listening on (http://\S+)")


@contextmanager
def running_own_teacher(model: str, seed: int) -> Iterator[str]:
    """Start the teacher that `model` names, yield its base URL, stop it; raises `TeacherError` if it fails."""
    if model in LOCAL_MODELS:
        command = ("-m", "alpaca_nb.local_teacher", "--model", model)
        with _running(f"the local teacher {model}", command, DOWNLOAD_SECONDS) as base_url:
            yield base_url
    else:
        with running_offline_teacher(seed) as base_url:
            yield base_url


@contextmanager
def running_offline_teacher(seed: int, *options: str) -> Iterator[str]:
    """Start the offline teacher on a free port, yield its base URL, stop it; raises `TeacherError` if it fails."""
    command = ("-m", "alpaca_nb.offline_teacher", "--port", "0", "--seed", str(seed), *options)
    with _running("the offline teacher", command, START_SECONDS) as base_url:
        yield base_url


@contextmanager
def _running(name: str, arguments: Sequence[str], seconds: float) -> Iterator[str]:
    server = processes.start([sys.executable, *arguments])
    assert server.stdout is not None
    said: deque[str] = deque(maxlen=20)
    too_slow = threading.Timer(seconds, server.kill)  # ends the wait for a line that never comes
    too_slow.start()
    try:
        address = None
        for line in server.stdout:
            said.append(line.rstrip())
            if address := _LISTENING.match(line):
                break
        too_slow.cancel()
        if address is None:
            words = " | ".join(said) or f"nothing within {seconds:.0f} s"
            raise TeacherError(f"{name} did not start; it said: {words}")
        threading.Thread(target=_drain, args=(server.stdout, said), daemon=True).start()
        yield address.group(1)
    finally:
        too_slow.cancel()
        processes.stop(server)


def _drain(output: IO[str], said: deque[str]) -> None:
    """Read what a server says until it ends: a full pipe would stop it."""
    with suppress(ValueError, OSError):  # closed while reading
        said.extend(line.rstrip() for line in output)
