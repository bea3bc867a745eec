"""The parsers: what they find and mend, and why they reject."""

from typing import get_args

import pytest
from completions import TASKS, structured
from parsing import cleaned, parse, rows

from alpaca_nb.generation.pieces import Parsed
from alpaca_nb.generation.protocol import Protocol

RIVER = "5. Instruction: Name a river.\n5. Input: <noinput>\n5. Output: Elbe"


def reasons(parsed: Parsed) -> list[tuple[int, str]]:
    return [(each.position, each.reason) for each in parsed.rejections]


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
