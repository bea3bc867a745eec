"""The kit's 175 seed tasks keep their promises, and the loader names every fault of a file by its line."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from alpaca_nb.errors import InputFileError
from alpaca_nb.records import Instance, SeedTask
from alpaca_nb.runs import begin_stage, why_not_current
from alpaca_nb.seed_tasks.figures import first_word_bars
from alpaca_nb.seed_tasks.load import Problem, load_seed_tasks, parse_seed_tasks, validate_seed_tasks
from alpaca_nb.seed_tasks.side_by_side import ORIGINAL_COUNTS, recorded_original, summarise
from alpaca_nb.seed_tasks.stage import KIT_SEED_TASKS, seed_file, write_seed_tasks
from alpaca_nb.seed_tasks.survey import SeedWarning, first_words, one_of_each_kind, soft_warnings, statistics, words_in

NEAREST_ALLOWED = 0.7  # ROUGE-L F, the published novelty threshold
ROUGE_L = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)


@pytest.fixture(scope="module")
def kit() -> list[SeedTask]:
    return load_seed_tasks(KIT_SEED_TASKS)


def line_of(**changes: Any) -> str:
    """One good line of a seed-task file, with keys changed, or taken out where the value is `...`."""
    good = {
        "id": "a",
        "name": "opposites",
        "instruction": "Name the opposite of the word.",
        "instances": [{"input": "hot", "output": "cold"}],
        "is_classification": False,
    }
    return json.dumps({key: value for key, value in {**good, **changes}.items() if value is not ...})


# --- the kit's own tasks


def test_there_are_175_tasks_numbered_in_order_with_names_of_their_own(kit: list[SeedTask]) -> None:
    assert [task.id for task in kit] == [f"seed_task_{number}" for number in range(175)]
    assert len({task.name for task in kit}) == 175


def test_they_are_diverse_in_first_word_input_kind_and_length(kit: list[SeedTask]) -> None:
    counted = statistics(kit)
    assert counted["distinct_first_words"] >= 90
    assert max(first_words(kit).values()) <= 6
    assert 0.35 <= 1 - counted["with_input"] / 175 <= 0.5
    assert 25 <= counted["classification"] <= 35
    answers = [words_in(task.instances[0].output) for task in kit]
    assert min(answers) == 1 and 100 < max(answers) <= 150
    questions = sum(task.instruction.endswith("?") for task in kit)
    assert 20 <= questions <= 60


def test_generation_would_reject_or_cut_none_of_them(kit: list[SeedTask]) -> None:
    assert soft_warnings(kit) == []
    text = KIT_SEED_TASKS.read_text(encoding="utf-8")
    assert "###" not in text and "<noinput>" not in text.lower() and "20." not in text


def test_texts_are_trimmed_single_instances_without_markdown(kit: list[SeedTask]) -> None:
    for task in kit:
        assert len(task.instances) == 1
        texts = [task.name, task.instruction, task.instances[0].input, task.instances[0].output]
        assert all(text == text.strip() and "**" not in text and "http" not in text for text in texts), task.id
        assert task.instruction != task.instances[0].input != task.instances[0].output


def test_a_classification_answer_is_short(kit: list[SeedTask]) -> None:
    assert all(words_in(task.instances[0].output) <= 2 for task in kit if task.is_classification)


def rouge_l(one: str, other: str) -> float:
    return float(ROUGE_L.score(one, other)["rougeL"].fmeasure)


def test_no_two_instructions_are_near_each_other(kit: list[SeedTask]) -> None:
    pairs = ((kit[i], kit[j]) for i in range(len(kit)) for j in range(i))
    assert [(a.id, b.id) for a, b in pairs if rouge_l(a.instruction, b.instruction) > NEAREST_ALLOWED] == []


def test_none_is_near_a_published_seed(kit: list[SeedTask], upstream_data: Path) -> None:
    published = load_seed_tasks(upstream_data / "stanford_seed_tasks.jsonl")
    for task in kit:
        nearest = max(rouge_l(task.instruction, other.instruction) for other in published)
        assert nearest <= NEAREST_ALLOWED, task.id


def test_answers_that_code_can_check_are_right(kit: list[SeedTask]) -> None:
    shown = {task.name: task.instances[0] for task in kit}
    assert shown["vowel_count"].output == str(sum(letter in "aeiou" for letter in shown["vowel_count"].input.lower()))
    assert " ".join(shown["words_backwards"].input.split()[::-1]) == shown["words_backwards"].output
    assert int(shown["to_binary"].output, 2) == int(shown["to_binary"].input)
    forward = "".join(chr((ord(c) - 62) % 26 + 65) if c.isalpha() else c for c in shown["shifted_letters"].output)
    assert forward == shown["shifted_letters"].input
    for word in shown["words_from_planet"].output.split(", "):
        assert len(word) == 4 and not Counter(word) - Counter("planet")
    names: dict[str, Any] = {}
    exec(shown["palindrome_function"].output, names)
    exec(shown["last_number_missing"].output.split("\n\n", 1)[1], names)
    assert names["is_palindrome"]("Never odd or even") and not names["is_palindrome"]("Almost")
    assert names["sum_to"](10) == 55
    assert words_in(shown["complaint_in_brief"].output) <= 12
    assert words_in(shown["teenagers_should_cook"].output) < 60
    assert words_in(shown["zoos_in_balance"].output) in range(75, 86)
    assert words_in(shown["library_job_ad"].output) in range(45, 56)


# --- the published file


def test_the_published_file_loads_whole_with_its_known_numbers(upstream_data: Path) -> None:
    tasks = load_seed_tasks(upstream_data / "stanford_seed_tasks.jsonl")
    counted = statistics(tasks)
    assert (counted["tasks"], counted["with_input"], counted["classification"]) == (175, 125, 26)
    assert round(counted["mean_instruction_words"]) == 13


def test_its_seeds_that_break_the_published_rules_are_named(upstream_data: Path) -> None:
    warnings = soft_warnings(load_seed_tasks(upstream_data / "stanford_seed_tasks.jsonl"))
    assert SeedWarning("seed_task_169", "filtered_word", "music") in warnings
    assert {(warning.id, warning.reason) for warning in warnings} == {
        ("seed_task_12", "too_short"),
        ("seed_task_79", "too_short"),
        ("seed_task_83", "holds_stop_string"),
        ("seed_task_128", "holds_stop_string"),
        ("seed_task_139", "starts_with_write_a_program"),
        ("seed_task_169", "filtered_word"),
    }


def test_the_recorded_counts_of_the_published_file_are_those_of_counting_it_now(upstream_data: Path) -> None:
    path = upstream_data / "stanford_seed_tasks.jsonl"
    recorded, where = recorded_original()
    assert recorded == summarise(load_seed_tasks(path))
    assert where.endswith(hashlib.sha256(path.read_bytes()).hexdigest()) and "commit 761dc5b" in where


def test_of_the_published_file_only_numbers_are_recorded(kit: list[SeedTask]) -> None:
    recorded, _ = recorded_original()
    ours = summarise(kit)
    assert recorded.counts.keys() == ours.counts.keys() and recorded.defects.keys() == ours.defects.keys()
    assert recorded.counts["pairs_found_by"] == ours.counts["pairs_found_by"], "both by the same rules"
    assert {type(value) for value in recorded.defects.values()} == {int}
    assert ORIGINAL_COUNTS.stat().st_size < 5000


# --- faults of a file


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"a": ' + "9" * 5000 + "}", "not valid JSON"),
        ("[1, 2]", "is a list, not an object"),
        ("null", "is null, not an object"),
        (line_of(id=...), "key 'id' is missing"),
        (line_of(name=3), "'name' must be a text, not a number"),
        (line_of(instruction=["x"]), "'instruction' must be a text, not a list"),
        (line_of(instruction=" \n"), "'instruction' is empty"),
        (line_of(instances=...), "key 'instances' is missing"),
        (line_of(instances=[]), "'instances' is empty"),
        (line_of(instances={"input": "", "output": "x"}), "'instances' must be a list, not an object"),
        (line_of(instances=["x"]), "'instances[0]' must be an object, not a text"),
        (line_of(instances=[{"output": "x"}]), "key 'instances[0].input' is missing"),
        (line_of(instances=[{"input": "", "output": " "}]), "'instances[0].output' is empty"),
        (line_of(instances=[{"input": "", "output": "x"}, {"input": ""}]), "key 'instances[1].output' is missing"),
        (line_of(instances=[{"input": "<noinput>", "output": "x"}]), "not <noinput>"),
        (line_of(is_classification=...), "key 'is_classification' is missing"),
        (line_of(is_classification="no"), "'is_classification' must be true or false, not a text"),
        (line_of(is_classification=0), "'is_classification' must be true or false, not a number"),
        (line_of(instruction="Name this ### please now"), "'instruction' holds '###'"),
        (line_of(instances=[{"input": "", "output": "x\n5. Instruction: y"}]), "holds '5. Instruction:'"),
        (line_of(instruction="Name half \ud800 a sign"), "'instruction' holds half a character"),
    ],
)
def test_each_fault_is_named(line: str, reason: str) -> None:
    tasks, problems = parse_seed_tasks([line_of(id="z", instruction="Another good task here."), line])
    assert [task.id for task in tasks] == ["z"]
    assert len(problems) == 1 and problems[0].line == 2 and reason in problems[0].reason


def test_one_error_names_every_bad_line_and_every_fault_in_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    lines = [
        line_of(),
        "",
        "oops",
        line_of(id="b", name=..., instances=[]),
        line_of(id="c"),
        line_of(instruction="Name  the OPPOSITE of the word."),
        line_of(id="d", instruction="Give a word that rhymes."),
    ]
    path.write_bytes("\r\n".join(lines).encode() + b"\n\xff\xfe\n")
    with pytest.raises(InputFileError) as caught:
        load_seed_tasks(path)
    message = str(caught.value)
    for words in (
        "mine.jsonl",
        "line 3: not valid JSON",
        "line 4: key 'name' is missing",
        "line 4: 'instances' is empty",
        "line 5: same instruction as line 1",
        "line 6: same id as line 1",
        "line 6: same instruction as line 1",
        "line 8: not UTF-8 text",
    ):
        assert words in message
    assert [problem.line for problem in validate_seed_tasks(path)] == [3, 4, 4, 5, 6, 6, 8]


def test_a_file_without_tasks_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n \n")
    assert validate_seed_tasks(empty) == [Problem(1, "the file holds no seed task")]
    with pytest.raises(InputFileError, match="holds no seed task"):
        load_seed_tasks(empty)
    with pytest.raises(InputFileError, match="does not exist"):
        load_seed_tasks(tmp_path / "absent.jsonl")
    with pytest.raises(InputFileError, match="cannot be read"):
        load_seed_tasks(tmp_path)


def test_a_byte_order_mark_and_further_keys_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + line_of(author="me").encode())
    assert [task.id for task in load_seed_tasks(path)] == ["a"]


@given(st.lists(st.one_of(st.text(max_size=30), st.just(line_of()), st.from_type(type(None)).map(json.dumps))))
def test_any_lines_at_all_give_tasks_or_numbered_problems(lines: list[str]) -> None:
    tasks, problems = parse_seed_tasks(lines)
    written = [number for number, line in enumerate(lines, start=1) if line.strip()]
    assert tasks or problems
    if written:
        assert len(tasks) + len({problem.line for problem in problems}) == len(written)


# --- the edge, the counts and the pictures


def test_what_the_stage_writes_is_what_it_read(kit: list[SeedTask], tmp_path: Path) -> None:
    path = write_seed_tasks(tmp_path / "seed_tasks.jsonl", kit)
    assert load_seed_tasks(path) == kit
    first = json.loads(path.read_text(encoding="utf-8").split("\n")[0])
    assert list(first) == ["id", "name", "instruction", "instances", "is_classification"]
    assert list(first["instances"][0]) == ["input", "output"]


def test_an_empty_parameter_means_the_kits_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert seed_file("") == KIT_SEED_TASKS
    assert seed_file("mine.jsonl") == tmp_path / "mine.jsonl"


def test_the_record_names_the_kits_file_without_its_place_and_a_users_file_is_watched(tmp_path: Path) -> None:
    run_dir, mine = tmp_path / "run", tmp_path / "mine.jsonl"
    mine.write_text(line_of())
    stage = begin_stage("01_seed_tasks", str(run_dir), seed=17)
    record = stage.finish(inputs=[seed_file(""), mine])
    assert set(record.inputs) == {"<kit>/alpaca_nb/seed_tasks/seed_tasks.jsonl", "../mine.jsonl"}
    assert why_not_current(record, run_dir, {"seed": 17}) == ""
    mine.write_text(line_of(id="b"))
    assert why_not_current(record, run_dir, {"seed": 17}) == "input ../mine.jsonl has changed"


def example_tasks() -> list[SeedTask]:
    return [
        SeedTask("a", "a", "Sort these numbers, please.", (Instance("3, 1, 2", "1, 2, 3"),), False),
        SeedTask("b", "b", "Sort <b>&</b> explain", (Instance(" ", "It costs $20."),), True),
        SeedTask("c", "c", "Why, though, is it really so?", (Instance("", "Nobody knows."), Instance("x", "y")), False),
    ]


def test_statistics_of_a_small_set_by_hand() -> None:
    assert statistics(example_tasks()) == {
        "tasks": 3,
        "with_input": 1,
        "classification": 1,
        "mean_instruction_words": 4.33,
        "distinct_first_words": 2,
    }
    assert first_words(example_tasks()) == {"sort": 2, "why": 1}
    assert soft_warnings(example_tasks()) == [
        SeedWarning("b", "too_short"),
        SeedWarning("b", "holds_stop_string", "20."),
    ]


def test_one_task_of_each_kind_is_drawn_by_the_seed(kit: list[SeedTask]) -> None:
    drawn = one_of_each_kind(kit, 17)
    assert [(bool(t.instances[0].input), t.is_classification) for t in drawn[:2]] == [(False, False), (True, False)]
    assert drawn[2].is_classification and drawn == one_of_each_kind(kit, 17) != one_of_each_kind(kit, 18)
    assert one_of_each_kind(example_tasks()[1:2], 17) == example_tasks()[1:2]


def test_alt_text_holds_the_figures_numbers() -> None:
    figure, bars = first_word_bars(example_tasks(), shown=1)
    assert "led by sort 2; 3 seed tasks begin with 2 different words" in bars
    assert [bar.get_width() for bar in figure.axes[0].patches] == [2]
