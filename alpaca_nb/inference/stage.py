"""Stage 04 at the edge: questions and two model folders → answers.jsonl, kept batch by batch.

A run that is stopped goes on where it was: finished batches are read back, provided that `inference/answered.json`
says they came from the same questions, models and settings. Otherwise all are asked again.
"""

import dataclasses
import gc
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from alpaca_nb.errors import InputFileError
from alpaca_nb.files import Json, read_json, sha256_of, write_json, write_text
from alpaca_nb.inference.generate import Question, answer_batch, answering_dtype, batches_by_length, room_after
from alpaca_nb.inference.sampling import GREEDY, Sampling
from alpaca_nb.models import load_tokenizer
from alpaca_nb.models.placing import load_placed
from alpaca_nb.progress import Progress
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.record_files import read_records, write_records
from alpaca_nb.records import Answer, EvaluationTask

Which = Literal["untuned", "tuned"]


def answer_all(
    run_dir: Path,
    questions: Sequence[Question],
    model_folders: Mapping[Which, Path],
    *,
    max_new_tokens: int,
    batch_size: int,
    sampling: Sampling = GREEDY,
    name: str = "answers",
) -> list[Answer]:
    """Let each model answer every question; returns and leaves in `NAME.jsonl` the answers in the questions' order.

    Raises `ModelError` where a model cannot be loaded.
    """
    path = run_dir / f"{name}.jsonl"
    asked = _what_is_asked(questions, model_folders, max_new_tokens, batch_size, sampling)
    answered = "answered.json" if name == "answers" else f"answered_{Path(name).name}.json"
    answers = _kept_answers(path, run_dir / "inference" / answered, asked)
    for which, folder in model_folders.items():
        answers += _answer_with(which, folder, questions, answers, path, max_new_tokens, batch_size, sampling)
    place = {question.id: number for number, question in enumerate(questions)}
    answers.sort(key=lambda answer: (answer.model == "tuned", place[answer.question_id]))
    write_records(path, answers)
    return answers


def answer_open_tasks(
    run_dir: Path,
    tasks: Sequence[EvaluationTask],
    model_folders: Mapping[Which, Path],
    *,
    max_new_tokens: int,
    batch_size: int,
) -> list[Path]:
    """Let each model answer the tasks of an evaluation set; returns the two files, or none where there are no tasks.

    Without tasks, what an earlier run with another set left is removed: notebook 05 must not find it.
    """
    paths = [run_dir / "open_questions.jsonl", run_dir / "open_answers.jsonl"]
    if not tasks:
        for path in paths:
            path.unlink(missing_ok=True)
        return []
    write_records(paths[0], tasks)
    answer_all(run_dir, tasks, model_folders, max_new_tokens=max_new_tokens, batch_size=batch_size, name="open_answers")
    return paths


def summary(answers: Sequence[Answer]) -> dict[str, dict[str, float]]:
    """Per model: tokens written (end token included), seconds, and how many answers ended by themselves."""
    totals = {}
    for which in ("untuned", "tuned"):
        own = [answer for answer in answers if answer.model == which]
        totals[which] = {
            "new_tokens": sum(answer.new_tokens for answer in own),
            "seconds": round(sum(answer.seconds for answer in own), 2),
            "stopped": sum(answer.finish_reason == "stop" for answer in own),
        }
    return totals


def _answer_with(
    which: Which,
    folder: Path,
    questions: Sequence[Question],
    known: Sequence[Answer],
    path: Path,
    max_new_tokens: int,
    batch_size: int,
    sampling: Sampling,
) -> list[Answer]:
    """Answer what `known` lacks of one model and append each batch to `path`; returns the new answers."""
    done = {answer.question_id for answer in known if answer.model == which}
    if len(done) == len(questions):
        return []
    tokenizer = load_tokenizer(folder)
    model = load_placed(folder, answering_dtype())
    batches = batches_by_length(tokenizer, questions, batch_size)
    longest = batches[-1][-1]
    prompt = tokenizer(alpaca_prompt(longest.instruction, longest.input)).input_ids
    room_after(len(prompt), model, longest.id)  # refused before hours are spent on the others
    progress = Progress(f"{which} model, answers", len(questions), path.parent)
    new: list[Answer] = []
    for batch in batches:
        if missing := [question for question in batch if question.id not in done]:
            answers = answer_batch(model, tokenizer, missing, which, max_new_tokens, sampling)
            _append(path, answers)
            new += answers
        progress.update(len(done) + len(new))
    del model
    gc.collect()  # two models need not stand in memory at once
    return new


def _append(path: Path, answers: Sequence[Answer]) -> None:
    """Add the answers as one write that is on the disk when this returns."""
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write("".join(json.dumps(dataclasses.asdict(answer), ensure_ascii=False) + "\n" for answer in answers))
        file.flush()
        os.fsync(file.fileno())


def _what_is_asked(
    questions: Sequence[Question],
    model_folders: Mapping[Which, Path],
    max_new_tokens: int,
    batch_size: int,
    sampling: Sampling,
) -> dict[str, Json]:
    """What must be equal for the answers of an earlier try to be this run's answers."""
    every_question = json.dumps([[q.id, q.instruction, q.input] for q in questions])
    return {
        "questions": hashlib.sha256(every_question.encode()).hexdigest(),
        "models": {which: sha256_of(folder) for which, folder in model_folders.items()},
        "max_new_tokens": max_new_tokens,
        "batch_size": batch_size,
        "sampling": dataclasses.asdict(sampling),
        "dtype": answering_dtype(),
    }


def _kept_answers(path: Path, asked_path: Path, asked: dict[str, Json]) -> list[Answer]:
    """Return the answers that an earlier, stopped try at the same work left; else clear the way for a new start."""
    try:
        if read_json(asked_path) == asked and path.exists():
            whole_lines = path.read_text(encoding="utf-8").rpartition("\n")[0]  # a crash may tear the last one
            write_text(path, whole_lines and whole_lines + "\n")
            return read_records(path, Answer)
    except (InputFileError, UnicodeDecodeError):
        pass  # no earlier try, or what it left is damaged: asking again is cheap
    path.unlink(missing_ok=True)
    write_json(asked_path, asked)
    return []
