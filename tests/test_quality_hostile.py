"""Hostile texts: none breaks the search for defects, and none makes it take the square of its length."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processor_time import assert_work_grows_with_length

from alpaca_nb.quality import row_defects
from alpaca_nb.quality.report import inspect_rows
from alpaca_nb.quality.verb_rules import verb_and_object
from alpaca_nb.records import Example

HOSTILE = [
    *[
        "\n",
        "7",
        "(",
        "( ",
        "(  ",
        "1  +  ",
        "1 -1 ",
        "1 (1) ",
        "$1+",
        "·1",
        "1=",
        "1 x ",
        " \\times 1",
        "1,",
        ", ",
        "[",
    ],
    *["#", "###\n", "4.\n", "- ", "[name ", "<name ", "</a", "as an ", "AI ", "January ", ". A a is ", "```"],
    "of the set ",
]


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("field", ["instruction", "input", "output"])
def test_the_work_on_a_row_grows_with_its_length_and_not_with_its_square(field: str, unit: str) -> None:
    def look_for_defects(text: str) -> None:
        bad = dataclasses.replace(Example("Calculate the mean of", "1, 2, 4", "3"), **{field: text})
        for check in row_defects.ROW_DEFECTS:
            check(bad)
        verb_and_object(bad.instruction)

    for begin, end in (("", ""), ("Find the mean of the numbers 1 + 1", " x = 3!")):
        assert_work_grows_with_length(look_for_defects, unit, begin, end)


@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=5), max_size=30).map("".join))
def test_no_text_breaks_the_search_for_defects(text: str) -> None:
    inspect_rows([Example(f"x{text}", text, text), Example(text + "y", "", text[::-1])])
