"""Each rater under the lens: pace, habits, and whether the clicks say anything at all.

A habit is reported only where chance would hardly show it (exact binomial test, p < 0.01): choosing one side more
often, choosing the longer answer more often, agreeing with the others no more than a coin would. The order of the
answers is drawn anew for each rater and question, so a habit of sides costs certainty, not fairness.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from alpaca_nb.comparison.agreement import krippendorff_alpha
from alpaca_nb.comparison.pairing import Contest
from alpaca_nb.comparison.ratings import Rating, majority, votes_of
from alpaca_nb.comparison.statistics import win_rate

SURE = 0.01
FEWEST = 20  # decided pairs; below it no habit is claimed
TOO_FAST_SECONDS = 1.5  # median; nobody reads two answers in that time
_OTHERS_AGREE = 0.1  # Krippendorff's alpha of the others; below it disagreeing with them means nothing


@dataclass(frozen=True)
class RaterReport:
    """One rater: shares lie between 0 and 1 and are None where there is nothing to divide by."""

    rater: str
    ratings: int
    ties: int
    median_seconds: float
    first_share: float | None  # of the decided pairs, how often side A
    longer_share: float | None  # of the decided pairs with unequal lengths, how often the longer answer
    agrees_share: float | None  # with the majority of the others, where both decided
    remarks: tuple[str, ...]


def rater_reports(ratings: Sequence[Rating], contests: Mapping[str, Contest]) -> list[RaterReport]:
    """A report for each rater, in the order of their first click; `contests` by question id."""
    votes = votes_of(ratings)
    return [_report(rater, [r for r in ratings if r.rater == rater], votes, contests) for rater in votes]


def result_lines(ratings: Sequence[Rating], contests: Mapping[str, Contest]) -> list[str]:
    """The end of a session in words: pace and habits of each rater, agreement, and the seal opened."""
    rated = [rating for rating in ratings if rating.question_id in contests]
    if not rated:
        return ["Nobody has rated anything."]
    lines = [f"{'rater':<8} {'rated':>5} {'ties':>5} {'median s':>9}  remarks"]
    for number, report in enumerate(rater_reports(rated, contests), start=1):
        remarks = "; ".join(report.remarks) or "nothing unusual"
        lines.append(f"{number:<8} {report.ratings:>5} {report.ties:>5} {report.median_seconds:>9.1f}  {remarks}")
    votes = votes_of(rated)
    alpha = krippendorff_alpha(votes)
    words = "cannot be computed from so few shared ratings" if alpha is None else f"{alpha:.2f} (1 full, 0 chance)"
    lines.append(f"Agreement of the raters, Krippendorff's alpha: {words}")
    winners = list(majority(votes).values())
    first, second = next(iter(contests.values())).models
    identical = sum(contest.identical for contest in contests.values())
    rate = win_rate(winners.count(first), winners.count(second), winners.count("tie") + identical)
    unasked = f" ({identical} of identical answers, ties without asking)" if identical else ""
    lines.append(f"Majority over {rate.comparisons} pairs{unasked}, {first} against {second}: {rate.words()}")
    return lines


def _report(
    rater: str,
    own: Sequence[Rating],
    votes: Mapping[str, Mapping[str, str]],
    contests: Mapping[str, Contest],
) -> RaterReport:
    decided = [rating for rating in own if rating.side != "tie"]
    first = [rating.side == "A" for rating in decided]
    longer = [gap for rating in decided if (gap := _chose_longer(rating, contests)) is not None]
    others = {other: kept for other, kept in votes.items() if other != rater}
    said_by_others = majority(others)
    agrees = [r.winner == said_by_others[r.question_id] for r in decided if _decided(said_by_others, r.question_id)]
    seconds = statistics.median(rating.seconds for rating in own)
    remarks = []
    if _unlike_a_coin(first):
        remarks.append(f"favours side {'A' if _share(first) > 0.5 else 'B'}")
    if _unlike_a_coin(longer):
        remarks.append(f"favours the {'longer' if _share(longer) > 0.5 else 'shorter'} answer")
    if len(agrees) >= FEWEST and (krippendorff_alpha(others) or 0) > _OTHERS_AGREE and not _above_a_coin(agrees):
        remarks.append("agrees with the others no more than a coin")
    if len(own) >= FEWEST and seconds < TOO_FAST_SECONDS:
        remarks.append(f"too fast to have read ({seconds:.1f} s)")
    return RaterReport(
        rater,
        len(own),
        len(own) - len(decided),
        seconds,
        first_share=_share(first) if first else None,
        longer_share=_share(longer) if longer else None,
        agrees_share=_share(agrees) if agrees else None,
        remarks=tuple(remarks),
    )


def _chose_longer(rating: Rating, contests: Mapping[str, Contest]) -> bool | None:
    """Whether the longer answer was chosen; None where both are equally long or the contest is not known."""
    contest = contests.get(rating.question_id)
    if contest is None:
        return None
    lengths = dict(zip(contest.models, map(len, contest.texts), strict=True))
    own = lengths.pop(rating.winner)
    rival = next(iter(lengths.values()))
    return None if own == rival else own > rival


def _decided(winners: Mapping[str, str], question_id: str) -> bool:
    return winners.get(question_id, "tie") != "tie"


def _share(marks: Sequence[bool]) -> float:
    return sum(marks) / len(marks)


def _unlike_a_coin(marks: Sequence[bool]) -> bool:
    return len(marks) >= FEWEST and binomtest(sum(marks), len(marks)).pvalue < SURE


def _above_a_coin(marks: Sequence[bool]) -> bool:
    return bool(binomtest(sum(marks), len(marks), alternative="greater").pvalue < 0.05)
