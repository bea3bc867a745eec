"""People's ratings: simulated raters with known habits are recovered, undo counts, and a majority decides."""

import random
from pathlib import Path

import pytest

from alpaca_nb.comparison.agreement import krippendorff_alpha
from alpaca_nb.comparison.pairing import Contest, Side, blind_pair
from alpaca_nb.comparison.raters import RaterReport, rater_reports, result_lines
from alpaca_nb.comparison.ratings import (
    Rating,
    majority,
    people_verdicts,
    rating_record,
    ratings_in,
    read_ratings,
    undo_record,
    votes_of,
)
from alpaca_nb.errors import InputFileError
from alpaca_nb.teacher.ledger import Ledger

QUESTIONS = 120
NOW = "2026-11-25T10:00:00+00:00"


def contests(seed: int) -> list[Contest]:
    """Tuned is better in seven of ten; lengths have nothing to do with it."""
    chance = random.Random(f"contests {seed}")
    return [
        Contest(
            f"q{i}", "Task", "", ("tuned", "untuned"), ("x" * chance.randint(20, 400), "y" * chance.randint(20, 400)),
            category="better" if chance.random() < 0.7 else "worse",
        )
        for i in range(QUESTIONS)
    ]  # fmt: skip


def clicks(rater: str, what: list[Contest], habit: str, seed: int) -> list[Rating]:
    """One rater's ratings: sees the better answer in 85 % of pairs, but follows the habit in 60 %."""
    chance = random.Random(f"{rater} {seed}")
    ratings = []
    for contest in what:
        shown, order = blind_pair(contest, f"{seed}:{rater}")
        better = "tuned" if (contest.category == "better") == (chance.random() < 0.85) else "untuned"
        side: Side = "A" if order[0] == better else "B"
        if habit == "random":
            side = chance.choice(["A", "B"])
        elif habit == "first" and chance.random() < 0.6:
            side = "A"
        elif habit == "longer" and chance.random() < 0.6:
            side = "A" if len(shown.answer_a) > len(shown.answer_b) else "B"
        elif chance.random() < 0.1:
            side = "tie"
        ratings.append(Rating(rater, contest.question_id, *order, side, 0.4 if habit == "random" else 6.0))
    return ratings


def class_of(seed: int, **habit_of: str) -> list[RaterReport]:
    what = contests(seed)
    ratings = [rating for rater, habit in habit_of.items() for rating in clicks(rater, what, habit, seed)]
    return rater_reports(ratings, {contest.question_id: contest for contest in what})


@pytest.mark.parametrize("seed", range(5))
def test_known_habits_are_recovered_and_nobody_else_is_blamed(seed: int) -> None:
    reports = class_of(seed, ann="none", bob="none", eve="first", leo="longer", dan="random", mia="none")
    by_name = {report.rater: report for report in reports}
    assert "favours side A" in by_name["eve"].remarks
    assert "favours the longer answer" in by_name["leo"].remarks
    assert set(by_name["dan"].remarks) == {
        "agrees with the others no more than a coin", "too fast to have read (0.4 s)",
    }  # fmt: skip
    for honest in ("ann", "bob", "mia"):
        assert by_name[honest].remarks == (), honest
    eve, leo, ann = by_name["eve"], by_name["leo"], by_name["ann"]
    assert eve.first_share == pytest.approx(0.6 + 0.4 * 0.5, abs=0.1), "the share is recovered, not only a flag"
    assert leo.longer_share == pytest.approx(0.6 + 0.4 * 0.5, abs=0.1)
    assert ann.first_share == pytest.approx(0.5, abs=0.15) and ann.median_seconds == 6.0


def test_random_clicks_lower_the_agreement() -> None:
    what = contests(1)
    sound = {name: clicks(name, what, "none", 1) for name in "abc"}
    with_noise = {**sound, "d": clicks("d", what, "random", 1)}
    alphas = [
        krippendorff_alpha(votes_of(rating for own in each.values() for rating in own)) for each in (sound, with_noise)
    ]
    assert alphas[0] is not None and alphas[1] is not None and alphas[0] > 0.3 and alphas[1] < alphas[0] - 0.1


def test_a_few_clicks_prove_nothing() -> None:
    what = contests(2)[:10]
    reports = rater_reports(clicks("eve", what, "first", 2), {contest.question_id: contest for contest in what})
    assert reports[0].remarks == () and reports[0].agrees_share is None


def test_what_is_taken_back_does_not_count_and_the_last_click_does(tmp_path: Path) -> None:
    first = Rating("ann", "q1", "tuned", "untuned", "A", 3.0, "a reason")
    second = Rating("ann", "q2", "untuned", "tuned", "tie", 2.0)
    path = tmp_path / "ratings.jsonl"
    with Ledger(path, {"answers": "x"}) as ledger:
        for record in (
            rating_record(first, NOW), rating_record(second, NOW), undo_record("ann", "q2", NOW),
            undo_record("ann", "q1", NOW), rating_record(Rating("ann", "q1", "tuned", "untuned", "B", 1.0), NOW),
        ):  # fmt: skip
            ledger.append(record)
    assert read_ratings(path) == [Rating("ann", "q1", "tuned", "untuned", "B", 1.0)]
    assert read_ratings(path)[0].winner == "untuned"
    assert read_ratings(tmp_path / "absent.jsonl") == []


def test_an_impossible_side_is_refused() -> None:
    record = {**rating_record(Rating("ann", "q1", "tuned", "untuned", "A", 3.0), NOW), "side": "C"}
    with pytest.raises(InputFileError, match="A, B or tie"):
        ratings_in([record])


def test_a_majority_decides_and_a_draw_of_votes_is_a_tie() -> None:
    votes = {"a": {"q1": "x", "q2": "x"}, "b": {"q1": "x", "q2": "y"}, "c": {"q1": "y"}}
    assert majority(votes) == {"q1": "x", "q2": "tie"}
    what = contests(3)[:3]
    ratings = [
        Rating(rater, "q1", "tuned", "untuned", "A", 1.0, why) for rater, why in (("a", ""), ("b", "it is right"))
    ]
    verdicts = people_verdicts(ratings, what, 17)
    assert [(v.question_id, v.winner, v.measure, v.reason) for v in verdicts] == [
        ("q1", "tuned", "people", "majority of 2: it is right")
    ]


def test_identical_answers_are_ties_that_no_person_was_asked_about() -> None:
    what = [
        Contest(f"q{n}", "t", "", ("tuned", "untuned"), texts) for n, texts in enumerate([("a", "b"), ("a", "a\n")])
    ]
    assert people_verdicts([], what, 17) == [], "where nobody rates there is no comparison yet"
    ratings = [Rating("ann", "q0", "tuned", "untuned", "A", 1.0)]
    found = people_verdicts(ratings, what, 17)
    assert [(v.winner, v.reason) for v in found] == [("tuned", "majority of 1"), ("tie", "identical answers")]
    assert people_verdicts([], what[1:], 17)[0].winner == "tie", "where nothing needs a person it is done"
    assert "win rate 75.0 %" in result_lines(ratings, {c.question_id: c for c in what})[-1]
