"""Habits of a judge that was asked in both orders: does it favour a place, does it favour length?

A judge without habits names the same answer in both orders. One that says "A" both times has looked at the place, not
at the answers; swapping turns that into a tie, so a judge that always says "A" ends at exactly 50 %, and is warned of.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from alpaca_nb.comparison.length import length_controlled, longer_wins
from alpaca_nb.comparison.pairing import Contest
from alpaca_nb.comparison.statistics import Estimate, sign_test
from alpaca_nb.records import Verdict

MOST_CHANGES = 1 / 3  # of the pairs: more changes of mind than that and the verdicts are mostly about places
MOST_FOR_LENGTH = 0.75  # share of decided pairs won by the longer answer
_FEW = 10  # pairs; below it nothing is said
_SURE = 0.01


@dataclass(frozen=True)
class Habits:
    """How a judge behaved: of `asked` pairs seen in both orders, how many got "A" twice, "B" twice, or one answer."""

    asked: int
    first_twice: int
    second_twice: int
    consistent: int
    longer: Estimate | None
    length_controlled: Estimate | None
    warnings: tuple[str, ...]


def points_of(verdicts: Iterable[Verdict], model: str) -> list[float]:
    """One for each verdict: 1 where `model` won, 0 where it lost, a half for a tie."""
    return [0.5 if v.winner == "tie" else float(v.winner == model) for v in verdicts]


def habits(verdicts: Sequence[Verdict], contests: Mapping[str, Contest], model: str) -> Habits:
    """Measure the habits of one judge over its verdicts; `contests` by question id, lengths in characters."""
    twice = [verdict.said for verdict in verdicts if len(verdict.said) == 2]
    first, second = twice.count(("A", "A")), twice.count(("B", "B"))
    consistent = sum(set(said) == {"A", "B"} or said == ("tie", "tie") for said in twice)
    points, own, rival = points_of(verdicts, model), [], []
    for verdict in verdicts:
        contest = contests[verdict.question_id]
        lengths = dict(zip(contest.models, map(len, contest.texts), strict=True))
        own.append(lengths.pop(model))
        rival.append(next(iter(lengths.values())))
    longer = longer_wins(points, own, rival)
    return Habits(
        asked=len(twice),
        first_twice=first,
        second_twice=second,
        consistent=consistent,
        longer=longer,
        length_controlled=length_controlled(points, own, rival),
        warnings=tuple(_warnings(len(twice), first, second, longer)),
    )


def _warnings(asked: int, first: int, second: int, longer: Estimate | None) -> Iterable[str]:
    if asked >= _FEW and (first + second) / asked > MOST_CHANGES:
        yield (
            f"WARNING: in {first + second} of {asked} pairs the judge named the same place in both orders "
            f"(first {first}, second {second}). Those count as ties; the win rate says little about the answers."
        )
    if asked >= _FEW and sign_test(first, second) < _SURE:
        place = "first" if first > second else "second"
        yield f"WARNING: the judge favours the answer that stands {place}: {first} times first, {second} times second."
    if longer is not None and longer.low > 0.5 and longer.value > MOST_FOR_LENGTH:
        yield f"WARNING: the longer answer won {longer.percent()} of the decided pairs: see the length-controlled rate."
