"""How many comparisons does it take to see a difference, and what can a given number show?

Both questions are asked of the sign test at 5 %: a side that truly wins `rate` of the decided comparisons is *seen* if
the test says so in `power` of all repetitions. `comparisons_needed` is statsmodels' normal approximation, `power_of`
the exact sum. The article's 179 would have shown a true win rate of 60.4 % four times in five; 55 % takes 783.
"""

import math

import numpy as np
from scipy.stats import binom, binomtest
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

SIGNIFICANCE = 0.05
USUAL_POWER = 0.8


def comparisons_needed(rate: float, power: float = USUAL_POWER) -> int:
    """Decided comparisons after which a true win rate of `rate` is told from 50 % with probability `power`."""
    if not 0 < rate < 1 or rate == 0.5:
        raise ValueError(f"rate is {rate}; it must lie between 0 and 1, and not at 0.5 itself")
    needed = NormalIndPower(ddof=0).solve_power(
        effect_size=abs(proportion_effectsize(rate, 0.5)), alpha=SIGNIFICANCE, power=power, ratio=0
    )
    return math.ceil(float(needed))


def power_of(comparisons: int, rate: float) -> float:
    """Exact probability that the sign test on so many decided comparisons tells a true win rate of `rate` from 50 %."""
    wins = np.arange(comparisons // 2 + 1)
    surprising = [k for k in wins if binomtest(int(k), comparisons).pvalue <= SIGNIFICANCE]
    if not surprising:
        return 0.0
    most = max(surprising)  # so few wins, or so few losses, are surprising
    return float(binom.cdf(most, comparisons, rate) + binom.cdf(most, comparisons, 1 - rate))


def smallest_rate_seen(comparisons: int, power: float = USUAL_POWER) -> float:
    """The true win rate above 50 % that so many decided comparisons show with probability `power`."""
    low, high = 0.5001, 0.9999
    for _ in range(40):  # the number needed falls as the rate rises
        middle = (low + high) / 2
        low, high = (middle, high) if comparisons_needed(middle, power) > comparisons else (low, middle)
    return high
