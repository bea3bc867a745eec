"""Judges: whoever looks at a task and two anonymous answers and says "A", "B" or "tie", or nothing of use.

Four kinds share the interface: code that checks the answers (here), a judge model (`judge_model`), people
(`people`) and verdicts that somebody else published (`published`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from alpaca_nb.checkable_tasks.marking import Measure as Marking
from alpaca_nb.checkable_tasks.marking import is_right
from alpaca_nb.choices import JUDGES
from alpaca_nb.comparison.pairing import BlindPair, Side
from alpaca_nb.errors import InputFileError, RecipeError
from alpaca_nb.records import CheckableTask, Measure

MEASURES: tuple[Marking, ...] = ("strict", "lenient")


@dataclass(frozen=True)
class Ruling:
    """What a judge says of one pair; `side` is None where it gave no verdict, and `reason` says why.

    `said` are the sides it named in the order asked (two where it saw both orders), `right` its marks of A and B.
    """

    side: Side | None
    reason: str = ""
    said: tuple[str, ...] = ()
    right: tuple[bool, bool] | None = None


_OTHER_SIDE: dict[Side, Side] = {"A": "B", "B": "A", "tie": "tie"}


def both_orders(first: Side | None, swapped: Side | None, reason: str = "") -> Ruling:
    """One ruling from two: what a judge said of a pair, and of the same pair with its answers swapped.

    The same answer both times is a verdict. Another answer when only the order changed is a tie.
    """
    said = tuple(side or "none" for side in (first, swapped))
    if first is None or swapped is None:
        return Ruling(None, reason, said)
    if first == _OTHER_SIDE[swapped]:
        return Ruling(first, reason, said)
    return Ruling("tie", "another verdict when the order was swapped", said)


class Judge(Protocol):
    """The interface of all judges; `name` tells two of the same kind apart."""

    measure: Measure
    name: str

    async def rule(self, shown: BlindPair) -> Ruling:
        """Judge one pair of different texts."""
        ...


class CheckableJudge:
    """Code as judge: prefers a right answer to a wrong one, and calls two right or two wrong answers a tie."""

    name = ""

    def __init__(self, tasks: Iterable[CheckableTask], measure: Marking) -> None:
        self.measure: Measure = measure
        self._marking: Marking = measure
        self._tasks = {task.id: task for task in tasks}
        for task in self._tasks.values():
            _check_patterns(task)

    async def rule(self, shown: BlindPair) -> Ruling:
        task = self._tasks[shown.question_id]
        right = is_right(task, shown.answer_a, self._marking), is_right(task, shown.answer_b, self._marking)
        side: Side = "tie" if right[0] == right[1] else "A" if right[0] else "B"
        return Ruling(side, said=(side,), right=right)


def _check_patterns(task: CheckableTask) -> None:
    for form in task.accepted if task.match == "regex" else ():
        try:
            re.compile(form)
        except (re.error, RecursionError, OverflowError) as error:
            raise InputFileError(f"task {task.id!r}: {form!r} is no regular expression ({error})") from None


def check_judge(name: str) -> None:
    """Raise `RecipeError` for a judge that does not exist."""
    if name not in JUDGES:
        raise RecipeError(f"judge={name!r} is not known; this stage knows {', '.join(map(repr, JUDGES))}")
