"""A finished run of `smoke`, as a user starts it: another process, another working folder, a key in the air."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

CANARY = "sk-canary-7f3a9b2c5d"


@dataclass(frozen=True)
class WholeRun:
    """A finished run of `smoke`; tests read it and leave it as it is."""

    folder: Path
    elsewhere: Path
    printed: str
    errors: str
    status: int


def command(folder: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "alpaca_nb.cli", "run", "smoke", "--run-dir", str(folder), *options]


def environment() -> dict[str, str]:
    return {**os.environ, "OPENAI_API_KEY": CANARY}
