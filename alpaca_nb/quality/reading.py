"""Rows from any file the report can look at: Alpaca's format, or tasks in self-instruct's schema."""

from collections.abc import Iterable
from pathlib import Path

from alpaca_nb.alpaca_format import read_examples
from alpaca_nb.errors import InputFileError
from alpaca_nb.files import Json, read_jsonl
from alpaca_nb.records import Example, SeedTask


def read_any(path: Path) -> list[Example]:
    """Read an Alpaca-format file, or JSON lines with `instances` (seed tasks, the 252 evaluation tasks).

    Of a task's instances each becomes a row. Raises `InputFileError` with the line at fault.
    """
    return _read_tasks(path) if is_task_file(path) else read_examples(path)


def is_task_file(path: Path) -> bool:
    """Whether the file's first line is a task with `instances`."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline()
    except (OSError, UnicodeDecodeError):
        return False  # read_examples says what is wrong with it
    return first.lstrip().startswith("{") and '"instances"' in first


def rows_of_tasks(tasks: Iterable[SeedTask]) -> list[Example]:
    """The first instance of each task, which is the one that the teacher sees."""
    return [Example(task.instruction, task.instances[0].input, task.instances[0].output) for task in tasks]


def _read_tasks(path: Path) -> list[Example]:
    rows = []
    for line, value in read_jsonl(path):
        instances = value.get("instances") if isinstance(value, dict) else None
        if not isinstance(value, dict) or not isinstance(instances, list) or not instances:
            raise InputFileError(f"{path}, line {line}: no list `instances`, which the file's other tasks have")
        for instance in instances:
            if not isinstance(instance, dict):
                raise InputFileError(f"{path}, line {line}: an instance must be an object with input and output")
            texts = [value.get("instruction"), instance.get("input", ""), instance.get("output")]
            rows.append(_row(texts, f"{path}, line {line}"))
    return rows


def _row(texts: list[Json], where: str) -> Example:
    instruction, input_, output = texts
    if not isinstance(instruction, str) or not isinstance(input_, str) or not isinstance(output, str):
        raise InputFileError(f"{where}: instruction, input and output must be texts")
    return Example(instruction, input_, output)
