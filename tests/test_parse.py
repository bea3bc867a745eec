"""The parsers: what they find, why they reject, that they lose nothing, and that `stanford` reads as the original."""

import random
import re
import time
from typing import get_args

import pytest
from completions import FRAGMENTS, TASKS, mutated, numbered, structured
from hypothesis import given, settings
from hypothesis import strategies as st
from the_original import Row, as_the_original

from alpaca_nb.generation.filters import filters_of, reject_reason
from alpaca_nb.generation.parse import parse_answer
from alpaca_nb.generation.pieces import REASONS, REPAIRS, Parsed
from alpaca_nb.generation.protocol import Protocol

FINISH_REASONS = ["stop", "length", "content_filter", ""]
RIVER = "5. Instruction: Name a river.\n5. Input: <noinput>\n5. Output: Elbe"


def parse(text: str, finish_reason: str = "stop", protocol: Protocol = "repaired", *stop_texts: str) -> Parsed:
    return parse_answer(
        text,
        request_index=3,
        first_position=4,
        finish_reason=finish_reason,
        protocol=protocol,
        stop_texts=stop_texts,
    )


def rows(parsed: Parsed) -> list[Row]:
    return [(each.instruction, each.input, each.output) for each in parsed.candidates]


def reasons(parsed: Parsed) -> list[tuple[int, str]]:
    return [(each.position, each.reason) for each in parsed.rejections]


def cleaned(tasks: list[Row]) -> list[Row]:
    return [(instruction, given.strip(), output.strip()) for instruction, given, output in tasks]


# Sound answers


@pytest.mark.parametrize("protocol", get_args(Protocol))
def test_parsing_a_good_answer(protocol: Protocol) -> None:
    text = " Add the numbers.\n4. Input: 2 and 3\n4. Output: 5\n###\n" + RIVER + "\nflows north.\n###"
    parsed = parse(text, protocol=protocol)
    assert rows(parsed) == [("Add the numbers.", "2 and 3", "5"), ("Name a river.", "", "Elbe\nflows north.")]
    assert [(each.request_index, each.position) for each in parsed.candidates] == [(3, 4), (3, 5)]
    assert parsed.raw(parsed.candidates[0]).startswith("Add the numbers.\n4. Input")
    assert text[parsed.candidates[1].start : parsed.candidates[1].end].strip().startswith("5. Instruction") or (
        protocol == "stanford"
    )
    assert parsed.rejections == [] and [each.repairs for each in parsed.candidates] == [(), ()]


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("around", ["{}", "```json\n{}\n```", "\n {} \n"])
def test_parsing_tasks_as_json(wrapped: bool, around: str) -> None:
    parsed = parse(around.replace("{}", structured(TASKS, wrapped=wrapped)))
    assert rows(parsed) == cleaned(TASKS)
    assert parsed.rejections == []
    assert parsed.raw(parsed.candidates[1]).startswith('{\n   "instruction": "Name' if wrapped else '{\n  "instruction')


def test_objects_line_by_line_and_an_output_that_is_json() -> None:
    lines = (
        '{"instruction": "A", "input": null, "output": 4.50}\n{"output": "b", "input": "<noinput>", "instruction": "B"}'
    )
    assert rows(parse(lines)) == [("A", "", "4.50"), ("B", "", "b")]
    holds_json = ' Write JSON.\n4. Input: <noinput>\n4. Output: [{"instruction": "x", "input": "", "output": "y"}]'
    assert rows(parse(holds_json)) == [("Write JSON.", "", '[{"instruction": "x", "input": "", "output": "y"}]')]


def test_a_half_of_a_surrogate_pair_can_be_written() -> None:
    parsed = parse(r'[{"instruction": "Say \ud83d", "input": "", "output": "\ud83d\ude00"}]')
    assert rows(parsed) == [("Say ?", "", "\U0001f600")]


@pytest.mark.parametrize("wrapped", [True, False])
def test_json_cut_anywhere_saves_the_complete_tasks(wrapped: bool) -> None:
    whole = structured(TASKS, wrapped=wrapped)
    ends = [each.end for each in parse(whole).candidates][:-1]
    for end in range(ends[0] + 20, len(whole)):
        for finish_reason, reason in (("length", "cut_by_length"), ("stop", "cut_by_stop")):
            parsed = parse(whole[:end], finish_reason)
            complete = rows(parsed)
            assert complete == cleaned(TASKS)[: len(complete)], "a task cut in two is not kept"
            assert len(complete) >= sum(place <= end for place in ends)
            assert {each.reason for each in parsed.rejections} <= {reason}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ('{"instruction": "A "quoted" word", "input": "", "output": "x"}', "broken_json"),
        ('{"instruction": "A", "input": ""}', "missing_output"),
        ('{"instruction": "A", "output": ""}', "missing_input"),
        ('{"input": "A", "output": ""}', "missing_instruction"),
        ('{"instruction": " ", "input": "A", "output": ""}', "missing_instruction"),
        ('{"instruction": "A", "input": "", "output": ["x"]}', "not_text"),
        ('{"instruction": "A", "input": true, "output": "x"}', "not_text"),
        ('{"number": 4}', "not_a_task"),
    ],
)
def test_a_bad_object_spoils_no_other(item: str, reason: str) -> None:
    good = '{"instruction": "B", "input": "", "output": "b"}'
    parsed = parse(f'{{"tasks": [{good}, {item}, {good}]}}')
    assert (rows(parsed), reasons(parsed)) == ([("B", "", "b")] * 2, [(5, reason)])
    assert parsed.rejections[0].text.startswith(item)


def test_a_remark_around_json_and_tasks_inside_another_object() -> None:
    good = '{"instruction": "B", "input": "", "output": "b"}'
    parsed = parse(f"Here they are: [{good}]\nAnything else?")
    assert (rows(parsed), reasons(parsed)) == ([("B", "", "b")], [(4, "not_a_task"), (6, "not_a_task")])
    assert rows(parse(f'{{"count": 2, "tasks": [{good}, {good}]}}')) == [("B", "", "b")] * 2


# What `repaired` mends


@pytest.mark.parametrize(
    ("text", "repairs"),
    [
        (" Add.\n4. Input: 2, 3\n4. Output: 5\n###\n", ()),
        ("4. Instruction: Add.\n4. Input: 2, 3\n4. Output: 5\n###\n", ()),
        (" Add.\n5. Input: 2, 3\n5. Output: 5\n###\n", ("wrong_index",)),
        (" Add.\n4. Input: 2, 3\n5. Output: 5\n###\n", ("wrong_index",)),
        ("7. Instruction: Add.\n7. Input: 2, 3\n7. Output: 5\n###\n", ("wrong_index",)),
        (" Add.\n4. Input: 2, 3\n4. Output: 5", ()),
        (" Add. 4. Input: 2, 3 4. Output: 5 ###", ()),
        (" Add.\n###\n4. Input: 2, 3\n###\n4. Output: 5\n###", ("separator_inside",)),
        ("**4. Instruction:** Add.\n**4. Input:** 2, 3\n**4. Output:** 5\n###", ("odd_heading",)),
        ("**4. Instruction: Add.**\n4) input : 2, 3\n  4.\tOUTPUT: 5\n###", ("odd_heading",)),
        ("Instruction: Add.\nInput: 2, 3\nOutput: 5\n###", ("odd_heading",)),
        (" Add.\n\n - **Input**: 2, 3\n - **Output**: 5\n###", ("odd_heading",)),
        ("### Task 4\n**Instruction:** Add.\n**Input:** 2, 3\n**Output:** 5\n###", ("odd_heading",)),
        ("4.\nInstruction: Add.\n4.\nInput: 2, 3\n4.\nOutput:\n5\n\n###\n\n###", ("odd_heading",)),
        (" Add.\n4. Input: 2, 3\n4. Output: 5\n\n---\n\n###", ()),
        (" Add.\r\n4. Input: 2, 3\r\n4. Output: 5\r\n###\r\n", ()),
    ],
)
def test_formal_faults_are_mended_and_named(text: str, repairs: tuple[str, ...]) -> None:
    parsed = parse(text)
    assert rows(parsed) == [("Add.", "2, 3", "5")] and parsed.rejections == []
    assert parsed.candidates[0].repairs == repairs
    again = parse(f"{text}\n{RIVER}\n###")
    assert rows(again) == [("Add.", "2, 3", "5"), ("Name a river.", "", "Elbe")], "nor does it spoil the next"
    assert ("no_separator" in again.candidates[0].repairs) == (not text.rstrip().endswith("###"))


@pytest.mark.parametrize(
    "output",
    [
        "### Rivers",
        "# A\n## B ### C\n### D\ntext",
        "See 1. Input: a list",
        "a\n1. Instruction: b\n2. c",
        "Input: 3\nOutput: 6",
        "---",
    ],
)
def test_an_output_may_hold_hashes_and_lists(output: str) -> None:
    parsed = parse(f" Make a text.\n4. Input: Rivers\n4. Output: {output}\n###\n{RIVER}")
    assert rows(parsed) == [("Make a text.", "Rivers", output), ("Name a river.", "", "Elbe")]
    assert ("separator_inside" in parsed.candidates[0].repairs) == ("###" in output)


@pytest.mark.parametrize(
    "marker", ["<noinput>", "<NoInput>", "No input", "(no input needed)", "[no_input]", "no-input."]
)
def test_the_marker_for_no_input(marker: str) -> None:
    assert rows(parse(f" Add.\n4. Input: {marker}\n4. Output: 5")) == [("Add.", "", "5")]
    assert rows(parse(f" Add.\n4. Input: {marker} at all of it\n4. Output: 5"))[0][1] != ""


# What it rejects


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Sorry, I cannot do that.", "not_a_task"),
        ("", "not_a_task"),
        ("4. Instruction: Only this.", "missing_input"),
        (" Add.\n4. Input: 2", "missing_output"),
        (" Add.\n4. Output: 2", "missing_input"),
        ("\n4. Input: 2\n4. Output: 2", "missing_instruction"),
        (" Add.\n5. Input: 2\n6. Output: 2", "wrong_index"),
        (" Add.\n4. Input: 2\n4. Input: 3\n4. Output: 2", "repeated_field"),
        (" Add.\n4. Output: 2\n4. Input: 3", "repeated_field"),
        (" Add.\n4. Input: 2\n4. Output: 2\n5. Input: 3\n5. Output: 3", "repeated_field"),
        (" Add.\n4. Input: 2\n###\nmore of it\n4. Output: 2", "separator_inside"),
    ],
)
def test_a_bad_item_is_rejected_with_its_reason_and_spoils_no_other(text: str, reason: str) -> None:
    parsed = parse(f"{text}\n###\n{RIVER}")
    assert reasons(parsed) == [(4, reason)]
    assert rows(parsed) == [("Name a river.", "", "Elbe")] and parsed.candidates[0].position == 5
    assert text.strip() in parsed.rejections[0].text


def test_text_behind_a_separator_is_a_rejection_of_its_own() -> None:
    parsed = parse(f" Add.\n4. Input: 2\n4. Output: 2\n###\nAnd so on.\n###\n{RIVER}\n###\n6. Input: a\n6. Output: b")
    assert rows(parsed) == [("Add.", "2", "2"), ("Name a river.", "", "Elbe")]
    assert reasons(parsed) == [(5, "separator_inside"), (7, "missing_instruction")]
    assert parsed.rejections[0].text == "And so on.\n###"
    broken = parse(f" Add.\n4. Input: 2\n4. Output: 2\n###\n4. Instrus\n4. Input: 3\n4. Output: 3\n###\n{RIVER}")
    assert rows(broken) == rows(parsed) and reasons(broken) == [(5, "missing_instruction")]


def test_the_end_of_an_answer_that_was_cut_is_dropped() -> None:
    text = " Add.\n4. Input: 2, 3\n4. Output: 5\n###\n5. Instruction: Tell.\n5. Input: <noinput>\n5. Output: In 20"
    for finish_reason, reason in (("length", "cut_by_length"), ("content_filter", "cut_by_filter")):
        assert reasons(parse(text, finish_reason)) == [(5, reason)]
        assert rows(parse(text, finish_reason)) == [("Add.", "2, 3", "5")]
        assert len(rows(parse(text + "\n###\n", finish_reason))) == 2, "the separator says that it is whole"
        assert reasons(parse(text + "\n###\n6. Ins", finish_reason)) == [(6, reason)]
    assert reasons(parse(text, "stop", "repaired", "\n20", "20.")) == [(5, "cut_by_stop")]
    assert len(rows(parse(text, "stop"))) == 2, "without a stop text, the teacher chose to end there"
    assert rows(parse(text, "stop", "stanford", "\n20", "20."))[1] == ("Tell.", "", "In 20"), "the original's defect"


# On any text

any_text = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=8)), max_size=40).map("".join)
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
    def spent(text: str) -> float:
        """Seconds of the processor, the least of three: other processes do not count."""
        times = []
        for _ in range(3):
            start = time.thread_time()
            parse(text, protocol=protocol)
            times.append(time.thread_time() - start)
        return min(times)

    for begin in ("", "4. Instruction: a\n4. Input: b\n4. Output: c", '[{"instruction": "a", "input": "", "output":'):
        once, four_times = (spent(begin + unit * (size // len(unit))) for size in (6000, 24000))
        assert four_times < 8 * once + 0.3, "a square would be sixteen times the work"


# Against the original's rules


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
