"""Turns Ctrl-C and SIGTERM into one exception that unwinds a run in order; further signals wait until it has ended."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Stopped(KeyboardInterrupt):
    """The run was told to stop; a KeyboardInterrupt, because asyncio lets no other exception out of its loop."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_status = 128 + number  # as a shell reports it: 130 for SIGINT, 143 for SIGTERM


@contextlib.contextmanager
def stops_in_order() -> Iterator[None]:
    """Raise `Stopped` in the block at the first SIGINT, SIGTERM or SIGHUP; ignore those that follow.

    A signal that the caller's shell has turned off (nohup, a job in the background) stays off.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers; a caller in another thread keeps its own
        return
    named = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [number for number in named if signal.getsignal(number) is not signal.SIG_IGN]

    def stop(number: int, _: FrameType | None) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
