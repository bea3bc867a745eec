"""The held-out questions: fresh tasks with checkable answers that the fine-tuning data does not hold."""

from itertools import islice
from pathlib import Path

from alpaca_nb.alpaca_format import read_examples
from alpaca_nb.checkable_tasks import make_tasks
from alpaca_nb.checkable_tasks.marking import is_right
from alpaca_nb.errors import InputFileError
from alpaca_nb.records import CheckableTask
from alpaca_nb.runs import read_record
from alpaca_nb.similarity.similar import Similar

SAME_QUESTION = 0.7  # a ROUGE-L above it, and the same answer: a training row in other words
MOST_DRAWN = 64  # draws for each question wanted, before the families count as exhausted


def held_out_questions(count: int, seed: int, dataset: Path | None) -> list[CheckableTask]:
    """Draw `count` tasks from `seed`, none of them a row of `dataset` or nearly one (None: no data set).

    Raises ValueError where the data set leaves too few.
    """
    rows = read_examples(dataset) if dataset is not None else []
    exact = frozenset((row.instruction, row.input) for row in rows)
    similar = Similar([f"{row.instruction}\n{row.input}" for row in rows], SAME_QUESTION)

    def trained_on(task: CheckableTask) -> bool:
        near = similar.above(f"{task.instruction}\n{task.input}")
        return any(is_right(task, rows[index].output, "strict") for index, _ in near)

    drawn = count
    while drawn <= MOST_DRAWN * count:
        fresh = (task for task in make_tasks(drawn, f"{seed}:held-out", exclude=exact) if not trained_on(task))
        questions = list(islice(fresh, count))
        if len(questions) == count:
            return questions
        drawn *= 2  # the same tasks come first again
    raise ValueError(f"the data set holds nearly all tasks: too few for {count} questions; ask for fewer")


def training_file(dataset_path: str, run_dir: Path) -> Path | None:
    """The file whose rows must not come back: the named one, else the run's dataset.json; None where there is none.

    Raises InputFileError for a named file that is missing, and where notebook 03 was given a file but 04 was not.
    """
    if dataset_path:
        if not Path(dataset_path).is_file():
            raise InputFileError(f"dataset_path: no file at {dataset_path} (looked from the notebooks folder)")
        return Path(dataset_path)
    record = read_record(run_dir, "03_finetune_fsdp")
    trained_on = record.parameters.get("dataset_path") if record is not None else ""
    if trained_on:
        raise InputFileError(
            f"notebook 03 trained on dataset_path={trained_on}; give notebook 04 the same, "
            "so that no question comes from it"
        )
    own = run_dir / "dataset.json"
    return own if own.exists() else None
