"""What a task family is: a table of cases, a way to draw one, and many wordings for the same question.

A family draws a `Case` (the matter and its right answer), `wording.put_in_words` turns it into an instruction and
an input, and the result is a `Draft`: a checkable task that has no id yet.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from alpaca_nb.checkable_tasks.wording import put_in_words
from alpaca_nb.records import MatchKind


@dataclass(frozen=True)
class Case:
    """One instance of a family: `data` is the material the task works on, `words` fill the gaps of the wordings.

    `accepted` are further short forms that count as right, beside `answer` itself.
    """

    answer: str
    data: str = ""
    words: Mapping[str, str | int] = field(default_factory=dict)
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """A checkable task without its id; the fields are those of `records.CheckableTask`."""

    instruction: str
    input: str
    answer: str
    accepted: tuple[str, ...]
    match: MatchKind
    labels: tuple[str, ...] = ()
    case_matters: bool = False
    material: str = ""


@dataclass(frozen=True)
class Family:
    """A kind of task: `make` draws one, and all of its randomness comes from the generator it is given."""

    name: str
    topic: str
    make: Callable[[random.Random], Draft]


def family(
    name: str,
    topic: str,
    reply: str,
    asks: tuple[str, ...],
    case: Callable[[random.Random], Case],
    *,
    match: MatchKind = "exact",
    labels: tuple[str, ...] = (),
    case_matters: bool = False,
    quote: bool = False,
) -> Family:
    """Build a family from its wordings and its cases.

    `asks` are imperatives that end in a full stop, or questions; `{data}` and the names of `Case.words` are gaps.
    `reply` names the kind of answer (a key of `wording.REPLIES`); `quote` puts the data in quotation marks where it
    stands inside the instruction; `labels` is the closed set of answers, where there is one.
    """

    def make(rng: random.Random) -> Draft:
        drawn = case(rng)
        instruction, input = put_in_words(rng, topic, reply, asks, drawn.data, drawn.words, quote=quote)
        accepted = (drawn.answer, *(form for form in drawn.accepted if form != drawn.answer))
        return Draft(instruction, input, drawn.answer, accepted, match, labels, case_matters, drawn.data)

    return Family(name, topic, make)


def words(text: str) -> tuple[str, ...]:
    """Write a table of words on few lines: `words("cat dog cow")`."""
    return tuple(text.split())


def pairs(text: str) -> dict[str, str]:
    """Write a table of pairs on few lines: `pairs("Italy: Rome; Peru: Lima")`; the order is kept."""
    return {pair.split(": ")[0]: pair.split(": ")[1] for pair in text.split("; ")}
