"""Starting and stopping the kit's offline teacher: a server process on loopback, asked over HTTP like any other."""

import re
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from alpaca_nb import processes
from alpaca_nb.errors import TeacherError

START_SECONDS = 60.0
_LISTENING = re.compile(r"listening on (http://\S+)")


@contextmanager
def running_offline_teacher(seed: int) -> Iterator[str]:
    """Start the offline teacher on a free port, yield its base URL, stop it; raises `TeacherError` if it fails."""
    server = processes.start([sys.executable, "-m", "alpaca_nb.offline_teacher", "--port", "0", "--seed", str(seed)])
    assert server.stdout is not None
    said: deque[str] = deque(maxlen=20)
    too_slow = threading.Timer(START_SECONDS, server.kill)  # ends the wait for a line that never comes
    too_slow.start()
    try:
        address = None
        for line in server.stdout:
            said.append(line.rstrip())
            if address := _LISTENING.match(line):
                break
        too_slow.cancel()
        if address is None:
            words = " | ".join(said) or f"nothing within {START_SECONDS:.0f} s"
            raise TeacherError(f"the offline teacher did not start; it said: {words}")
        threading.Thread(target=_drain, args=(server.stdout, said), daemon=True).start()
        yield address.group(1)
    finally:
        too_slow.cancel()
        processes.stop(server)


def _drain(output: IO[str], said: deque[str]) -> None:
    """Read what a server says until it ends: a full pipe would stop it."""
    with suppress(ValueError, OSError):  # closed while reading
        said.extend(line.rstrip() for line in output)
