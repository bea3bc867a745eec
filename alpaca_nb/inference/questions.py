"""The held-out questions: fresh tasks with checkable answers that the fine-tuning data does not hold."""

from pathlib import Path

from alpaca_nb.alpaca_format import read_examples
from alpaca_nb.checkable_tasks import make_tasks
from alpaca_nb.records import CheckableTask


def held_out_questions(count: int, seed: int, dataset: Path | None) -> list[CheckableTask]:
    """Draw `count` tasks from `seed`, none with the instruction and input of a row of `dataset` (None: no data set)."""
    rows = read_examples(dataset) if dataset is not None else []
    trained_on = frozenset((row.instruction, row.input) for row in rows)
    return make_tasks(count, seed=f"{seed}:held-out", exclude=trained_on)
