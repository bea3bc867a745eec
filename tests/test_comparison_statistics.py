"""Win rates, power, length and agreement against scipy, statsmodels, simulation, and the published figures."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.inter_rater import fleiss_kappa
from statsmodels.stats.proportion import proportion_confint

from alpaca_nb.comparison.agreement import agreement, krippendorff_alpha
from alpaca_nb.comparison.length import length_controlled, longer_wins
from alpaca_nb.comparison.planning import comparisons_needed, power_of, smallest_rate_seen
from alpaca_nb.comparison.published import PUBLISHED, SUBSETS
from alpaca_nb.comparison.reproduction import best_case_rate, same_rate_p, seen_through_errors
from alpaca_nb.comparison.statistics import mcnemar_test, sign_test, win_rate


def test_the_articles_numbers() -> None:
    article = win_rate(90, 89, 0)
    assert article.words() == "90 : 89, 0 ties; win rate 50.3 % (43.0 to 57.5 %)"
    assert article.p_value == 1.0 and article.decided == article.wilson
    assert (article.resampled.low, article.resampled.high) == pytest.approx((0.430, 0.575), abs=0.012)


def test_the_published_counts_give_the_published_rates() -> None:
    rates = {count.name: count.rate() for count in PUBLISHED}
    assert round(100 * rates["all 805 tasks"].wilson.value, 2) == 26.46
    assert round(100 * rates["all 805 tasks"].standard_error, 2) == 1.54, "the leaderboard's standard error"
    assert round(100 * rates["the same 252 tasks"].wilson.value, 1) == 26.6
    farm = rates["all 805 tasks in another training"]
    assert (round(100 * farm.wilson.value, 2), round(100 * farm.standard_error, 2)) == (40.80, 1.72)
    assert sum(tasks for _, tasks, _ in SUBSETS) == 805
    assert sum(tasks * rate for _, tasks, rate in SUBSETS) / 805 == pytest.approx(26.46, abs=0.06)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_intervals_agree_with_scipy_and_statsmodels(wins: int, losses: int, ties: int) -> None:
    if wins + losses + ties == 0:
        with pytest.raises(ValueError):
            win_rate(wins, losses, ties)
        return
    rate = win_rate(wins, losses, ties, resamples=200)
    low, high = proportion_confint(wins + ties / 2, wins + losses + ties, method="wilson")
    assert (rate.wilson.low, rate.wilson.high) == pytest.approx((max(0, low), min(1, high)), abs=1e-9)
    assert rate.wilson.low <= rate.wilson.value <= rate.wilson.high
    assert rate.resampled.low <= rate.resampled.value <= rate.resampled.high
    other = win_rate(losses, wins, ties, resamples=200)
    assert rate.wilson.value + other.wilson.value == pytest.approx(1) and rate.p_value == pytest.approx(other.p_value)
    if wins + losses:
        interval = binomtest(wins, wins + losses).proportion_ci(0.95, method="wilson")
        assert rate.decided is not None
        assert (rate.decided.low, rate.decided.high) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_mcnemar_on_paired_marks_is_the_sign_test_of_those_that_differ() -> None:
    tuned = [True] * 30 + [True] * 9 + [False] * 2 + [False] * 20
    untuned = [True] * 30 + [False] * 9 + [True] * 2 + [False] * 20
    assert mcnemar_test(tuned, untuned) == pytest.approx(sign_test(9, 2))
    assert mcnemar_test([True, False], [True, False]) == 1.0


def test_power_says_how_many_comparisons_it_takes() -> None:
    assert comparisons_needed(0.55) == 783 and comparisons_needed(0.45) == 783
    assert power_of(783, 0.55) == pytest.approx(0.8, abs=0.02)
    assert smallest_rate_seen(179) == pytest.approx(0.604, abs=0.001)
    assert comparisons_needed(smallest_rate_seen(179)) == 179
    assert power_of(3, 0.9) == 0.0, "three comparisons can never be surprising at 5 %"
    with pytest.raises(ValueError, match="not at 0"):
        comparisons_needed(0.5)


def test_power_agrees_with_simulation() -> None:
    wins = np.random.default_rng(3).binomial(100, 0.62, size=4000)
    p_values = {k: binomtest(k, 100).pvalue for k in set(wins.tolist())}
    seen = np.mean([p_values[k] <= 0.05 for k in wins.tolist()])
    assert power_of(100, 0.62) == pytest.approx(seen, abs=0.025)


def simulated(count: int, quality: float, love_of_length: float, seed: int) -> tuple[list[float], list[int], list[int]]:
    """Verdicts of a judge with a known taste: log-odds = quality + love_of_length × tanh(gap / its spread)."""
    chance = random.Random(seed)
    own = [chance.randint(80, 500) for _ in range(count)]
    rival = [chance.randint(50, 300) for _ in range(count)]
    gaps = np.array(own) - np.array(rival)
    odds = quality + love_of_length * np.tanh(gaps / gaps.std())
    return [float(chance.random() < 1 / (1 + np.exp(-x))) for x in odds], own, rival


def test_a_love_of_length_is_recovered_and_taken_out() -> None:
    points, own, rival = simulated(3000, 0.0, 2.0, seed=1)
    controlled = length_controlled(points, own, rival)
    assert controlled is not None and sum(points) / len(points) > 0.6
    assert controlled.low < 0.5 < controlled.high and controlled.high - controlled.low < 0.08
    longer = longer_wins(points, own, rival)
    assert longer is not None and longer.low > 0.65


def test_without_a_love_of_length_nothing_changes() -> None:
    points, own, rival = simulated(3000, 0.5, 0.0, seed=2)
    controlled = length_controlled(points, own, rival)
    assert controlled is not None and controlled.value == pytest.approx(sum(points) / len(points), abs=0.03)


@pytest.mark.parametrize(
    ("points", "own", "rival"),
    [([1, 1, 1], [1, 2, 3], [3, 2, 1]), ([1, 1, 0, 0], [9, 8, 1, 2], [1, 1, 9, 9]), ([1], [2], [1])],
)
def test_where_length_alone_decides_no_controlled_rate_is_claimed(
    points: list[float], own: list[int], rival: list[int]
) -> None:
    assert length_controlled(points, own, rival) is None


def test_equal_lengths_leave_the_plain_rate() -> None:
    controlled = length_controlled([1, 0, 0, 0.5], [5] * 4, [5] * 4)
    assert controlled is not None and controlled.value == pytest.approx(0.375)
    assert longer_wins([1, 0, 0, 0.5], [5] * 4, [5] * 4) is None


def test_krippendorffs_alpha_of_full_tables_is_near_fleiss_kappa() -> None:
    chance = random.Random(5)
    truth = [chance.choice("xyt") for _ in range(200)]
    votes = {
        rater: {f"q{i}": (t if chance.random() < 0.7 else chance.choice("xyt")) for i, t in enumerate(truth)}
        for rater in "abcd"
    }
    table = [[sum(votes[r][f"q{i}"] == kind for r in votes) for kind in "xyt"] for i in range(200)]
    alpha = krippendorff_alpha(votes)
    assert alpha == pytest.approx(fleiss_kappa(np.array(table)), abs=0.01)
    del votes["a"]["q0"]
    assert krippendorff_alpha(votes) == pytest.approx(alpha, abs=0.02), "a skipped pair is no obstacle"


@pytest.mark.parametrize(
    "votes", [{}, {"a": {"q": "x"}}, {"a": {"q": "x"}, "b": {"q": "x"}}, {"a": {"q": "x"}, "b": {"r": "y"}}]
)
def test_agreement_that_cannot_be_known_is_not_claimed(votes: dict[str, dict[str, str]]) -> None:
    assert krippendorff_alpha(votes) is None


def test_agreement_of_two_judges() -> None:
    one = {"a": "x", "b": "y", "c": "x", "d": "tie"}
    found = agreement(one, {"a": "x", "b": "y", "c": "y", "d": "tie", "e": "x"})
    assert found is not None and (found.pairs, found.share.value) == (4, 0.75)
    assert found.kappa == pytest.approx(1 - 0.25 / (1 - (0.5 * 0.25 + 0.25 * 0.5 + 0.25 * 0.25)))
    assert agreement(one, {"z": "x"}) is None


def test_chance_tasks_and_carelessness_do_not_explain_the_gap() -> None:
    authors, gpt4 = PUBLISHED[0], PUBLISHED[1]
    assert same_rate_p((authors.wins, authors.losses), (gpt4.wins, gpt4.losses)) < 1e-6
    assert best_case_rate(gpt4.wins, gpt4.ties, 179) == pytest.approx(67 / 179), "the luckiest 179 of the 252 tasks"
    assert best_case_rate(300, 0, 179) == 1.0
    assert seen_through_errors(0.5, 0.31) == 0.5
    assert seen_through_errors(1.0, 0.31) == pytest.approx(0.69)
