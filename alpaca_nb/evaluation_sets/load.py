"""An evaluation set by its name, or from a file of one's own, as a list of tasks that has been checked."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from alpaca_nb.choices import EVALUATION_SETS
from alpaca_nb.errors import InputFileError
from alpaca_nb.evaluation_sets.categories import category_of_app
from alpaca_nb.evaluation_sets.downloads import fetched
from alpaca_nb.files import Json, read_json, read_jsonl
from alpaca_nb.record_files import read_records
from alpaca_nb.records import EvaluationTask

KIT_TASKS = Path(__file__).parent / "kit_tasks.jsonl"
SUBSETS_OF_ALPACA_EVAL = {"selfinstruct": 252, "oasst": 188, "koala": 156, "helpful_base": 129, "vicuna": 80}
# SHA-256 of the 252 tasks in AlpacaEval's wording: white space levelled, sorted, one a line.
_SELFINSTRUCT_SHA256 = "261a75620ff321b2eec5c364325cbd5798b4f14f7cad322faeb94243c5ab4d82"


def evaluation_tasks(name: str) -> list[EvaluationTask]:
    """The tasks of a set: `kit`, `self_instruct`, `alpaca_eval`, or the path of a JSON or JSONL file.

    A file may be one's own, in Alpaca's form, or one of the two published ones, known by their rows.
    Raises `InputFileError` for a name that is neither, for a damaged file, and without a network where one is needed.
    """
    if name == "kit":
        return read_records(KIT_TASKS, EvaluationTask)
    if name == "self_instruct":
        return read_self_instruct(fetched(name))
    if name == "alpaca_eval":
        return read_alpaca_eval(fetched(name))
    path = Path(name).expanduser()
    if not path.is_file():
        raise InputFileError(
            f"evaluation_set is {name!r}: neither one of {', '.join(EVALUATION_SETS)} nor a file that exists"
        )
    rows = _rows(path)
    if rows and "instances" in rows[0]:
        return read_self_instruct(path)
    if Counter(str(row.get("dataset")) for row in rows) == SUBSETS_OF_ALPACA_EVAL:
        return read_alpaca_eval(path)
    return _checked(_own(rows, path), path)


def read_self_instruct(path: Path) -> list[EvaluationTask]:
    """The 252 tasks in self-instruct's own form, with the category of the application each was written for."""
    tasks = []
    for number, row in read_jsonl(path):
        instances = row.get("instances") if isinstance(row, dict) else None
        if not isinstance(row, dict) or not isinstance(instances, list) or len(instances) != 1:
            raise InputFileError(f"{path}, line {number}: not a task of self-instruct's evaluation set")
        instance = instances[0] if isinstance(instances[0], dict) else {}
        text = {name: value.strip() for name, value in {**row, **instance}.items() if isinstance(value, str)}
        absent = {"id", "motivation_app", "instruction", "input", "output"} - text.keys()
        if absent:
            raise InputFileError(f"{path}, line {number}: {', '.join(sorted(absent))} missing")
        category = category_of_app(text["motivation_app"])
        tasks.append(EvaluationTask(text["id"], category, text["instruction"], text["input"], text["output"]))
    return _checked(tasks, path)


def read_alpaca_eval(path: Path) -> list[EvaluationTask]:
    """The 805 tasks out of a file of answers to them; raises `InputFileError` where they are others or fewer."""
    rows = _rows(path)
    subsets = Counter(str(row.get("dataset")) for row in rows)
    if subsets != SUBSETS_OF_ALPACA_EVAL:
        raise InputFileError(f"{path}: expected {SUBSETS_OF_ALPACA_EVAL}, found {dict(subsets)}")
    known = sorted(" ".join(str(row.get("instruction")).split()) for row in rows if row["dataset"] == "selfinstruct")
    if hashlib.sha256("\n".join(known).encode()).hexdigest() != _SELFINSTRUCT_SHA256:
        raise InputFileError(f"{path}: its 252 tasks of the set selfinstruct are not the published ones")
    tasks = [
        EvaluationTask(f"alpaca_eval_{number:03d}", str(row["dataset"]), str(row["instruction"]).strip(), "")
        for number, row in enumerate(rows)
    ]
    return _checked(tasks, path)


def _own(rows: Sequence[dict[str, Json]], path: Path) -> list[EvaluationTask]:
    """A file in Alpaca's form: instruction, perhaps input, category, and output or reference as reference answer."""
    tasks = []
    for number, row in enumerate(rows, start=1):
        if not isinstance(row.get("instruction"), str) or not str(row["instruction"]).strip():
            raise InputFileError(f"{path}, row {number}: no instruction in it")
        text = {name: value.strip() for name, value in row.items() if isinstance(value, str)}
        tasks.append(
            EvaluationTask(
                text.get("id") or f"task_{number:04d}", text.get("category", ""), text["instruction"],
                text.get("input", ""), text.get("reference") or text.get("output", ""),
            )
        )  # fmt: skip
    return tasks


def _rows(path: Path) -> list[dict[str, Json]]:
    value = [row for _, row in read_jsonl(path)] if path.suffix == ".jsonl" else read_json(path)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise InputFileError(f"{path}: expected a list of JSON objects")
    return value  # type: ignore[return-value]


def _checked(tasks: Sequence[EvaluationTask], path: Path) -> list[EvaluationTask]:
    if not tasks:
        raise InputFileError(f"{path}: no tasks in it")
    twice = [id for id, times in Counter(task.id for task in tasks).items() if times > 1]
    if twice:
        raise InputFileError(f"{path}: the id {twice[0]!r} occurs twice; ids must be unique")
    return list(tasks)
