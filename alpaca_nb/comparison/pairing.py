"""Blind pairing: which answer stands on side A is drawn for each question, and the judge never learns whose it is.

The order is drawn from the run's seed and the question's id alone, so that it does not depend on the order of the
files, on other questions, or on what the answers say.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Side = Literal["A", "B", "tie"]


@dataclass(frozen=True)
class BlindPair:
    """All that a judge gets to see of two answers."""

    answer_a: str
    answer_b: str


def blind_pair(question_id: str, answers: Mapping[str, str], seed: int) -> tuple[BlindPair, tuple[str, str]]:
    """Put two answers (model → text) in random order; returns what the judge sees and, sealed, the models' order."""
    order = sorted(answers)
    random.Random(f"{seed}:{question_id}").shuffle(order)
    first, second = order
    return BlindPair(answers[first], answers[second]), (first, second)


def unblind(side: Side, order: tuple[str, str]) -> str:
    """Open the seal: the model on the side that won, or "tie"."""
    return {"A": order[0], "B": order[1], "tie": "tie"}[side]
