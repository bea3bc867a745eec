"""A run folder to be rated, and the rating server as a process of its own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.record_files import write_records
from alpaca_nb.records import Answer, CheckableTask

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> & <b>bold</b>"
STRONG, WEAK = "Rome, of course", "I could not say"


def run_to_rate(folder: Path, pairs: int) -> Path:
    """`pairs` questions; tuned answers hold STRONG, untuned ones WEAK, pair 0 is equal, pair 1 hostile."""
    tasks, answers = [], []
    for number in range(pairs):
        name = f"q{number:02d}"
        tasks.append(CheckableTask(name, "capital_city", f"Capital {number}?", "Italy", "Rome", ("Rome",), "exact"))
        extra = f" {HOSTILE}" if number == 1 else ""
        tuned = f"{STRONG} {number}{extra}"
        untuned = tuned if number == 0 else f"{WEAK} {number}{extra}"
        answers += [Answer(name, "tuned", tuned, 3, 0.1, "stop"), Answer(name, "untuned", untuned, 3, 0.1, "stop")]
    write_records(folder / "questions.jsonl", tasks)
    write_records(folder / "answers.jsonl", answers)
    return folder


@dataclass
class Served:
    """A running rating server."""

    process: subprocess.Popen[str]
    url: str
    port: int


@contextmanager
def rating_server(run_dir: Path, *options: str) -> Iterator[Served]:
    """`alpaca-nb rate` on a free port (or the one in `options`) until the context ends."""
    command = [sys.executable, "-m", "alpaca_nb.cli", "rate", str(run_dir), "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if found := re.search(r"at (http://[^/]+:(\d+)/)", line):
                yield Served(process, found[1], int(found[2]))
                return
        raise AssertionError(f"the rating server did not start: {said}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
