"""The quality report: each defect on rows made by hand, the known ones of real data, safe mends, verbs and objects."""

import dataclasses
import functools
import importlib.util
import itertools
import json
import math
import random
import re
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpaca_nb import cli, instruction_rules
from alpaca_nb.errors import InputFileError
from alpaca_nb.quality import row_defects, set_defects
from alpaca_nb.quality.arithmetic import agrees, wrong_arithmetic, wrong_equation
from alpaca_nb.quality.evaluate import NotArithmeticError, evaluate
from alpaca_nb.quality.figures import lengths, sunburst
from alpaca_nb.quality.fix import fix_rows, write_fixed
from alpaca_nb.quality.reading import read_any
from alpaca_nb.quality.report import DEFECTS, IN_THE_ORIGINAL, IN_THE_ORIGINAL_SAMPLE, Report, inspect_rows
from alpaca_nb.quality.verb_rules import singular, verb_and_object
from alpaca_nb.quality.verbs import RULES, VerbCounts, count_verbs, load_parser
from alpaca_nb.records import Example
from alpaca_nb.similarity.rouge_l import rouge_l
from alpaca_nb.similarity.similar import Similar

GOOD = Example("Name three primary colours.", "", "Red, yellow and blue.")


def row(output: str = "Fine.", input: str = "", instruction: str = "Do the following task.") -> Example:
    return Example(instruction, input, output)


def defects_of(*rows: Example, evaluation: Sequence[Example] = ()) -> set[str]:
    return {finding.defect for finding in inspect_rows(rows, evaluation=evaluation).findings}


BAD_ROWS = {
    "empty_output": [row(""), row(" \n\t")],
    "no_answer": [row("N/A"), row("<nooutput>"), row("<No output. The task needs a poster.>"), row("Not applicable.")],
    "marker_left": [
        *(
            row(input=text)
            for text in ("<noinput>", "No input", "Noinput.", "N/A", "\\<noinput\\>", "No input required.")
        ),
        row("<noinput>\n\nThe answer is four."),
    ],
    "merged_tasks": [
        row("A rose is a flower.\n11. Instruction: Define a computer.\n11. Input:\n<noinput>"),
        row("One.\n###\n8. Instruction: Two."),
        row("One.\nInstruction: Write a poem about rain."),
        row(input="Some text.\n5. Output: four"),
    ],
    "cut_ending": [
        row("These are the prices as of 20"),
        row("The next full moon will be on October 31, 20"),
        row("Dear Joe,\n\nThank you for your purchase!\n\nInvoiced amount: $"),
        row("The trend of the years 1990-20"),
        row("The value of the whole expression is"),
        row("Category 1: creams\nCategory 2: soaps\nCategory 3:"),
        row("```python\nprint(1)"),
    ],
    "url_in_input": [row(input="See https://example.com/a.html for it.")],
    "hallucinated_url": [
        row("It praises exercise.", "https://example.com/exercise", "Summarize the article."),
        row("It is about stocks.", "https://example.com/b", "Given a URL, write a summary of its content."),
    ],
    "copied_input": [row("He spoke  loudly.", "He spoke loudly."), row("Do the following task.")],
    "placeholder_in_input": [
        row(input="[Image of a boat]"),
        row(input="<excel file>"),
        row(input="[PICTURE]"),
        row(input="I am a [noun]."),
        row(input="a river <mask> away"),
    ],
    "placeholder_in_output": [row("Dear [Your Name],\nwelcome to [Company Name]."), row("Hello <first name>!")],
    "as_an_ai": [row("As an AI language model, I have no body."), row("I'm an AI, so I do not eat.")],
    "wrong_arithmetic": [
        row("That makes 2 + 2 = 5."),
        row("6", "", "Compute the value of the following equation: 4+4/4"),
        row("The average is 5.2.", "1, 2, 4, 5, 10", "Find the average of a list of numbers."),
        row("10", "5, 15, 10, 7", "Given a list of numbers, return the median value."),
        row("68669 divided by 7 is 9824 with a remainder of 5.", "68669/7", "Divide the following numbers."),
    ],
    "control_characters": [row("a\x0bb"), row("zero\u200bwidth"), row("lost \ufffd byte")],
}
GOOD_ROWS = {
    "no_answer": [row("None", "2, 4, 6", "Which of these numbers are odd?"), row("Narnia")],
    "marker_left": [row(input="banana"), row(input="There is no input validation in this form.")],
    "merged_tasks": [
        row("## A heading\n\nText under it.\n\n### Another one\n\nMore."),
        row("print('x')\n\n# Output:\n# x"),
        row("Input 1: a title\nInput 2: another", "Instruction: name a paper", "Suggest inputs for the instruction"),
    ],
    "cut_ending": [
        row("20"),
        row("Team 3: 50, Team 4: 20"),
        row("The price is $1382.20"),
        row("It happened in 2020."),
        row("chess I like play to", "", "Shuffle the words."),
        row("Dear Professor Jones,"),
        row("* Quantity:\n* Price:\n* Payment method:"),
        row("for num in range(1, 10):"),
        row(r"^[0-9].*\s$"),
        row("to"),
    ],
    "hallucinated_url": [
        row("example.com", "https://example.com/a", "Extract the domain from the URL."),
        row("I cannot open web pages.", "https://example.com/a", "Summarize the article."),
        row("It says: dogs bark.", f"https://example.com/a {'dogs bark ' * 8}", "Summarize the article."),
    ],
    "copied_input": [row("He spoke softly.", "He spoke loudly.")],
    "placeholder_in_input": [
        row(input="[1, 2, 3]"),
        row(input='["apple", "pear"]'),
        row(input="<title>A</title><br>"),
        row(input="[apple, pear]"),
        row(input="[A-Z]+"),
        row(input="<no input>"),
        row(input="![alt](a.png)"),
    ],
    "placeholder_in_output": [
        row("numbers[i] = names[i - 1]"),
        row("[x * 2 for x in data]"),
        row("See [the page](a.html)."),
        row("<table><tr><td>1</td></tr></table>"),
    ],
    "as_an_ai": [row("Fields such as AI and robotics grow."), row("He has an air of calm."), row("Use it as an aid.")],
    "wrong_arithmetic": [
        row("On average (100 + 50 + 200) / 3 = 116.67 people."),
        row("The chance is (1/6) x (1/6) = 1/36."),
        row("3x - 1 = 5 has one solution; y = 2x + 3 = 7."),
        row("26.", "(5 + 5) × 2 + 6", "Display the result of the following math problem."),
        row("0.75", "", "Convert 3/4 into a decimal."),
        row("The number is 555-1050.", "Call 555-1050 today.", "Find the telephone number in the text."),
        row("2021", "", "What is the year in 12/05/2021?"),
        row("9", "", "Pick a number in the range 1-10."),
        row("if total == 2 + 2 == 5: pass"),
        row("The value is", "4(2+3)", "Calculate the value."),
        row("It grew 25%: 0.5 x 0.5 = 25%."),
        row("1,500 x 1.04 = 1,560"),
        row("70 divided by 8 is 8 with a remainder of 6.", "70/8", "Divide the numbers."),
    ],
    "control_characters": [row("tab\tand\nline, an emoji 👩‍👧 and Zürich")],
}


@pytest.mark.parametrize(("name", "bad"), [(name, bad) for name, rows in BAD_ROWS.items() for bad in rows])
def test_a_bad_row_is_found(name: str, bad: Example) -> None:
    assert name in defects_of(bad), bad


@pytest.mark.parametrize(("name", "good"), [(name, good) for name, rows in GOOD_ROWS.items() for good in rows])
def test_a_good_row_is_left_in_peace(name: str, good: Example) -> None:
    assert name not in defects_of(good), getattr(row_defects, name)(good)


def test_a_plain_row_has_no_defect_and_every_class_has_a_name_and_a_test() -> None:
    assert inspect_rows([GOOD]).findings == ()
    checks = {check.__name__ for check in row_defects.ROW_DEFECTS}
    assert checks == set(BAD_ROWS)
    others = {check.__name__ for check in (*set_defects.SET_DEFECTS, *set_defects.EVAL_DEFECTS)}
    assert checks | others == set(DEFECTS)


# --- sums


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(7-4)× 2", 6),
        ("4(2+3)", 20),
        ("10 − 4 x 2", 2),
        ("2^3^2", 512),
        ("2**3", 8),
        ("$150 + ($150 x 7%)", Fraction(321, 2)),
        ("1,000 + 2", 1002),
        ("1,500 x 1.04", 1560),
        (r"(7+1)\times5", 40),
        ("007 + 1", 8),
        ("-3 + 0.1 + 0.2", Fraction(-27, 10)),
    ],
)
def test_evaluate(text: str, value: int | Fraction) -> None:
    assert evaluate(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').getcwd()",
        "a + 1",
        "1/0",
        "9**9**9",
        "2^99999",
        "10 % 3",
        "1 +",
        "",
        "(" * 300,
        "1 if 2 else 3",
        "0^-1",
    ],
)
def test_evaluate_refuses(text: str) -> None:
    with pytest.raises(NotArithmeticError):
        evaluate(text)


@given(st.text(max_size=60) | st.text("0123456789+-*/().,x^% $=×÷", max_size=60))
def test_no_text_breaks_the_sums(text: str) -> None:
    wrong_arithmetic(Example(f"Calculate {text}", text, text))
    wrong_equation(f"{text} = {text}")


@given(st.integers(-999, 999), st.integers(1, 999), st.sampled_from("+-*"), st.integers(-3, 3))
def test_a_sum_is_accused_exactly_when_it_is_wrong(a: int, b: int, sign: str, error: int) -> None:
    right = {"+": a + b, "-": a - b, "*": a * b}[sign]
    assert (wrong_equation(f"Here {a} {sign} {b} = {right + error} is.") is not None) == (error != 0)


def test_a_value_too_large_for_a_float_is_shown() -> None:
    found = wrong_equation("(9^64)^6 / 7 = 5")
    assert found is not None and found.endswith(f"(is {9**384 // 7})")


@pytest.mark.parametrize("gap", [",", ", ", "  ", ";", " and "])
def test_a_long_list_of_numbers_is_read_at_once(gap: str) -> None:
    """Where a gap can be matched in two ways, sixty numbers before a word would take longer than anybody lives."""
    numbers = gap.join(str(100 + number) for number in range(60))
    assert wrong_arithmetic(Example("Say it in one sentence.", f"{numbers} dollars", "They rise.")) is None


def test_numbers_of_a_list_are_judged_only_where_they_can_be_read_in_one_way() -> None:
    mean = "Find the mean of the numbers."
    assert wrong_arithmetic(Example(mean, "100, 200, 300", "210")) == "mean of 100, 200, 300 = 200, not 210"
    for numbers, answer in (("100,200,300", "200"), ("$1,000, $2,000", "$1,500"), (f"{'7' * 201}, 5", "6")):
        assert wrong_arithmetic(Example(mean, numbers, answer)) is None


def test_rounded_and_cut_results_agree_and_others_do_not() -> None:
    third = Fraction(2, 3)
    assert all(agrees(third, text) for text in ("0.67", "0.66", "0.667", "66.7%", "2/3", "1"))
    assert not any(agrees(third, text) for text in ("0.68", "0.65", "0", "6.67"))


# --- hostile texts

HOSTILE = (
    *(
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
    ),
    *(
        "#",
        "###\n",
        "4.\n",
        "- ",
        "[name ",
        "<name ",
        "</a",
        "as an ",
        "AI ",
        "January ",
        ". A a is ",
        "```",
        "of the set ",
    ),
)


def work(function: Callable[[str], object], text: str) -> float:
    """Seconds of the processor, the least of three: other processes do not count."""
    spent = []
    for _ in range(3):
        start = time.thread_time()
        function(text)
        spent.append(time.thread_time() - start)
    return min(spent)


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("field", ["instruction", "input", "output"])
def test_the_work_on_a_row_grows_with_its_length_and_not_with_its_square(field: str, unit: str) -> None:
    def look_for_defects(text: str) -> None:
        bad = dataclasses.replace(Example("Calculate the mean of", "1, 2, 4", "3"), **{field: text})
        for check in row_defects.ROW_DEFECTS:
            check(bad)
        verb_and_object(bad.instruction)

    for begin, end in (("", ""), ("Find the mean of the numbers 1 + 1", " x = 3!")):
        once, four_times = (work(look_for_defects, begin + unit * (size // len(unit)) + end) for size in (6000, 24000))
        assert four_times < 8 * once + 0.3, "a square would be sixteen times the work"


@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=5), max_size=30).map("".join))
def test_no_text_breaks_the_search_for_defects(text: str) -> None:
    inspect_rows([Example(f"x{text}", text, text), Example(text + "y", "", text[::-1])])


# --- between rows


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


@given(
    st.lists(st.lists(st.sampled_from("abcdefg"), max_size=9).map(" ".join), max_size=12), st.sampled_from([0.3, 0.7])
)
def test_pruning_loses_no_similar_pair(texts: list[str], threshold: float) -> None:
    similar = Similar(texts, threshold)
    for index, text in enumerate(texts):
        expected = [(other, rouge_l(text, texts[other])) for other in range(index)]
        assert list(similar.above(text, before=index)) == [pair for pair in expected if pair[1] > threshold]


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_near_duplicates_found_are_those_of_comparing_all_pairs(threshold: float) -> None:
    chance = random.Random(f"near duplicates {threshold}")
    words = [f"w{int(chance.paretovariate(0.7))}" for _ in range(3000)]  # few frequent words, many rare ones
    texts = [" ".join(chance.choices(words, k=chance.randint(0, 30))) for _ in range(150)]
    for _ in range(150):
        changed = chance.choice(texts).split()
        for _ in range(chance.randint(0, 4)):
            place = chance.randint(0, len(changed))
            changed[place : place + chance.randint(0, 1)] = chance.choices(words, k=chance.randint(0, 1))
        texts.append(" ".join(changed))
    similar = Similar(texts, threshold)
    found = 0
    for index, text in enumerate(texts):
        scores = [rouge_l(text, other) for other in texts]
        expected = [(other, score) for other, score in enumerate(scores) if score > threshold]
        assert list(similar.above(text)) == expected
        assert list(similar.above(text, before=index)) == [pair for pair in expected if pair[0] < index]
        found += len(expected)
    assert found > len(texts) + 50, "pairs of different texts should be among them"


def test_a_score_that_floats_lift_above_the_threshold_is_found() -> None:
    a, b = "a b c d e f g h i", "a b c d e f g w x y z"  # exactly 0.7, if it were not for the floats
    assert rouge_l(a, b) > set_defects.SIMILAR
    assert list(Similar([b]).above(a)) == [(0, rouge_l(a, b))]


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


# --- the report


def test_lengths_shares_and_first_words() -> None:
    rows = [GOOD, row("one two three", "a b"), Example("Name it.", "", "")]
    report = inspect_rows(rows, count_tokens=len)
    assert (report.rows, report.with_input, report.distinct_first_words) == (3, 1, 2)
    assert report.first_words == {"name": 2, "do": 1} == report.verbs
    words = next(each for each in report.lengths if (each.field, each.unit) == ("output", "words"))
    assert (words.mean, words.median, words.longest, words.counts) == (3.5, 3.5, 4, {4: 2})
    assert {each.unit for each in report.lengths} == {"words", "tokens"}
    assert report.sample("empty_output") == "2: empty"
    assert report.metrics() == {"empty_output": 1}


def test_figures_say_their_numbers() -> None:
    report = inspect_rows([GOOD, row("one two three", "a b")])
    figure, alt = lengths([("mine", report.lengths), ("yours", report.lengths)])
    assert len(figure.axes) == 3
    assert "outputs of mine: median 3.5, longest 4" in alt
    asked = ["What is the capital of Peru?", "Which two cities are meant?", "Why is it far?"]
    told = ["Write a poem.", "Write a short poem about rain.", "Name two cities.", "Explain why."]
    counted = count_verbs(told + asked)
    figure, alt = sunburst(counted, "title")
    assert RULES in alt and RULES in figure.axes[0].get_title()
    assert "3 of 7 instructions (43%)" in alt and "write 2 (poem 2)" in alt and "2 different pairs" in alt
    assert "3 questions are left out" in alt and "3 questions left out" in figure.axes[0].get_title()
    assert "what" not in {label.get_text() for label in figure.axes[0].texts}
    assert "left out" not in sunburst(count_verbs(told), "title")[1]
    sunburst(VerbCounts({}, 0, "nothing"), "an empty set is no crash")


# --- mending


def test_safe_mends_are_made_and_logged_and_nothing_else_is_touched() -> None:
    rows = [
        GOOD,
        row(input="<noinput>"),
        row(""),
        row("N/A"),
        row("a\u200bb\x0bc"),
        GOOD,
        row("That makes 2 + 2 = 5."),
        row("<noinput>\nFour."),
        dataclasses.replace(GOOD, output="Cyan, magenta, yellow."),
    ]
    kept, changes = fix_rows(rows)
    assert [index for index, _ in kept] == [0, 1, 4, 6, 7, 8]
    assert [new.output for _, new in kept[2:5]] == ["ab\nc", "That makes 2 + 2 = 5.", "Four."]
    assert kept[1][1].input == ""
    assert [(c.row, c.what, c.field, c.after) for c in changes] == [
        (1, "marker_left", "input", ""),
        (2, "empty_output", None, None),
        (3, "no_answer", None, None),
        (4, "control_characters", "output", "ab\nc"),
        (5, "exact_duplicate as row 0", None, None),
        (7, "marker_left", "output", "Four."),
    ]
    assert changes[1].before == dataclasses.asdict(rows[2])


def test_fix_drops_a_repeated_row_only_where_every_sign_is_the_same() -> None:
    rows = [
        Example("What is 2 + 2?", "", "4"),
        Example("What is 2 * 2?", "", "4"),
        Example("Give the absolute value.", "5", "5"),
        Example("Give the absolute value.", "-5", "5"),
        Example("Which language?", "C", "C"),
        Example("Which language?", "C++", "C++"),
        Example("What is  2 + 2?", "", "4\n"),
    ]
    kept, changes = fix_rows(rows)
    assert [index for index, _ in kept] == [0, 1, 2, 3, 4, 5]
    assert [(c.row, c.what) for c in changes] == [(6, "exact_duplicate as row 0")]


def inspect_file(*arguments: object) -> int:
    return cli.main(["inspect", *map(str, arguments)])


def test_fix_writes_a_new_file_with_other_keys_kept_and_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out, log = tmp_path / "data.json", tmp_path / "mended.json", tmp_path / "mended.changes.jsonl"
    bad = {"instruction": "Do it.", "input": "noinput", "output": "Done.", "id": 7}
    source.write_text(json.dumps([bad, {"instruction": "Do it again.", "output": ""}]), encoding="utf-8")
    before = source.read_bytes()
    assert inspect_file(source, "--fix", out) == 0
    assert json.loads(out.read_text(encoding="utf-8")) == [{**bad, "input": ""}]
    changes = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [(change["row"], change["what"]) for change in changes] == [(0, "marker_left"), (1, "empty_output")]
    assert source.read_bytes() == before
    assert "1 mended: marker_left; 1 dropped: empty_output" in capsys.readouterr().out

    kept = out.read_bytes()
    assert inspect_file(source, "--fix", out) == 2
    assert "overwrites nothing" in capsys.readouterr().err
    assert inspect_file(source, "--fix", source) == 2
    assert "overwrites nothing" in capsys.readouterr().err
    out.unlink()
    assert inspect_file(source, "--fix", out) == 2, "the log of the first mend is still there"
    assert not out.exists()
    out.write_bytes(kept)
    assert source.read_bytes() == before


def test_fix_writes_lines_where_lines_are_asked_for_and_leaves_no_half_file(tmp_path: Path) -> None:
    out = tmp_path / "mended.jsonl"
    write_fixed([(GOOD, {}), (row("ok"), {})], out)
    assert [Example(**json.loads(line)) for line in out.read_text(encoding="utf-8").splitlines()] == [GOOD, row("ok")]
    folder = tmp_path / "is_a_folder.json"
    folder.mkdir()
    with pytest.raises(InputFileError, match="exists already"):
        write_fixed([(GOOD, {})], folder)
    assert not (tmp_path / "is_a_folder.changes.jsonl").exists()


# --- files and the command


def test_tasks_with_instances_are_read_and_faults_named_by_line(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    task = {"instruction": "Say yes.", "instances": [{"input": "", "output": "Yes."}, {"input": "b", "output": "Yes!"}]}
    file.write_text(json.dumps(task) + "\n", encoding="utf-8")
    assert read_any(file) == [Example("Say yes.", "", "Yes."), Example("Say yes.", "b", "Yes!")]
    file.write_text(
        json.dumps(task) + "\n" + json.dumps({"instruction": "x", "instances": []}) + "\n", encoding="utf-8"
    )
    with pytest.raises(InputFileError, match="line 2"):
        read_any(file)


def test_the_command_prints_a_table_and_writes_every_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, report = tmp_path / "data.jsonl", tmp_path / "report.json"
    rows = [GOOD, row("2 + 2 = 5"), row(""), row("3 + 3 = 7", instruction="Do another task.")]
    source.write_text("".join(json.dumps(dataclasses.asdict(each)) + "\n" for each in rows), encoding="utf-8")
    assert inspect_file(source, "--json", report, "--eval-file", source) == 0
    printed = capsys.readouterr().out
    assert "data.jsonl: 4 rows, 0 with input (0.0%)" in printed
    assert "wrong_arithmetic             2   50.00%" in printed
    assert printed.splitlines()[-3].startswith("first verbs, by a light rule of thumb, no parser: do ")
    assert "1: 2 + 2 = 5 (is 4)" in printed and "3 + 3" not in printed
    assert "eval_same_task               4  100.00%" in printed
    written = json.loads(report.read_text(encoding="utf-8"))
    assert [f["row"] for f in written["findings"] if f["defect"] == "wrong_arithmetic"] == [1, 3]
    first = report.read_bytes()
    for taken in (source, report):
        assert inspect_file(source, "--json", taken) == 2
        assert f"{taken} exists already and --json overwrites nothing" in capsys.readouterr().err
    assert report.read_bytes() == first
    out = tmp_path / "mended.json"
    for written in (out, tmp_path / "mended.changes.jsonl"):
        assert inspect_file(source, "--fix", out, "--json", written) == 2 and not written.exists()
    with pytest.raises(SystemExit):
        inspect_file(source, "--samples", -1)
    assert "must be 0 or a positive whole number" in capsys.readouterr().err
    assert inspect_file(tmp_path / "none.json") == 2
    assert "does not exist" in capsys.readouterr().err


# --- verbs and objects


@pytest.mark.parametrize(
    ("instruction", "pair"),
    [
        ("Write a short story about a cat.", ("write", "story")),
        ("Given a list of numbers, find the largest one.", ("find", "one")),
        ("Re-write the sentence using the passive voice.", ("rewrite", "sentence")),
        ("Come up with a list of ten ideas", ("come", "list")),
        ("Compare and contrast the benefits of tea and coffee.", ("compare", "benefit")),
        ("Name three challenges faced by nurses.", ("name", "challenge")),
        ("Explain how photosynthesis works.", ("explain", "")),
        ("Can you please briefly describe the process of melting?", ("describe", "process")),
        ("Can fish drown?", ("can", "")),
        ("What is the capital of France?", ("what", "capital")),
        ("Which two countries border Spain?", ("which", "country")),
        ("I have an exam next week. Translate the phrase into German.", ("translate", "phrase")),
        ("Generate 3 to 5 questions.", ("generate", "question")),
        ("Comfort a friend before her exam.", ("comfort", "friend")),
        ("Photosynthesis", None),
        ("", None),
    ],
)
def test_verb_and_object_by_rules(instruction: str, pair: tuple[str, str] | None) -> None:
    assert verb_and_object(instruction) == pair


@given(st.text(max_size=80))
def test_rules_take_any_text(text: str) -> None:
    verb_and_object(text)


def test_singular() -> None:
    assert [singular(word) for word in ("stories", "boxes", "houses", "analysis", "class", "gas", "movies")] == [
        *("story", "box", "house", "analysis", "class", "ga", "movie"),
    ]


def test_top_is_ordered_by_count_then_name() -> None:
    counted = VerbCounts({("b", "x"): 2, ("a", "y"): 1, ("a", "x"): 1, ("c", ""): 9, ("d", "z"): 1}, 14, "by hand")
    assert counted.top(2, 1) == [("a", 2, [("x", 1)]), ("b", 2, [("x", 2)])]
    assert (counted.with_object, counted.distinct) == (5, 4)


@pytest.mark.skipif(importlib.util.find_spec("spacy") is None, reason="spaCy is not installed (extra `parser`)")
def test_a_parser_finds_verbs_and_objects_and_the_rules_mostly_agree(upstream_data: Path) -> None:
    parser = load_parser()
    if parser is None:
        pytest.skip("no English model for spaCy is installed; alpaca_nb/quality/verbs.py names one")
    sentences = ["Write a short story about a cat.", "Given a list of numbers, find the largest one."]
    counted = count_verbs(sentences, parser)
    assert counted.pairs == {("write", "story"): 1, ("find", "one"): 1}
    assert counted.method.startswith("spaCy's parser, en_core_web")
    instructions = [each.instruction for each in read_any(upstream_data / "alpaca_sample_4600.json")[:600]]
    parsed, guessed = count_verbs(instructions, parser), count_verbs(instructions)
    shared = sum(min(count, guessed.pairs.get(pair, 0)) for pair, count in parsed.pairs.items() if pair[1])
    assert shared / parsed.with_object > 0.8


# --- real data


@functools.cache
def original(folder: Path) -> tuple[list[Example], Report]:
    rows = read_any(folder / "alpaca_sample_4600.json")
    return rows, inspect_rows(rows, evaluation=read_any(folder / "user_oriented_instructions.jsonl"))


# Rows in 9,229 of the original, counted by searches written before this module existed. The 4,600 rows here are about
# half of them, drawn at random; so a count among them has a hypergeometric distribution, and 99 % of it are allowed.
COUNTED_BEFORE, COUNTED_IN = (
    {
        "empty_output": 4,
        "marker_left": 102,
        "no_answer": 14,
        "merged_tasks": 10,
        "url_in_input": 44,
        "placeholder_in_input": 68,
        "as_an_ai": 9,
        "eval_similar": 3,
        "eval_same_task": 0,
    },
    9229,
)


def allowed(counted: int, drawn: int) -> range:
    """The central 99 % for how many of `counted` rows are among `drawn` of the 9,229."""
    chances = [
        Fraction(math.comb(drawn, k) * math.comb(COUNTED_IN - drawn, counted - k), math.comb(COUNTED_IN, counted))
        for k in range(counted + 1)
    ]
    below = list(itertools.accumulate(chances))
    inside = [
        k for k in range(counted + 1) if below[k] > Fraction(1, 200) and below[k] - chances[k] < 1 - Fraction(1, 200)
    ]
    return range(inside[0], inside[-1] + 1)


def counted_the_same_way(rows: list[Example], report: Report, defect: str) -> int:
    """How many rows the earlier search finds here: our findings, but for three classes that are drawn otherwise."""
    found = {finding.row for finding in report.of(defect)}
    if defect == "marker_left":  # "N/A" and "none" are counted here, and were not
        found = {index for index in found if re.search("no ?input", rows[index].input, re.IGNORECASE)}
    if defect == "placeholder_in_input":  # a marker in brackets was one
        found |= {index for index, each in enumerate(rows) if re.search(r"<\s*n[^<>]*>", each.input, re.IGNORECASE)}
    if defect == "as_an_ai":  # these letters in a row, whatever they begin or end
        found = {index for index, each in enumerate(rows) if "as an ai" in each.output.lower()}
    return len(found)


COUNTED_HERE = {
    "empty_output": (4, range(5)),
    "marker_left": (59, range(38, 65)),
    "no_answer": (9, range(2, 13)),
    "merged_tasks": (4, range(1, 10)),
    "url_in_input": (21, range(14, 31)),
    "placeholder_in_input": (35, range(23, 45)),
    "as_an_ai": (1, range(1, 9)),
    "eval_similar": (1, range(4)),
    "eval_same_task": (0, range(1)),
}


@pytest.mark.parametrize("defect", COUNTED_BEFORE)
def test_rates_in_the_original_are_those_counted_before(defect: str, upstream_data: Path) -> None:
    rows, report = original(upstream_data)
    found = counted_the_same_way(rows, report, defect)
    assert (found, allowed(COUNTED_BEFORE[defect], len(rows))) == COUNTED_HERE[defect]
    assert found in COUNTED_HERE[defect][1]


def test_nobody_speaks_as_an_ai_in_this_part_of_the_original(upstream_data: Path) -> None:
    """Of the 9 rows counted about 4.5 were to be expected; the one with these letters says "has an air of"."""
    rows, report = original(upstream_data)
    spoken = [each.output for each in rows if "as an ai" in each.output.lower()]
    assert len(spoken) == 1 and "has an air of consequence" in spoken[0]
    assert not any(re.search(r"\bas an? (?:ai|language|artificial)\b", each.output, re.IGNORECASE) for each in rows)
    assert report.count("as_an_ai") == 0


def test_known_truncations_and_wrong_sums_of_the_original_are_named(upstream_data: Path) -> None:
    rows, report = original(upstream_data)
    cut = {finding.row: finding.detail for finding in report.of("cut_ending")}
    known = ("as of 20", "October 31, 20", "Invoiced amount: $", "at the Royal Lodge in 20")
    ends = {end: [index for index, each in enumerate(rows) if each.output.rstrip().endswith(end)] for end in known}
    assert ends == {known[0]: [], known[1]: [469], known[2]: [2275], known[3]: []}, "two of the four are in this part"
    assert {469, 2275} <= set(cut) and len(cut) <= 10
    assert cut[70].endswith("October 20, 20") and cut[3380].endswith("1990-20") and cut[660].endswith("is $")
    for end in known:  # the other two are named where they occur
        assert "cut_ending" in defects_of(row(f"The prices are those {end}")), end
    wrong = [finding.detail for finding in report.of("wrong_arithmetic")]
    assert "median of 5, 15, 10, 7 = 8.5, not 10" in wrong
    assert "$150 + ($150 x 7%) = $159.50 (is 160.5)" in wrong


def test_the_table_of_the_original_is_what_is_found_there(upstream_data: Path) -> None:
    rows, report = original(upstream_data)
    assert len(rows) == IN_THE_ORIGINAL_SAMPLE
    assert {name: report.count(name) for name in IN_THE_ORIGINAL} == IN_THE_ORIGINAL


def test_contamination_of_the_original(upstream_data: Path) -> None:
    _, report = original(upstream_data)
    assert report.count("eval_same_task") == 0
    near = report.of("eval_similar")
    assert [(finding.row, finding.detail) for finding in near] == [(4222, "evaluation task 198, ROUGE-L 0.74")]


def test_shares_lengths_and_first_words_of_the_original(upstream_data: Path) -> None:
    rows, report = original(upstream_data)
    assert report.with_input / report.rows == pytest.approx(0.3972, abs=0.01)
    means = {each.field: each.mean for each in report.lengths}
    assert means["instruction"] == pytest.approx(10.05, abs=0.2)
    assert means["input"] == pytest.approx(9.7, abs=0.5)
    assert means["output"] == pytest.approx(44.7, abs=1.5)
    shares = {"generate": 0.092, "create": 0.074, "describe": 0.056, "write": 0.051, "name": 0.041, "what": 0.041}
    assert {word: report.first_words[word] / report.rows for word in shares} == pytest.approx(shares, abs=0.01)
    medians = {each.field: (each.median, each.p95) for each in report.lengths}
    assert medians == {"instruction": (9, 16), "input": (6, 30), "output": (32, 122)}  # counted before: 31 for 32
    assert sum(each.instruction.strip().endswith("?") for each in rows) / report.rows == pytest.approx(0.077, abs=0.01)
    assert len({each.instruction for each in rows}) == report.rows, "all instructions differ"
    assert all(
        instruction_rules.reject_reason(each.instruction, rules) is None
        for rules in (["too_short", "filtered_word", "starts_with_write_a_program"],)
        for each in rows
    )
    assert not any("20." in text for each in rows for text in (each.output, each.input)), "the stop text is in none"
    assert list(report.first_words)[:4] == ["generate", "create", "describe", "write"]


def test_mending_the_original_keeps_all_but_the_empty_rows(upstream_data: Path) -> None:
    rows, report = original(upstream_data)
    kept, changes = fix_rows(rows)
    assert len(rows) - len(kept) == report.count("empty_output") + report.count("no_answer")
    touched = {change.row for change in changes}
    assert {index: new for index, new in kept if index not in touched} == {
        index: each for index, each in enumerate(rows) if index not in touched
    }
    again = inspect_rows([each for _, each in kept])
    assert not any(again.count(name) for name in ("empty_output", "no_answer", "marker_left", "control_characters"))


def test_the_kits_own_seeds_have_no_known_defect(upstream_data: Path) -> None:
    from alpaca_nb.seed_tasks.stage import KIT_SEED_TASKS

    evaluation = read_any(upstream_data / "user_oriented_instructions.jsonl")
    assert inspect_rows(read_any(KIT_SEED_TASKS), evaluation=evaluation).findings == ()
