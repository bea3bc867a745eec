"""How sure may one be? Intervals and a test for shares and for paired answers; the formulas are scipy's.

- `share_right`: a share of right answers with Wilson's 95 % interval, which stays sensible at 0 % and 100 %.
- `paired_difference`: tuned minus untuned share over the *same* questions, with a bootstrap interval: questions are
  drawn again with replacement, both answers of a question together, because hard questions are hard for both.
- `sign_test`: how surprising the split of wins and losses is if either side were equally likely to win.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, bootstrap

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
    return Estimate(right / questions, max(0.0, round(interval.low, 12)), min(1.0, round(interval.high, 12)))


def paired_difference(tuned: Sequence[bool], untuned: Sequence[bool], *, resamples: int, seed: int) -> Estimate:
    """Tuned minus untuned share of right answers, question by question, with a 95 % percentile bootstrap interval.

    Where every question gives the same difference (both models all wrong, say), every resample gives it too: the
    interval is that single number. Read it beside `share_right`, which knows that 0 of 40 may still be a few per cent.
    """
    if len(tuned) != len(untuned) or not tuned:
        raise ValueError(
            f"need two equally long lists of marks, at least one each; got {len(tuned)} and {len(untuned)}"
        )
    differences = np.asarray(tuned, dtype=float) - np.asarray(untuned, dtype=float)
    mean = float(differences.mean())
    if np.ptp(differences) == 0:
        return Estimate(mean, mean, mean)
    interval = bootstrap(
        (differences,),
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
