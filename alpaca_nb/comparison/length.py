"""Does the judge reward length? How often the longer answer won, and the win rate at equal lengths.

The length-controlled win rate follows the idea of Dubois et al. 2024 (arXiv 2404.04475) in its simplest form: a
logistic regression of the verdict on the difference in length, squeezed by tanh so that one huge answer does not
decide, and read off where that difference is zero. AlpacaEval's own version adds how hard each task is.
"""

import warnings
from collections.abc import Sequence

import numpy as np
import statsmodels.api as sm

from alpaca_nb.comparison.statistics import CONFIDENCE, Estimate, share_right


def longer_wins(points: Sequence[float], lengths: Sequence[int], rival_lengths: Sequence[int]) -> Estimate | None:
    """Share of decided comparisons that the longer answer won; None where no lengths differ or nobody won."""
    pairs = [(p, own - other) for p, own, other in zip(points, lengths, rival_lengths, strict=True) if p != 0.5]
    unequal = [(p, gap) for p, gap in pairs if gap]
    return share_right(sum((p == 1) == (gap > 0) for p, gap in unequal), len(unequal)) if unequal else None


def length_controlled(points: Sequence[float], lengths: Sequence[int], rival_lengths: Sequence[int]) -> Estimate | None:
    """Win rate at equal lengths from verdicts (1 won, 0 lost, 0.5 tie), lengths in characters, 95 % interval.

    None where it cannot be known: all verdicts alike, or length alone separates wins from losses.
    """
    won = np.asarray(points, dtype=float)
    gaps = np.asarray(lengths, dtype=float) - np.asarray(rival_lengths, dtype=float)
    if won.size < 2 or np.ptp(won) == 0:
        return None
    columns = [np.ones_like(won)]
    if np.ptp(gaps) > 0:
        columns.append(np.tanh(gaps / gaps.std()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a fit that does not converge has no answer
        try:
            fit = sm.GLM(won, np.column_stack(columns), family=sm.families.Binomial()).fit()
            ends = fit.conf_int(alpha=1 - CONFIDENCE)[0]
        except (Warning, ArithmeticError, ValueError, np.linalg.LinAlgError):
            return None
    value, low, high = (float(1 / (1 + np.exp(-x))) for x in (fit.params[0], *ends))
    return Estimate(value, low, high)
