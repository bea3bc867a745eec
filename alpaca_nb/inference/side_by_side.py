"""Rows of the tables in notebook 04: the two models' answers beside each other."""

from collections.abc import Sequence

from alpaca_nb.checkable_tasks import FAMILIES
from alpaca_nb.records import Answer, CheckableTask, EvaluationTask

LONGEST_CELL = 160  # characters


def one_of_each_topic(questions: Sequence[CheckableTask], answers: Sequence[Answer]) -> list[tuple[str, ...]]:
    """Return (topic, task, expected, untuned, tuned) for the first question of each topic of `checkable_tasks`."""
    topic_of = {family.name: family.topic for family in FAMILIES}
    text = {(answer.model, answer.question_id): answer.text for answer in answers}
    rows: dict[str, tuple[str, ...]] = {}
    for q in questions:
        topic = topic_of.get(q.family, q.family)
        task = f"{q.instruction}\n{q.input}".strip()
        cells = (task, q.answer, text["untuned", q.id], text["tuned", q.id])
        rows.setdefault(topic, (topic, *map(_short, cells)))
    return list(rows.values())


def own_answers(tasks: Sequence[EvaluationTask], answers: Sequence[Answer]) -> list[tuple[str, ...]]:
    """Return (task, untuned, tuned) for tasks of the user's own."""
    text = {(answer.model, answer.question_id): answer.text for answer in answers}
    cells = [(f"{q.instruction}\n{q.input}".strip(), text["untuned", q.id], text["tuned", q.id]) for q in tasks]
    return [tuple(map(_short, row)) for row in cells]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]} …"
