"""`alpaca-nb answer RUN_DIR FILE`: a model answers a file of tasks, and what it wrote is kept batch by batch."""

import dataclasses
import json
import shutil
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from alpaca_nb.errors import InputFileError
from alpaca_nb.files import write_jsonl
from alpaca_nb.inference.run_models import Which, folder_of
from alpaca_nb.inference.stage import answer_all
from alpaca_nb.inference.task_file import read_tasks
from alpaca_nb.records import Answer, EvaluationTask


def answer(options: Namespace) -> int:
    """Run the command; `options` has run_dir, file, output, untuned, sampling, max_new_tokens and batch_size.

    With --output a call that is stopped goes on where it was; without, the answers go to standard output.
    """
    sampling = options.sampling.checked()
    tasks = read_tasks(options.file)
    output: Path | None = options.output
    if output is not None and options.file != "-" and output.resolve() == Path(options.file).resolve():
        raise InputFileError(f"{output} is the file that is read; name another one for the answers")
    if output is not None and output.is_dir():
        raise InputFileError(f"{output} is a folder; name a file for the answers")
    which: Which = "untuned" if options.untuned else "tuned"
    folders = {which: folder_of(options.run_dir, which)}
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch) if output is None else output.with_name(f".{output.name}.work")
        work.mkdir(parents=True, exist_ok=True)
        answers = answer_all(
            work,
            tasks,
            folders,
            max_new_tokens=options.max_new_tokens,
            batch_size=options.batch_size,
            sampling=sampling,
        )
        rows = answered_rows(tasks, answers)
        if output is None:
            sys.stdout.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
            return 0
        write_jsonl(output, rows)
    shutil.rmtree(work, ignore_errors=True)
    ended = sum(one.finish_reason == "stop" for one in answers)
    print(f"{output}: {len(answers)} answers, {ended} ended by themselves", file=sys.stderr)
    return 0


def answered_rows(tasks: Sequence[EvaluationTask], answers: Sequence[Answer]) -> list[dict[str, object]]:
    """Rows in Alpaca's format with the model's words as `output`, and how each answer came about."""
    written = {answer.question_id: answer for answer in answers}
    rows = []
    for task in tasks:
        one = written[task.id]
        how = {name: value for name, value in dataclasses.asdict(one).items() if name not in ("question_id", "text")}
        reference = {"reference": task.reference} if task.reference else {}
        rows.append({"instruction": task.instruction, "input": task.input, "output": one.text, **reference, **how})
    return rows
