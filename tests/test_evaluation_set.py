"""Rows that an evaluation holds: each rule by hand, and the published data against the published evaluation."""

from pathlib import Path

import pytest

from alpaca_nb.alpaca_format import read_examples
from alpaca_nb.quality.evaluation_set import RULES, EvaluationSet, open_evaluation
from alpaca_nb.records import Example

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
TASKS = [
    Example("Name the longest river of Africa.", "", "The Nile."),
    Example("Repeat the following words in order.", LONG, "red green blue white black brown grey pink gold"),
]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (Example("name the longest river of africa", " ", "Nile"), "eval_same_task"),
        (Example("Name the longest river of Africa.", "Use one word.", "Nile"), "eval_similar"),
        (Example("Please name the longest river of Africa.", "", "Nile"), "eval_similar"),
        (Example("Do it again, friend.", "", f"So: {LONG.rsplit(' ', 2)[0]}!"), "eval_shared_words"),  # 13 of 15 words
        (Example("Do it again, friend.", LONG.rsplit(" ", 3)[0], ""), None),  # 12 of 15
        (
            Example("Do it again.", "", "RED green, blue white black brown grey pink gold."),
            "eval_shared_words",
        ),  # 9 of 9
        (Example("Do it again.", "", "red green blue white black brown grey pink"), None),  # 8 of 9
        (Example("Count the stars of the night sky.", "", "The Nile."), None),
    ],
)
def test_each_rule(row: Example, rule: str | None) -> None:
    found = EvaluationSet(TASKS, Path("e.json")).find(row)
    assert (found and found[0]) == rule
    assert rule is None or rule in RULES


def test_an_empty_path_means_none() -> None:
    assert open_evaluation("") is None


def test_the_published_rows_against_the_published_evaluation(upstream_data: Path) -> None:
    evaluation = open_evaluation(str(upstream_data / "user_oriented_instructions.jsonl"))
    assert evaluation is not None and len(evaluation.tasks) == 252
    rows = read_examples(upstream_data / "alpaca_sample_4600.json")
    found = [evaluation.find(row) for row in rows]
    counts = {rule: sum(each is not None and each[0] == rule for each in found) for rule in RULES}
    assert counts["eval_same_task"] == 0
    assert 1 <= counts["eval_similar"] <= 3, "3 of the 252 are near a row of the 9,229 that hold these"
    assert counts["eval_shared_words"] < 20, counts
    for number, task in enumerate(evaluation.tasks):
        assert evaluation.find(task) == ("eval_same_task", f"evaluation task {number}")
