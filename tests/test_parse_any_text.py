"""The parsers on any text: nothing is lost or counted twice, and the work grows with the length alone."""

from typing import get_args

import pytest
from completions import mutated
from hypothesis import given, settings
from hypothesis import strategies as st
from parsing import FINISH_REASONS, any_text, parse, rows
from processor_time import assert_work_grows_with_length

from alpaca_nb.generation.pieces import REASONS, REPAIRS, Parsed
from alpaca_nb.generation.protocol import Protocol

CALLS = [(protocol, finish_reason) for protocol in get_args(Protocol) for finish_reason in FINISH_REASONS]


def check_nothing_is_lost(text: str, parsed: Parsed) -> None:
    """The spans adjoin from the first character to the last, so that each belongs to exactly one piece."""
    spans = [(task.start, task.end) for task in parsed.tasks]
    assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])] and spans[-1][1] == len(text)
    assert all(text[start:end].strip() for start, end in spans) or not text.strip()
    assert [task.position for task in parsed.tasks] == list(range(4, 4 + len(spans)))
    assert {each.reason for each in parsed.rejections} <= set(REASONS)
    assert {name for each in parsed.candidates for name in each.repairs} <= set(REPAIRS)
    for rejection in parsed.rejections:
        assert rejection.text == text[rejection.start : rejection.end].strip()
    for row, task in zip(rows(parsed), parsed.candidates, strict=True):
        assert all(field in parsed.raw(task) for field in row) or "\\" in parsed.raw(task), (
            "a field is a part of its text"
        )


@settings(max_examples=600, deadline=None)
@given(any_text, st.sampled_from(CALLS), st.booleans())
def test_any_text_is_parsed_without_loss(text: str, call: tuple[Protocol, str], stop_texts: bool) -> None:
    check_nothing_is_lost(text, parse(text, call[1], call[0], *(["20."] if stop_texts else [])))


def test_thousands_of_mutated_completions_are_parsed_without_loss() -> None:
    seen: set[str] = set()
    mended: set[str] = set()
    for number in range(4000):
        text = mutated(f"loss {number}")
        for protocol, finish_reason in (CALLS[number % len(CALLS)], ("repaired", "stop")):
            parsed = parse(text, finish_reason, protocol, *(["20."] if number % 7 == 0 else []))
            check_nothing_is_lost(text, parsed)
            seen |= {each.reason for each in parsed.rejections}
            mended |= {name for each in parsed.candidates for name in each.repairs}
    assert (seen, mended) == (set(REASONS), set(REPAIRS)), "every reason and every repair comes up"


@pytest.mark.parametrize(
    "unit",
    ["#", "###\n", "4. Instruction:", "4.", "Task 4", "- ", "\n", '{"', '{"instruction": "', "[", "4.\n\n", "**", "[{"],
)
def test_long_nonsense_is_parsed_too(unit: str) -> None:
    for text in (unit * 3000, " " * 20000 + unit, unit + " " * 20000 + "x", "Task 4" + unit * 3000 + "x"):
        for protocol in get_args(Protocol):
            check_nothing_is_lost(text, parse(text, protocol=protocol))


@pytest.mark.parametrize("protocol", get_args(Protocol))
@pytest.mark.parametrize(
    "unit", ["7", '{"a":1}', '{"a":[', '{"a":', '{"instruction":', '[{"a":1},', "4. ", "###\n", "# ", "\n"]
)
def test_the_work_grows_with_the_length_and_not_with_its_square(unit: str, protocol: Protocol) -> None:
    for begin in ("", "4. Instruction: a\n4. Input: b\n4. Output: c", '[{"instruction": "a", "input": "", "output":'):
        assert_work_grows_with_length(lambda text: parse(text, protocol=protocol), unit, begin)
