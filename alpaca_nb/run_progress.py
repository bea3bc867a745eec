"""What `alpaca-nb run` shows while a stage runs: one line that replaces itself, or a plain line every half minute.

The words come from the stage itself (`.progress.json`, see `progress`), or else are the last line that the running cell
has printed, such as that of a download; the position comes from papermill.
"""

import contextlib
import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from alpaca_nb.progress import PROGRESS_FILE

if TYPE_CHECKING:
    from alpaca_nb.execution import Job

SECONDS_BETWEEN_REFRESHES = 0.5
SECONDS_BETWEEN_LINES = 30.0
SECONDS_WORDS_STAY_FRESH = 120.0
MOST_WORDS = 90  # characters of what a cell has printed
_CLEAR_LINE = "\r\x1b[2K"


@contextlib.contextmanager
def shown(stage: str, job: "Job", run_dir: Path, out: TextIO | None = None) -> Iterator[None]:
    """Show the progress of `job` until the block ends; the words of an earlier stage are removed first and last."""
    out = out or sys.stdout
    words = run_dir / PROGRESS_FILE
    words.unlink(missing_ok=True)
    live = out.isatty()
    finished = threading.Event()
    started = time.monotonic()

    def line() -> str:
        parts = [stage, duration(time.monotonic() - started)]
        if job.cell:
            parts.append(f"cell {job.cell} of {job.cells}")
        return " · ".join([*parts, *(_fresh_words(words) or filter(None, [job.said[:MOST_WORDS]]))])

    def refresh() -> None:
        while not finished.wait(SECONDS_BETWEEN_REFRESHES if live else SECONDS_BETWEEN_LINES):
            text = line()
            if live:
                out.write(_CLEAR_LINE + text[: shutil.get_terminal_size().columns - 1])
            else:
                out.write(f"{text}\n")
            out.flush()

    if not live:
        print(f"{stage} · started", file=out, flush=True)
    thread = threading.Thread(target=refresh, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
        words.unlink(missing_ok=True)
        if live:
            out.write(_CLEAR_LINE)
            out.flush()


def duration(seconds: float) -> str:
    """Seconds as 0:07, 12:34 or 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def as_typed(path: Path) -> str:
    """A path as the caller would type it: relative where it lies below the current folder."""
    with contextlib.suppress(ValueError):
        return str(path.resolve().relative_to(Path.cwd()))
    return str(path)


def as_called(program: str = "alpaca-nb") -> str:
    """The command as the caller has to type it: by name where the shell finds it, else by the path that was typed."""
    called = Path(sys.argv[0])
    return program if called.stem != program or shutil.which(program) == str(called) else str(called)


def _fresh_words(path: Path) -> list[str]:
    """The stage's own words, unless they are old or half-readable."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        if time.time() - path.stat().st_mtime < SECONDS_WORDS_STAY_FRESH:
            return [str(json.loads(path.read_text(encoding="utf-8"))["text"])]
    return []
