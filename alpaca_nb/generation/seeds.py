"""Reading the seed tasks that stage 01 left, which has checked them."""

from pathlib import Path

from alpaca_nb.errors import InputFileError
from alpaca_nb.files import read_jsonl
from alpaca_nb.records import Instance, SeedTask


def read_seed_tasks(path: Path) -> list[SeedTask]:
    """Read `seed_tasks.jsonl`; raises `InputFileError` with the line that is no seed task, or if there is none."""
    tasks: list[SeedTask] = []
    for line, value in read_jsonl(path):
        try:
            instances = tuple(Instance(each["input"], each["output"]) for each in value["instances"])  # type: ignore
            tasks.append(
                SeedTask(value["id"], value["name"], value["instruction"], instances, value["is_classification"])  # type: ignore
            )
            instances[0]
        except (TypeError, KeyError, IndexError):
            raise InputFileError(f"{path}, line {line}: not a seed task; run notebook 01_seed_tasks again") from None
    if not tasks:
        raise InputFileError(f"{path} holds no seed task; run notebook 01_seed_tasks again")
    return tasks
