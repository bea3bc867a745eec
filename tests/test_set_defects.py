"""Defects between rows: duplicates of three kinds, and tasks that an evaluation holds already."""

import pytest
from quality_rows import GOOD, defects_of, row

from alpaca_nb.quality import set_defects
from alpaca_nb.quality.report import inspect_rows
from alpaca_nb.records import Example


def test_duplicates_exact_conflicting_and_near() -> None:
    rows = [
        GOOD,
        Example("name three primary colours", "", "red, yellow and blue"),
        Example("Name three primary colours!", "", "Cyan, magenta, yellow."),
        Example("Name the three primary colours.", "", "Red, yellow, blue."),
        Example("Sort the numbers.", "3, 1, 2", "1, 2, 3"),
        Example("Sort the numbers.", "9, 8", "8, 9"),
    ]
    assert list(set_defects.exact_duplicate(rows)) == [1]
    assert list(set_defects.conflicting_duplicate(rows)) == [2]
    assert list(set_defects.near_duplicate(rows)) == [3], "the same instruction on another input is another task"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("3+4", "3-4", False),
        ("3 + 4", "3 * 4", False),
        ("(2 + 3) * 4", "2 + 3 * 4", False),
        ("5", "-5", False),
        ("C", "C++", False),
        ("5", "5!", False),
        ("1.5", "15", False),
        ("a > b", "a < b", False),
        ("3 − 4", "3 - 4", True),
        ("Name a river!", "name a river", True),
        ("Say “yes”.", "say 'yes'", True),
        ("Well,  done...", "well done", True),
        ("?", "!", False),
    ],
)
def test_rows_that_differ_in_a_sign_are_not_the_same_row(one: str, other: str, same: bool) -> None:
    for rows in (
        [row(instruction=one), row(instruction=other)],
        [row(input=one), row(input=other)],
        [row(one), row(other)],
    ):
        assert ("exact_duplicate" in defects_of(*rows)) == same


def test_texts_without_latin_letters_are_not_all_the_same() -> None:
    assert defects_of(row(instruction="请写一首诗。"), row(instruction="请翻译这句话。")) == set()


def test_contamination_exact_similar_and_by_shared_words() -> None:
    story = "on a cold morning in may the old lighthouse keeper counted seven ships"
    evaluation = [Example("Rewrite the sentence in the passive voice.", "She ate the apple.", "x"), row(story)]
    rows = [
        Example("rewrite the sentence in the passive voice", "She ate the apple!", "The apple was eaten."),
        Example("Rewrite the given sentence in the passive voice.", "He sang.", "It was sung."),
        Example("Tell me about the sea.", "", f"Once, {story}, and then slept."),
        GOOD,
    ]
    report = inspect_rows(rows, evaluation=evaluation)
    assert [finding.row for finding in report.of("eval_same_task")] == [0]
    assert [finding.row for finding in report.of("eval_similar")] == [0, 1]
    assert [(f.row, f.detail[:34]) for f in report.of("eval_shared_words")] == [
        (2, "evaluation task 1, 13 words: on a ")
    ]
    assert "eval_similar" not in inspect_rows(rows).checked
