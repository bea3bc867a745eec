"""Answers from files: those of a run folder, and those of anybody else, joined on the task's own words.

An answer file is a JSON list or JSON lines of objects with `instruction`, perhaps `input`, and the answer in `output`
(AlpacaEval, Alpaca), `response` (self-instruct's predictions) or `answer`; `generator` names the model where it is
there, else the file's name does. Instruction and input together are the key, white space apart, because AlpacaEval
writes both into one field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.comparison.pairing import Contest
from alpaca_nb.comparison.stage import contest_of, read_pairs
from alpaca_nb.errors import InputFileError
from alpaca_nb.files import Json, read_json, read_jsonl
from alpaca_nb.record_files import read_records
from alpaca_nb.records import Answer, EvaluationTask

OPEN_QUESTIONS, OPEN_ANSWERS = "open_questions.jsonl", "open_answers.jsonl"
_ANSWER_FIELDS = ("output", "response", "answer")


@dataclass(frozen=True)
class FoundAnswer:
    """One row of somebody's answer file."""

    instruction: str
    input: str
    text: str
    model: str
    category: str

    @property
    def key(self) -> str:
        """The task's words, white space apart."""
        return task_key(self.instruction, self.input)


def task_key(instruction: str, input: str) -> str:
    """What makes two tasks the same task: their words, in one line."""
    return " ".join(f"{instruction} {input}".split())


def read_answers(path: Path) -> list[FoundAnswer]:
    """Read an answer file of any known form; raises `InputFileError` with the row at fault."""
    rows = _rows(path)
    if not rows:
        raise InputFileError(f"{path}: no answers in it")
    found = [_found(row, where, path.stem) for where, row in rows]
    first: dict[str, str] = {}
    for (where, _), answer in zip(rows, found, strict=True):
        if answer.key in first:
            raise InputFileError(f"{where}: answers the same task as {first[answer.key]}; one answer a task is needed")
        first[answer.key] = where
    return found


def contests_of_files(one: Path, other: Path) -> list[Contest]:
    """Two answer files on the same tasks, in the first one's order; raises `InputFileError` where a task is missing."""
    ours, theirs = read_answers(one), {answer.key: answer for answer in read_answers(other)}
    missing = [answer for answer in ours if answer.key not in theirs]
    extra = theirs.keys() - {answer.key for answer in ours}
    if missing or extra:
        example = missing[0].instruction if missing else theirs[min(extra)].instruction
        raise InputFileError(
            f"{one.name} and {other.name} do not answer the same tasks: {len(missing)} only in the first, {len(extra)} "
            f"only in the second, for example {example[:80]!r}"
        )
    return [_contest(number, answer, theirs[answer.key]) for number, answer in enumerate(ours)]


def open_contests(run_dir: Path, rival_file: Path | None = None, rival: str = "") -> list[Contest]:
    """The run's open answers: tuned against untuned, or against another model's file of answers to the same tasks.

    Raises `InputFileError` where an answer is missing.
    """
    tasks = read_records(run_dir / OPEN_QUESTIONS, EvaluationTask)
    texts = {(a.question_id, a.model): a.text for a in read_records(run_dir / OPEN_ANSWERS, Answer)}
    others = {answer.key: answer for answer in read_answers(rival_file)} if rival_file is not None else {}
    rival = rival or (next(iter(others.values())).model if others else "untuned")
    if rival == "tuned":
        rival = "the other model"
    contests = []
    for task in tasks:
        own = texts.get((task.id, "tuned"))
        if rival_file is None:
            their = texts.get((task.id, "untuned"))
        else:
            answer = others.get(task_key(task.instruction, task.input))
            their = answer.text if answer else None
        if own is None or their is None:
            who, where = ("tuned", OPEN_ANSWERS) if own is None else (rival, rival_file or OPEN_ANSWERS)
            raise InputFileError(f"no answer of {who} to {task.id} ({task.instruction[:60]!r}) in {where}")
        contests.append(
            Contest(
                task.id, task.instruction, task.input, ("tuned", rival), (own, their.strip()), task.category,
                task.reference,
            )
        )  # fmt: skip
    return contests


def run_contests(run_dir: Path) -> list[Contest]:
    """What there is to compare in a run folder: its open answers, else its answers to the checkable questions."""
    if (run_dir / OPEN_ANSWERS).exists():
        return open_contests(run_dir)
    return [contest_of(pair) for pair in read_pairs(run_dir / "questions.jsonl", run_dir / "answers.jsonl")]


def by_question(contests: Sequence[Contest]) -> dict[str, Contest]:
    """Contests by question id."""
    return {contest.question_id: contest for contest in contests}


def _rows(path: Path) -> list[tuple[str, Json]]:
    if path.suffix == ".jsonl":
        return [(f"{path}, line {number}", value) for number, value in read_jsonl(path)]
    value = read_json(path)
    if not isinstance(value, list):
        raise InputFileError(f"{path}: expected a JSON list of answers, found {type(value).__name__}")
    return [(f"{path}, row {number}", row) for number, row in enumerate(value)]


def _found(row: Json, where: str, stem: str) -> FoundAnswer:
    if not isinstance(row, dict) or not isinstance(row.get("instruction"), str):
        raise InputFileError(f"{where}: expected an object with an instruction")
    name = next((name for name in _ANSWER_FIELDS if isinstance(row.get(name), str)), None)
    if name is None:
        raise InputFileError(f"{where}: no answer in it; looked for {', '.join(_ANSWER_FIELDS)}")
    return FoundAnswer(
        str(row["instruction"]).strip(), _text(row, "input").strip(), str(row[name]).strip(),
        _text(row, "generator") or stem, _text(row, "dataset"),
    )  # fmt: skip


def _text(row: Mapping[str, Json], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _contest(number: int, one: FoundAnswer, other: FoundAnswer) -> Contest:
    names = (one.model, other.model) if one.model != other.model else (f"{one.model} (1)", f"{other.model} (2)")
    return Contest(f"task_{number:04d}", one.instruction, one.input, names, (one.text, other.text), one.category)
