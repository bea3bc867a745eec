"""The filter on instructions behaves as the published one does, case for case and in its order."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpaca_nb.instruction_rules import FILTERED_WORDS, filtered_word, reject_reason


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("Name three rivers", "too_short"),
        ("Name three long rivers", None),
        ("  Name   three\n rivers ", "too_short"),
        ("", "too_short"),
        ("word " * 150, None),
        ("word " * 151, "too_long"),
        ("Describe what the image shows", "filtered_word"),
        ("Explain how to Draw a horse", "filtered_word"),
        ("Say which shop to go to first", "filtered_word"),
        ("Say which shops we are going to first", None),
        ("Describe what the imagery shows", None),
        ("Explain how drawing helps a child", None),
        ("Count the MAPS: two, three or four?", "filtered_word"),
        ("Explain why profiles matter at work", None),
        ("Name the file-system of a phone", "filtered_word"),
        ("Name the file_system of a phone", None),
        ("Write a program that adds numbers", "starts_with_write_a_program"),
        ("Write a programme for a concert", "starts_with_write_a_program"),
        ("write a program that adds numbers", None),
        ("Please: Write a program that adds", None),
        ('"Carpe diem" means what in English?', "starts_with_punctuation"),
        ("<noinput> is what it says", "starts_with_punctuation"),
        ("5 plus 6 makes what number?", None),
        ("État is which French word?", "starts_non_ascii"),
        ("“Carpe diem” means what in English?", "starts_non_ascii"),
        ("Translate État into English, please", None),
    ],
)
def test_each_rule_strikes_where_the_published_one_does(instruction: str, reason: str | None) -> None:
    assert reject_reason(instruction) == reason


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("Draw a map", "too_short"),
        ("video " * 151, "too_long"),
        ("Write a program to draw circles", "filtered_word"),
        ("(an image of a cat) is what?", "filtered_word"),
        ("Écris: an image of a cat", "filtered_word"),
    ],
)
def test_the_first_broken_rule_in_the_published_order_is_named(instruction: str, reason: str) -> None:
    assert reject_reason(instruction) == reason


def test_there_are_the_eighteen_published_words_and_each_strikes() -> None:
    assert len(set(FILTERED_WORDS)) == 18
    for word in FILTERED_WORDS:
        assert filtered_word(f"Please explain, {word.upper()}; what is that?") == word
        assert filtered_word(f"Please explain x{word}y to me now") is None


def _as_published(instruction: str) -> bool:
    """Whether the published conditions drop it, written as one expression for comparison."""
    return (
        not 3 < len(instruction.split()) <= 150
        or any(re.search(rf"\b{word}\b", instruction, re.IGNORECASE) for word in FILTERED_WORDS)
        or instruction.startswith("Write a program")
        or instruction[0] in string.punctuation
        or ord(instruction[0]) > 127
    )


_WORDS = st.one_of(
    st.sampled_from(["Write", "a", "program", "go", "to", "draw", "Map.", "(file)", "Éclair", "sort", "7", "graphs"]),
    st.text(min_size=1, max_size=8),
)


@given(st.lists(_WORDS, max_size=9), st.sampled_from([" ", "\n", "  "]))
def test_it_drops_exactly_what_the_published_conditions_drop(words: list[str], space: str) -> None:
    instruction = space.join(words).strip()
    assert (reject_reason(instruction) is not None) == _as_published(instruction)
