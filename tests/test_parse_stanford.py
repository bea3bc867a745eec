"""The parser `stanford` reads as the original, and `repaired` saves what that loses."""

import random
import re

from completions import TASKS, mutated, numbered
from hypothesis import given, settings
from hypothesis import strategies as st
from parsing import FINISH_REASONS, any_text, cleaned, parse, rows
from the_original import Row, as_the_original

from alpaca_nb.generation.filters import filters_of, reject_reason


def kept_under_stanford(text: str, finish_reason: str) -> list[Row]:
    candidates = parse(text, finish_reason, "stanford", "20.").candidates
    return [
        (each.instruction, each.input, each.output)
        for each in candidates
        if reject_reason(each, filters_of("stanford")) is None
    ]


def test_stanford_keeps_what_the_original_keeps_of_mutated_completions() -> None:
    total = 0
    for number in range(6000):
        text, finish_reason = mutated(f"stanford {number}"), FINISH_REASONS[number % 4]
        expected = as_the_original(text, finish_reason)
        assert kept_under_stanford(text, finish_reason) == expected, (number, text)
        total += len(expected)
    assert total > 4000, "the comparison is not about nothing"


@settings(max_examples=600, deadline=None)
@given(any_text, st.sampled_from(FINISH_REASONS))
def test_stanford_keeps_what_the_original_keeps_of_any_text(text: str, finish_reason: str) -> None:
    if not set(text) & {"\0", "\1"}:
        assert kept_under_stanford(text, finish_reason) == as_the_original(text, finish_reason)


def test_repaired_saves_rows_and_keeps_none_that_is_cut_or_merged() -> None:
    """Of completions with formal faults only, all tasks are saved; the original loses most behind the first fault."""
    saved = original = 0
    for number in range(300):
        chance = random.Random(f"formal {number}")
        tasks = chance.sample(TASKS[:2] + TASKS[3:], 5)
        text = numbered(tasks)
        wanted = chance.randint(5, 8)
        fault = chance.choice(
            [
                lambda t, n=wanted: t.replace(f"{n}. Output:", f"{n + 1}. Output:"),
                lambda t, n=wanted: t.replace(f"\n###\n{n}.", f"\n{n}."),
                lambda t, n=wanted: re.sub(rf"(?m)^{n}\. ", f"{n + 3}. ", t),
                lambda t, n=wanted: t.replace(f"\n###\n{n}.", f"\n###\n\n###\n{n}."),
                lambda t, n=wanted: re.sub(rf"({n}\. \w+:)", r"**\1**", t),
                lambda t, n=wanted: t.replace(f"\n{n}. Output:", f"\n###\n{n}. Output:"),
            ]
        )
        parsed = parse(fault(text))
        assert rows(parsed) == cleaned(tasks), (number, fault(text))
        saved += len(rows(parsed))
        original += sum(row in cleaned(tasks) for row in rows(parse(fault(text), protocol="stanford")))
    assert saved == 1500 and original < 0.8 * saved
