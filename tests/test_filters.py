"""What the filters of stage 02 refuse, and how each is switched off."""

import pytest

from alpaca_nb.errors import RecipeError
from alpaca_nb.generation.filters import ALL_FILTERS, PUBLISHED_FILTERS, all_but, filters_of, reject_reason
from alpaca_nb.records import Candidate


@pytest.mark.parametrize(
    ("instruction", "given", "output", "reason"),
    [
        ("Name the longest river of Africa.", "", "The Nile", None),
        ("Name it.", "", "Nile", "too_short"),
        ("Draw a picture of the river Nile.", "", "Nile", "filtered_word"),
        ("Write a program that adds two numbers.", "", "x", "starts_with_write_a_program"),
        ("Name the longest river of Africa.", "", "  \n", "empty_output"),
        ("Repeat the following sentence with care.", "Rivers are long.", " Rivers are long. ", "copied_input"),
        ("Write the following in small letters.", "RIVERS", "rivers", None),
        ("Name the longest river of Africa.", "", "Name the longest river of Africa.", "copied_input"),
    ],
)
def test_filters(instruction: str, given: str, output: str, reason: str | None) -> None:
    assert reject_reason(Candidate(0, 4, instruction, given, output)) == reason


def test_each_filter_can_be_switched_off_by_its_name() -> None:
    broken = {
        "too_short": ("Name it.", "Nile"),
        "too_long": ("word " * 151, "Nile"),
        "filtered_word": ("Look at the picture of the river.", "Nile"),
        "starts_with_write_a_program": ("Write a program that adds two numbers.", "x"),
        "starts_with_punctuation": ("- name a river of Africa", "Nile"),
        "starts_non_ascii": ("Écris le nom de la rivière.", "Nil"),
        "empty_output": ("Name the longest river of Africa.", " "),
        "copied_input": ("Name the longest river of Africa.", "Name the longest river of Africa."),
    }
    assert set(broken) == ALL_FILTERS
    for name, (instruction, output) in broken.items():
        candidate = Candidate(0, 4, instruction, "", output)
        assert reject_reason(candidate) == name
        assert reject_reason(candidate, ALL_FILTERS - {name}) is None
    assert reject_reason(Candidate(0, 4, "", "", ""), frozenset()) is None


def test_stanford_has_the_published_filters_only_and_a_wrong_name_is_refused() -> None:
    assert filters_of("repaired") == ALL_FILTERS
    assert filters_of("stanford") == PUBLISHED_FILTERS == ALL_FILTERS - {"empty_output", "copied_input"}
    assert filters_of("stanford", {"too_short", "empty_output"}) == {"too_short"}
    with pytest.raises(RecipeError, match="no filter is called too_shrot; there are copied_input"):
        filters_of("repaired", {"too_shrot"})


def test_filters_are_switched_off_by_a_list_of_names() -> None:
    assert all_but("") == all_but(" , ") == ALL_FILTERS
    assert all_but("too_short, copied_input,") == ALL_FILTERS - {"too_short", "copied_input"}
    with pytest.raises(RecipeError, match=r"filters_off .* too_shrot; there are .*too_short"):
        all_but("too_short,too_shrot")
