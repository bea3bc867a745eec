"""Blind pairing: which answer stands on side A is drawn for each question, and the judge never learns whose it is.

The order is drawn from the run's seed and the question's id alone, so that it does not depend on the order of the
files, on other questions, or on what the answers say.
"""

import dataclasses
import hashlib
import json
import random
from dataclasses import dataclass
from typing import Literal

Side = Literal["A", "B", "tie"]
SIDES: tuple[Side, ...] = ("A", "B", "tie")
IDENTICAL = "identical answers"  # the reason of a tie that no judge was asked about


@dataclass(frozen=True)
class Contest:
    """One task with the answers of two models; `texts` stand in the order of `models`."""

    question_id: str
    instruction: str
    input: str
    models: tuple[str, str]
    texts: tuple[str, str]
    category: str = ""
    reference: str = ""

    @property
    def identical(self) -> bool:
        """Whether both answers are the same, white space around them apart: a tie that nobody need be asked about."""
        return self.texts[0].strip() == self.texts[1].strip()


@dataclass(frozen=True)
class BlindPair:
    """All that a judge gets to see: the task and two texts, nothing about who wrote them."""

    question_id: str
    instruction: str
    input: str
    answer_a: str
    answer_b: str

    @property
    def identical(self) -> bool:
        """Whether there is nothing to choose between."""
        return self.answer_a.strip() == self.answer_b.strip()

    def swapped(self) -> "BlindPair":
        """The same pair in the other order."""
        return dataclasses.replace(self, answer_a=self.answer_b, answer_b=self.answer_a)

    def digest(self) -> str:
        """Beginning of the SHA-256 of all that is shown: another text is another comparison."""
        return hashlib.sha256(json.dumps(dataclasses.astuple(self)).encode()).hexdigest()[:16]


def blind_pair(contest: Contest, seed: int | str) -> tuple[BlindPair, tuple[str, str]]:
    """Put the two answers in random order; returns what the judge sees and, sealed, the models' order."""
    answers = dict(zip(contest.models, contest.texts, strict=True))
    order = sorted(answers)
    random.Random(f"{seed}:{contest.question_id}").shuffle(order)
    first, second = order
    shown = BlindPair(contest.question_id, contest.instruction, contest.input, answers[first], answers[second])
    return shown, (first, second)


def unblind(side: Side, order: tuple[str, str]) -> str:
    """Open the seal: the model on the side that won, or "tie"."""
    return {"A": order[0], "B": order[1], "tie": "tie"}[side]
