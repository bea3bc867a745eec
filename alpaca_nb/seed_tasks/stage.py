"""Stage 01 at the edge: the seed-task file that was asked for → checked tasks → the run folder's `seed_tasks.jsonl`."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from alpaca_nb.files import write_jsonl
from alpaca_nb.records import SeedTask

KIT_SEED_TASKS = Path(__file__).with_name("seed_tasks.jsonl")
SEED_TASKS_FILE = "seed_tasks.jsonl"


def seed_file(seed_tasks_path: str) -> Path:
    """Where the tasks come from: the kit's own 175 if the parameter is empty, else the user's file."""
    return Path(seed_tasks_path).expanduser().resolve() if seed_tasks_path else KIT_SEED_TASKS


def write_seed_tasks(path: Path, tasks: Sequence[SeedTask]) -> Path:
    """Write the tasks in the field's schema, one a line, atomically."""
    return write_jsonl(path, (dataclasses.asdict(task) for task in tasks))
