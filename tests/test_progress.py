"""The line of progress: a count, and a time left that follows the pace, not the start-up or what was done before."""

import io
import re
import threading
from pathlib import Path

import nbformat
import pytest

from alpaca_nb import progress, run_progress
from alpaca_nb.execution import Job
from alpaca_nb.progress import PROGRESS_FILE, Progress


class Clock:
    """Seconds that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def seconds_left(line: str) -> int | None:
    found = re.search(r"about (\d+) s left", line)
    return int(found[1]) if found else None


def test_the_time_left_follows_the_pace_of_the_work(tmp_path: Path, clock: Clock) -> None:
    one = Progress("steps", 100, tmp_path)
    assert seconds_left(one.line(0, "loading")) is None
    clock.now = 20.0  # start-up
    assert seconds_left(one.line(1, "")) == 20 * 99  # all that is known
    clock.now = 24.0
    assert seconds_left(one.line(3, "")) == 2 * 97
    clock.now = 200.0
    assert seconds_left(one.line(100, "")) is None and one.line(100, "done").endswith("200 s · done")


def test_what_an_earlier_run_had_done_is_no_pace(tmp_path: Path, clock: Clock) -> None:
    one = Progress("steps", 100, tmp_path)
    clock.now = 10.0
    one.update(90, "going on")
    clock.now = 14.0
    assert seconds_left(one.line(92, "")) == 2 * 8
    one.update(92, "loss 0.5")
    assert "92 of 100 · 14 s · about 16 s left · loss 0.5" in (tmp_path / PROGRESS_FILE).read_text()


class Screen(io.StringIO):
    """Output that says when something was shown, and what."""

    def __init__(self, awaited: str) -> None:
        super().__init__()
        self.awaited, self.shown = awaited, threading.Event()

    def write(self, text: str) -> int:
        if self.awaited in text:
            self.shown.set()
        return super().write(text)


def test_a_wait_shows_what_the_cell_has_printed_until_the_stage_has_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_progress, "SECONDS_BETWEEN_LINES", 0.01)
    job = Job(tmp_path, tmp_path, tmp_path, {}, str, 60, cells=70)
    job.cell_started(nbformat.v4.new_code_cell("fetch()"), 15)
    job.said = "Downloading a model (93 MB) …"
    screen = Screen("cell 16 of 70 · Downloading a model (93 MB) …")
    with run_progress.shown("03_finetune_fsdp", job, tmp_path, screen):
        assert screen.shown.wait(60)
        Progress("steps", 100, tmp_path).update(0, "loading")
        screen.awaited, screen.shown = "0 of 100", threading.Event()
        assert screen.shown.wait(60)
    job.cell_started(nbformat.v4.new_code_cell("x = 1"), 16)
    assert job.said == "", "another cell, other words"
