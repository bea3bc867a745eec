"""Seed tasks from a file: one JSON object a line, each checked, and every fault reported at once with its line.

The schema is the field's (self-instruct and Stanford Alpaca, `seed_tasks.jsonl`):
`{"id", "name", "instruction", "instances": [{"input", "output"}, …], "is_classification"}`. Further keys are ignored.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.errors import InputFileError
from alpaca_nb.files import Json
from alpaca_nb.records import Instance, SeedTask

_MARKS_OF_THE_LIST = re.compile(r"###|\d+\.\s+(?:Instruction|Input|Output):")  # what separates tasks in a prompt
_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


@dataclass(frozen=True)
class Problem:
    """What is wrong in one line of a file; lines count from 1."""

    line: int
    reason: str


def load_seed_tasks(path: Path) -> list[SeedTask]:
    """Read all seed tasks; raises one `InputFileError` that names every bad line and its fault."""
    tasks, problems = parse_seed_tasks(_lines(path))
    if problems:
        listed = "\n".join(f"  line {problem.line}: {problem.reason}" for problem in problems)
        raise InputFileError(f"{path} cannot be used; mend these lines or take them out:\n{listed}")
    return tasks


def validate_seed_tasks(path: Path) -> list[Problem]:
    """Return every fault in the file, in the order of its lines; an empty list means that it can be used."""
    return parse_seed_tasks(_lines(path))[1]


def parse_seed_tasks(lines: Sequence[str]) -> tuple[list[SeedTask], list[Problem]]:
    """Return (good tasks, faults) of a file's lines; blank lines are skipped, and a file without a task is a fault."""
    tasks: list[SeedTask] = []
    problems: list[Problem] = []
    first_line: dict[tuple[str, str], int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        task, reasons = _parse_line(line)
        if task is not None:
            reasons += _duplicates(task, number, first_line)
        if task is not None and not reasons:
            tasks.append(task)
        problems += [Problem(number, reason) for reason in reasons]
    if not tasks and not problems:
        problems.append(Problem(1, "the file holds no seed task"))
    return tasks, problems


def _parse_line(line: str) -> tuple[SeedTask | None, list[str]]:
    """Return (task, no reasons), or (None, all reasons that can be told)."""
    if not _is_unicode(line):
        return None, ["not UTF-8 text"]
    try:
        value: Json = json.loads(line)
    except json.JSONDecodeError as error:
        return None, [f"not valid JSON ({error.msg}, column {error.colno}); each line must be one whole object"]
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets nested thousands deep
        return None, ["not valid JSON (too large or too deeply nested)"]
    if not isinstance(value, dict):
        return None, [f"is {_kind(value)}, not an object; each line must be one whole object"]
    reasons: list[str] = []
    texts = {key: _text(value, key, reasons) for key in ("id", "name", "instruction")}
    instances = _instances(value, reasons)
    flag = value.get("is_classification")
    if "is_classification" not in value:
        reasons.append("key 'is_classification' is missing")
    elif not isinstance(flag, bool):
        reasons.append(f"'is_classification' must be true or false, not {_kind(flag)}")
    if reasons:
        return None, reasons
    return SeedTask(texts["id"], texts["name"], texts["instruction"], tuple(instances), bool(flag)), []


def _instances(value: dict[str, Json], reasons: list[str]) -> list[Instance]:
    """Read the instances, adding to `reasons`; what is returned counts only if nothing was added."""
    items = value.get("instances")
    if "instances" not in value:
        reasons.append("key 'instances' is missing")
    elif not isinstance(items, list):
        reasons.append(f"'instances' must be a list, not {_kind(items)}")
    elif not items:
        reasons.append("'instances' is empty; a seed task needs at least one")
    found = []
    for number, item in enumerate(items if isinstance(items, list) else []):
        where = f"instances[{number}]."
        if not isinstance(item, dict):
            reasons.append(f"'instances[{number}]' must be an object, not {_kind(item)}")
            continue
        input = _text(item, "input", reasons, where, may_be_empty=True)
        if input.strip().lower() == "<noinput>":
            reasons.append(f"'{where}input' must be an empty text where there is no input, not <noinput>")
        found.append(Instance(input, _text(item, "output", reasons, where)))
    return found


def _text(value: dict[str, Json], key: str, reasons: list[str], where: str = "", may_be_empty: bool = False) -> str:
    """Return the text under `key`; where there is none that can be used, add the reason and return an empty text."""
    text = value.get(key)
    if key not in value:
        reasons.append(f"key '{where}{key}' is missing")
    elif not isinstance(text, str):
        reasons.append(f"'{where}{key}' must be a text, not {_kind(text)}")
    elif not text.strip() and not may_be_empty:
        reasons.append(f"'{where}{key}' is empty")
    elif not _is_unicode(text):
        reasons.append(f"'{where}{key}' holds half a character (a lone surrogate)")
    elif mark := _MARKS_OF_THE_LIST.search(text):
        reasons.append(f"'{where}{key}' holds {mark.group()!r}, which separates tasks in the prompt")
    else:
        return text
    return ""


def _duplicates(task: SeedTask, line: int, first_line: dict[tuple[str, str], int]) -> list[str]:
    """Say which earlier line has the same id or instruction (case and white space do not count); note this line."""
    plain = " ".join(task.instruction.split()).casefold()
    reasons = []
    for kind, text in (("id", task.id), ("instruction", plain)):
        earlier = first_line.setdefault((kind, text), line)
        if earlier != line:
            reasons.append(f"same {kind} as line {earlier}")
    return reasons


def _lines(path: Path) -> list[str]:
    """The file's lines; bytes that are not UTF-8 become lone surrogates, so that their line can be named."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputFileError(f"{path} does not exist; a relative path counts from the notebooks folder") from None
    except OSError as error:
        raise InputFileError(f"{path} cannot be read ({error.strerror})") from None
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").split("\n")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Json) -> str:
    return _KINDS.get(type(value), "a number")
