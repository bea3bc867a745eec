"""90 : 89 and 26.5 %: can both be true of one model? What chance, the choice of tasks and a careless judge can do.

Each function rules one explanation in or out by arithmetic on the published counts; what is left is named in notebook
05: other judges, and other answers (decoding).
"""

from scipy.stats import fisher_exact


def same_rate_p(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Fisher's exact test: how surprising two counts of (wins, losses) are if one rate stands behind both."""
    return float(fisher_exact([one, other]).pvalue)


def best_case_rate(wins: int, ties: int, chosen: int) -> float:
    """The highest win rate (ties half) that any choice of `chosen` of the judged tasks could show, each judged once."""
    won = min(wins, chosen)
    tied = min(ties, chosen - won)
    return (won + tied / 2) / chosen


def seen_through_errors(true_rate: float, errors: float) -> float:
    """Win rate reported by a judge that turns a share `errors` of the verdicts round, at random and on both sides.

    It pulls every rate towards 50 %: mere carelessness cannot move 50 % to 26 %.
    """
    return true_rate * (1 - errors) + (1 - true_rate) * errors
