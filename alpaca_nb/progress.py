"""Progress of a long cell: one updating line in the notebook, and a small file that the runner reads.

The line is a display that replaces itself, so an executed notebook holds the last state only. The file
`.progress.json` in the run folder lets `alpaca-nb run` say what the stage is doing while it runs.
"""

import sys
import time
from pathlib import Path

from alpaca_nb.files import write_json

PROGRESS_FILE = ".progress.json"
BAR_WIDTH = 12  # characters
_SECONDS_BETWEEN_UPDATES = 1.0


class Progress:
    """Counts `done` of `total` units of `label`; call `update` as often as you like."""

    def __init__(self, label: str, total: int, run_dir: Path) -> None:
        self.label, self.total = label, total
        self._file = run_dir / PROGRESS_FILE
        self._started = time.monotonic()
        self._last = float("-inf")
        self._first: tuple[int, float] | None = None  # units done at the first sign of work, and when that was
        self._handle = None
        if "ipykernel" in sys.modules:
            from IPython.display import Pretty, display

            self._handle = display(Pretty(self.line(0, "")), display_id=True)  # type: ignore[no-untyped-call]
        self.update(0)

    def line(self, done: int, note: str) -> str:
        """The words shown: a bar, label, count, elapsed seconds, ETA once it can be known, and a note."""
        elapsed = time.monotonic() - self._started
        if done and self._first is None:
            self._first = (done, elapsed)
        full = BAR_WIDTH * min(done, self.total) // max(self.total, 1)
        left = self._seconds_left(done, elapsed)
        eta = f" · about {left:.0f} s left" if left is not None else ""
        bar = "█" * full + "░" * (BAR_WIDTH - full)
        return f"{bar} {self.label}: {done} of {self.total} · {elapsed:.0f} s{eta}{f' · {note}' if note else ''}"

    def _seconds_left(self, done: int, elapsed: float) -> float | None:
        """By the pace since the first sign of work: starting up, and what an earlier run had done, are no pace."""
        if not 0 < done < self.total:
            return None
        first, since = self._first or (0, 0.0)
        if done > first:
            return (elapsed - since) / (done - first) * (self.total - done)
        return elapsed / done * (self.total - done)

    def update(self, done: int, note: str = "") -> None:
        """Show and record the state; calls within a second of the last one cost nothing, save the final one."""
        now = time.monotonic()
        if done < self.total and now - self._last < _SECONDS_BETWEEN_UPDATES:
            return
        self._last = now
        text = self.line(done, note)
        write_json(self._file, {"text": text})
        if self._handle is not None:
            from IPython.display import Pretty

            self._handle.update(Pretty(text))  # type: ignore[no-untyped-call]
        elif "ipykernel" not in sys.modules:
            print(text, file=sys.stderr, flush=True)
