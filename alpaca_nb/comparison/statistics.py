"""How sure may one be? Intervals and tests for shares, win rates and paired answers; the formulas are scipy's and
statsmodels'.

- `share_right`: a share of right answers with Wilson's 95 % interval, which stays sensible at 0 % and 100 %.
- `win_rate`: wins plus half the ties, of all comparisons, as AlpacaEval counts, with both kinds of interval. The
  article's 90 : 89 is 50.3 % (Wilson 43.0 to 57.5 %).
- `paired_difference`: tuned minus untuned share over the *same* questions, with a bootstrap interval: questions are
  drawn again with replacement, both answers of a question together, because hard questions are hard for both.
- `sign_test`: how surprising the split of wins and losses is if either side were equally likely to win: for 90 : 89
  as unsurprising as can be, p = 1. `mcnemar_test` asks the same of marks (right or wrong) that are paired.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, bootstrap
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number between the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def percent(self) -> str:
        """The estimate in words: `50.3 % (43.0 to 57.5 %)`."""
        return f"{100 * self.value:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f} %)"


def share_right(right: int, questions: int) -> Estimate:
    """Share of right answers with Wilson's interval (Wilson 1927); raises ValueError without questions."""
    if questions < 1:
        raise ValueError("a share needs at least one question")
    interval = binomtest(right, questions).proportion_ci(CONFIDENCE, method="wilson")
    # Rounding inside scipy leaves 1e-17 where the end is exactly 0; nobody wants to read that in a table.
    low, high = float(interval.low), float(interval.high)
    return Estimate(right / questions, max(0.0, round(low, 12)), min(1.0, round(high, 12)))


def paired_difference(tuned: Sequence[bool], untuned: Sequence[bool], *, resamples: int, seed: int) -> Estimate:
    """Tuned minus untuned share of right answers, question by question, with a 95 % percentile bootstrap interval.

    Where every question gives the same difference (both models all wrong, say), every resample gives it too: the
    interval is that single number. Read it beside `share_right`, which knows that 0 of 40 may still be a few per cent.
    """
    if len(tuned) != len(untuned) or not tuned:
        raise ValueError(
            f"need two equally long lists of marks, at least one each; got {len(tuned)} and {len(untuned)}"
        )
    return _bootstrap_mean(np.asarray(tuned, dtype=float) - np.asarray(untuned, dtype=float), resamples, seed)


@dataclass(frozen=True)
class WinRate:
    """Wins, losses and ties of one side, and its win rate (a tie is half a win) with two intervals.

    Wilson's treats the half wins as counts, which makes it a little too wide where there are many ties; the bootstrap
    draws the comparisons again. `decided` leaves the ties out (None where all are ties).
    """

    wins: int
    losses: int
    ties: int
    wilson: Estimate
    resampled: Estimate
    decided: Estimate | None
    standard_error: float
    p_value: float  # of the sign test

    @property
    def comparisons(self) -> int:
        """Wins, losses and ties together."""
        return self.wins + self.losses + self.ties

    def words(self) -> str:
        """The counts and the rate in one line, ties stated."""
        return f"{self.wins} : {self.losses}, {self.ties} ties; win rate {self.wilson.percent()}"


def win_rate(wins: int, losses: int, ties: int, *, resamples: int = 2000, seed: int = 0) -> WinRate:
    """Win rate of one side with its intervals; raises ValueError without comparisons."""
    comparisons = wins + losses + ties
    if comparisons < 1:
        raise ValueError("a win rate needs at least one comparison")
    points = np.repeat([1.0, 0.0, 0.5], [wins, losses, ties])
    count = wins + ties / 2
    low, high = proportion_confint(count, comparisons, alpha=1 - CONFIDENCE, method="wilson")
    return WinRate(
        wins,
        losses,
        ties,
        wilson=Estimate(count / comparisons, max(0.0, round(float(low), 12)), min(1.0, round(float(high), 12))),
        resampled=_bootstrap_mean(points, resamples, seed),
        decided=share_right(wins, wins + losses) if wins + losses else None,
        standard_error=float(points.std(ddof=1) / comparisons**0.5) if comparisons > 1 else 0.0,
        p_value=sign_test(wins, losses),
    )


def mcnemar_test(tuned: Sequence[bool], untuned: Sequence[bool]) -> float:
    """Exact McNemar test of paired marks: two-sided p; only questions that one of the two got right say anything."""
    table = np.zeros((2, 2))
    np.add.at(table, (np.asarray(tuned, dtype=int), np.asarray(untuned, dtype=int)), 1)
    return min(1.0, float(mcnemar(table, exact=True).pvalue)) if table[0, 1] + table[1, 0] else 1.0


def _bootstrap_mean(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", resamples: int, seed: int) -> Estimate:
    mean = float(values.mean())
    if np.ptp(values) == 0:
        return Estimate(mean, mean, mean)
    interval = bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        batch=1000,  # keeps the resamples of thousands of questions within a few megabytes
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Estimate(mean, float(interval.low), float(interval.high))


def sign_test(wins: int, losses: int) -> float:
    """Two-sided p-value of the exact sign test; ties say nothing and are left out. 1.0 where nobody won."""
    if wins + losses == 0:
        return 1.0
    return float(binomtest(wins, wins + losses).pvalue)
