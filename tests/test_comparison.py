"""Stage 05: blindness, random order, counts, intervals, and refusing incomplete answers."""

import asyncio
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from scipy.stats import binomtest

from alpaca_nb.comparison import figures
from alpaca_nb.comparison.engine import VerdictFile
from alpaca_nb.comparison.judge import CheckableJudge, check_judge
from alpaca_nb.comparison.pairing import BlindPair, Contest, blind_pair
from alpaca_nb.comparison.stage import Pair, compare_all, outcome, read_pairs, topic_rates, verdict_in_words
from alpaca_nb.comparison.statistics import paired_difference, share_right, sign_test
from alpaca_nb.errors import InputFileError, RecipeError
from alpaca_nb.record_files import read_records, write_records
from alpaca_nb.records import Answer, CheckableTask, Verdict

SEED = 17


def a_task(number: int, family: str = "addition") -> CheckableTask:
    return CheckableTask(
        f"task_{number:05d}", family, "Add one.", str(number), str(number + 1), (str(number + 1),), "number"
    )


def some_pairs(count: int = 200) -> list[Pair]:
    """Pairs in which the tuned model is right in about 6 of 10 and the untuned, wordily, in about 3 of 10."""
    rng = random.Random("pairs")
    pairs = []
    for number in range(count):
        task = a_task(number)
        untuned = f"I think it is {task.answer}, friend." if rng.random() < 0.3 else "I do not know."
        pairs.append(Pair(task, untuned, task.answer if rng.random() < 0.6 else "banana"))
    return pairs


def verdicts_on(pairs: list[Pair], folder: Path, seed: int = SEED) -> list[Verdict]:
    return asyncio.run(compare_all(pairs, seed, VerdictFile(folder / "comparison.jsonl")))


def a_contest(number: int, first: str = "one", second: str = "two") -> Contest:
    return Contest(f"q{number}", "Say it.", "", ("untuned", "tuned"), (first, second))


def test_a_judge_sees_nothing_but_the_task_and_the_two_texts() -> None:
    shown, order = blind_pair(a_contest(1), SEED)
    assert set(vars(shown)) == {"question_id", "instruction", "input", "answer_a", "answer_b"}
    assert {shown.answer_a, shown.answer_b} == {"one", "two"}
    assert (shown.answer_a == "one") == (order[0] == "untuned")
    assert "tuned" not in str(vars(shown))


def test_swapping_the_models_names_swaps_the_counts_and_changes_nothing_else(tmp_path: Path) -> None:
    pairs = some_pairs()
    swapped = [Pair(pair.task, untuned=pair.tuned, tuned=pair.untuned) for pair in pairs]
    ours, theirs = verdicts_on(pairs, tmp_path), verdicts_on(swapped, tmp_path / "swapped")
    for measure in ("strict", "lenient"):
        one = outcome(ours, measure, resamples=1000, seed=1)
        other = outcome(theirs, measure, resamples=1000, seed=1)
        assert (one.wins, one.losses, one.ties) == (other.losses, other.wins, other.ties)
        assert one.difference.value == pytest.approx(-other.difference.value)
        assert one.wins > 0


def test_the_order_is_random_fixed_by_the_seed_and_independent_of_the_texts() -> None:
    def tuned_first(seed: int, text: str = "y") -> list[bool]:
        return [blind_pair(a_contest(i, "x", text), seed)[1][0] == "tuned" for i in range(2000)]

    assert 900 < sum(tuned_first(SEED)) < 1100
    assert tuned_first(SEED) == tuned_first(SEED, "another text")
    assert tuned_first(SEED) != tuned_first(SEED + 1)


def test_the_checkable_judge_prefers_the_right_answer_on_either_side() -> None:
    task = a_task(1)

    def side(measure: str, a: str, b: str) -> str | None:
        judge = CheckableJudge([task], measure)  # type: ignore[arg-type]
        return asyncio.run(judge.rule(BlindPair(task.id, "", "", a, b))).side

    assert (side("strict", "2", "3"), side("strict", "3", "2")) == ("A", "B")
    assert side("strict", "It is 2.", "2") == "B"
    assert side("lenient", "It is 2.", "2") == "tie"
    assert side("strict", "3", "4") == "tie"


def test_an_unknown_judge_is_refused() -> None:
    with pytest.raises(RecipeError, match="oracle"):
        check_judge("oracle")


def test_shares_have_wilsons_interval() -> None:
    article = share_right(90, 179)
    assert round(article.low, 3) == 0.430 and round(article.high, 3) == 0.575
    nothing = share_right(0, 40)
    assert (nothing.value, nothing.low) == (0, 0) and 0.08 < nothing.high < 0.09
    with pytest.raises(ValueError):
        share_right(0, 0)


def test_the_sign_test_is_scipys_and_leaves_ties_out() -> None:
    assert sign_test(0, 0) == 1.0
    assert sign_test(5, 0) == pytest.approx(2 / 2**5)  # both tails of five coins
    assert sign_test(90, 89) == binomtest(90, 179).pvalue


def test_the_paired_interval_agrees_with_the_normal_approximation() -> None:
    tuned = [True] * 60 + [False] * 40
    untuned = [True] * 20 + [False] * 70 + [True] * 10
    estimate = paired_difference(tuned, untuned, resamples=5000, seed=1)
    # 40 wins, 10 losses, 50 ties: variance of one difference is 0.5 - 0.3² = 0.41
    half_width = 1.96 * (0.41 / 100) ** 0.5
    assert estimate.value == pytest.approx(0.3)
    assert estimate.low == pytest.approx(0.3 - half_width, abs=0.02)
    assert estimate.high == pytest.approx(0.3 + half_width, abs=0.02)
    assert estimate == paired_difference(tuned, untuned, resamples=5000, seed=1)


@pytest.mark.parametrize(("tuned", "untuned", "expected"), [(False, False, 0), (True, True, 0), (True, False, 1)])
def test_equal_differences_everywhere_give_that_number_without_warnings(
    tuned: bool, untuned: bool, expected: float, recwarn: pytest.WarningsRecorder
) -> None:
    estimate = paired_difference([tuned] * 40, [untuned] * 40, resamples=1000, seed=1)
    assert (estimate.value, estimate.low, estimate.high) == (expected, expected, expected)
    assert not recwarn.list


def test_two_models_that_are_never_right_show_no_difference(tmp_path: Path) -> None:
    pairs = [replace(pair, untuned="xx", tuned="yy") for pair in some_pairs(40)]
    result = outcome(verdicts_on(pairs, tmp_path), "lenient", resamples=1000, seed=1)
    assert (result.wins, result.losses, result.ties, result.p_value) == (0, 0, 40, 1.0)
    assert "no difference seen" in verdict_in_words(result)
    _, alt = figures.shares_and_difference([result])
    assert "difference +0.0 points (+0.0 to +0.0)" in alt


def test_a_clear_win_is_said_and_counted(tmp_path: Path) -> None:
    pairs = some_pairs()
    verdicts = verdicts_on(pairs, tmp_path)
    strict = outcome(verdicts, "strict", resamples=2000, seed=1)
    lenient = outcome(verdicts, "lenient", resamples=2000, seed=1)
    assert strict.wins + strict.losses + strict.ties == 200
    assert strict.losses == 0 < lenient.losses  # wordy answers never pass the strict measure
    assert "is better" in verdict_in_words(lenient)
    assert lenient.metrics()["interval"] == [lenient.difference.low, lenient.difference.high]


def test_topics_gather_families_and_are_sorted_by_the_tuned_share(tmp_path: Path) -> None:
    pairs = [
        Pair(a_task(1, "addition"), "2", "9"),
        Pair(a_task(2, "subtraction"), "9", "9"),
        Pair(a_task(3, "a family of tomorrow"), "9", "4"),
    ]
    rates = topic_rates(pairs, verdicts_on(pairs, tmp_path), "strict")
    assert [(rate.topic, rate.questions, rate.untuned, rate.tuned) for rate in rates] == [
        ("a family of tomorrow", 1, 0.0, 1.0),
        ("numbers", 2, 0.5, 0.0),
    ]
    _, alt = figures.right_by_topic(rates, "strict")
    assert "numbers 50 to 0" in alt


def write_answers(folder: Path, answers: list[Answer], tasks: list[CheckableTask]) -> tuple[Path, Path]:
    return (
        write_records(folder / "questions.jsonl", tasks),
        write_records(folder / "answers.jsonl", answers),
    )


def both(number: int) -> list[Answer]:
    return [Answer(f"task_{number:05d}", model, "2", 1, 0.1, "stop") for model in ("untuned", "tuned")]


def test_answers_are_joined_with_questions_in_the_questions_order(tmp_path: Path) -> None:
    paths = write_answers(tmp_path, [*both(2), *both(1)], [a_task(1), a_task(2)])
    assert [pair.task.id for pair in read_pairs(*paths)] == ["task_00001", "task_00002"]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (both(1)[:1], "no tuned answer to question 'task_00001'"),
        ([*both(1), both(1)[0]], "answers question 'task_00001' twice"),
        ([*both(1), *both(7)], "'task_00007', which questions.jsonl lacks"),
    ],
)
def test_missing_double_and_foreign_answers_are_refused(tmp_path: Path, answers: list[Answer], words: str) -> None:
    with pytest.raises(InputFileError, match=words):
        read_pairs(*write_answers(tmp_path, answers, [a_task(1)]))


def test_double_question_ids_and_empty_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="occurs twice"):
        read_pairs(*write_answers(tmp_path, both(1), [a_task(1), a_task(1)]))
    with pytest.raises(InputFileError, match="no questions"):
        read_pairs(*write_answers(tmp_path, [], []))


def test_records_survive_the_file_and_a_bad_line_is_named(tmp_path: Path) -> None:
    verdicts = verdicts_on(some_pairs(3), tmp_path)
    path = tmp_path / "comparison.jsonl"
    assert read_records(path, Verdict) == verdicts
    lines = path.read_text().splitlines()
    broken = {**json.loads(lines[1]), "measure": "by ear"}
    path.write_text("\n".join([lines[0], json.dumps(broken)]))
    with pytest.raises(InputFileError, match=r"line 2: field 'measure' should be 'strict' or 'lenient' or "):
        read_records(path, Verdict)
    path.write_text('{"question_id": "q"}\n')
    with pytest.raises(InputFileError, match=r"line 1: not a Verdict; missing fields"):
        read_records(path, Verdict)


def test_a_pattern_that_is_none_is_refused_before_anything_is_marked() -> None:
    task = CheckableTask("q1", "date", "Give a date.", "", "2026-11-25", (r"\d{4}-(",), "regex")
    with pytest.raises(InputFileError, match=r"task 'q1': .* is no regular expression"):
        CheckableJudge([task], "strict")
