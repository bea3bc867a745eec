"""Judges: anything that looks at a task and two anonymous answers and says "A", "B" or "tie".

The one judge of this stage so far lets code check the answers. A judge model or a person fits the same call.
"""

from collections.abc import Callable
from typing import Literal

from alpaca_nb.checkable_tasks.marking import is_right
from alpaca_nb.comparison.pairing import BlindPair, Side
from alpaca_nb.errors import RecipeError
from alpaca_nb.records import CheckableTask

Measure = Literal["strict", "lenient"]
MEASURES: tuple[Measure, ...] = ("strict", "lenient")
Judge = Callable[[CheckableTask, str, str], Side]


def checkable_judge(measure: Measure) -> Judge:
    """A judge that prefers a right answer to a wrong one, and calls two right or two wrong answers a tie."""

    def judge(task: CheckableTask, answer_a: str, answer_b: str) -> Side:
        right_a, right_b = is_right(task, answer_a, measure), is_right(task, answer_b, measure)
        if right_a == right_b:
            return "tie"
        return "A" if right_a else "B"

    return judge


def judge_named(name: str, measure: Measure) -> Judge:
    """The judge that a recipe names; raises `RecipeError` for a name that is none."""
    if name != "checkable":
        raise RecipeError(f"judge={name!r} is not known; this stage knows judge='checkable'")
    return checkable_judge(measure)


def ask(judge: Judge, task: CheckableTask, pair: BlindPair) -> Side:
    """The judge's verdict on a pair; identical answers tie without asking."""
    if pair.answer_a.strip() == pair.answer_b.strip():
        return "tie"
    return judge(task, pair.answer_a, pair.answer_b)
