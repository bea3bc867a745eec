"""Do the judges agree, beyond what chance would give?

Krippendorff's alpha (from the package `krippendorff`) for any number of raters, each of whom may have skipped some
pairs: 1 is full agreement, 0 what chance gives. Cohen's kappa (statsmodels) for two judges over the same pairs. As a
yardstick: AlpacaEval's GPT-4 judge agrees with the majority of people in 69.2 % of cases, one person in 65.7 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import krippendorff
import numpy as np
from statsmodels.stats.inter_rater import cohens_kappa

from alpaca_nb.comparison.statistics import Estimate, share_right


@dataclass(frozen=True)
class Agreement:
    """Two judges over the same pairs: how often the same verdict, and Cohen's kappa (None: one kind of verdict)."""

    pairs: int
    share: Estimate
    kappa: float | None


def krippendorff_alpha(votes: Mapping[str, Mapping[str, str]]) -> float | None:
    """Alpha of the votes, rater → question → winner; None where fewer than two votes meet or all votes are alike."""
    questions = sorted({question for own in votes.values() for question in own})
    winners = sorted({winner for own in votes.values() for winner in own.values()})
    places = {winner: place for place, winner in enumerate(winners)}
    table = [[float(places[own[q]]) if q in own else np.nan for q in questions] for own in votes.values()]
    shared = sum(sum(q in own for own in votes.values()) > 1 for q in questions)
    if shared == 0 or len(winners) < 2:
        return None
    try:
        alpha = krippendorff.alpha(reliability_data=np.array(table), level_of_measurement="nominal")
    except ValueError:  # the votes that meet are all alike
        return None
    return float(alpha) if np.isfinite(alpha) else None


def agreement(one: Mapping[str, str], other: Mapping[str, str]) -> Agreement | None:
    """Agreement of two judges, each question → winner, over the questions both judged; None where there are none."""
    shared = sorted(one.keys() & other.keys())
    if not shared:
        return None
    same = sum(one[question] == other[question] for question in shared)
    return Agreement(
        len(shared), share_right(same, len(shared)), _kappa([one[q] for q in shared], [other[q] for q in shared])
    )


def _kappa(one: Sequence[str], other: Sequence[str]) -> float | None:
    kinds = sorted({*one, *other})
    if len(kinds) < 2:
        return None
    table = np.zeros((len(kinds), len(kinds)))
    np.add.at(table, ([kinds.index(w) for w in one], [kinds.index(w) for w in other]), 1)
    return float(cohens_kappa(table, return_results=False))
