"""The machinery of the exercises: what counts as an answer, how it is compared, what an emptied cell keeps."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from alpaca_nb.exercises import Exercises
from alpaca_nb.exercises.answers import (
    NotAnAnswer,
    as_function,
    as_items,
    as_number,
    compare_function,
    compare_number,
    is_open,
    same,
)
from alpaca_nb.exercises.checking import ROOMS, check_of
from alpaca_nb.exercises.student import emptied
from alpaca_nb.runs import Stage


@pytest.fixture
def exercises(tmp_path: Path) -> Exercises:
    """Those of a run folder in which there is nothing."""
    return Exercises(Stage("01_seed_tasks", tmp_path, {}))


def placeholder(a: int, b: str = "x") -> float: ...  # type: ignore[empty-body]


@pytest.mark.parametrize("answer", [None, ..., placeholder])
def test_the_placeholder_costs_nothing_and_reads_nothing(
    answer: object, exercises: Exercises, capsys: pytest.CaptureFixture[str]
) -> None:
    exercises.check("01.3", answer)
    assert capsys.readouterr().out == "Exercise 01.3: not answered yet\n"


@pytest.mark.parametrize("answer", [0, "", [], False, lambda a: a, lambda: 1, lambda: "x", print])
def test_everything_else_is_an_answer(answer: object) -> None:
    assert not is_open(answer)


def test_checks_are_loaded_only_when_something_is_answered() -> None:
    """The room is light: importing it loads no stage, no torch and no transformers."""
    code = "import sys, alpaca_nb.exercises; print([name for name in sys.modules if name in ('torch', 'transformers')])"
    code += "; print([name for name in sys.modules if name.startswith('alpaca_nb.')])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy, own = answer.splitlines()
    assert heavy == "[]"
    loaded = {name.split(".")[1] for name in own.strip("[]").replace("'", "").split(", ")}
    assert not loaded & {*ROOMS.values(), "similarity", "quality", "teacher", "models"}
    assert "alpaca_nb.exercises.checking" in own
    assert not any(f"alpaca_nb.exercises.{room}" in own for room in ROOMS.values())


def test_no_stage_uses_this_room() -> None:
    package = Path(sys.modules["alpaca_nb"].__path__[0])
    users = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "alpaca_nb.exercises" in path.read_text(encoding="utf-8") and path.parent.name != "exercises"
    ]
    assert users == []


def test_an_unknown_number_names_those_there_are(exercises: Exercises) -> None:
    with pytest.raises(ValueError, match=r"no exercise '01\.9'; notebook 01 has 01\.1, 01\.2"):
        exercises.check("01.9", 1)
    with pytest.raises(ValueError, match="notebook 07 has none"):
        check_of("07.1")


def test_long_explanations_are_broken_into_lines(exercises: Exercises, capsys: pytest.CaptureFixture[str]) -> None:
    exercises.check("01.1", ["passes"] * 5)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    assert lines[0].startswith("Exercise 01.1: not yet. ")
    assert max(map(len, lines)) <= 110


@pytest.mark.parametrize("number", [3, 3.0, np.float64(3), np.int32(3), np.array([3.0]), torch.tensor(3)])
def test_numbers_of_all_kinds(number: object) -> None:
    assert as_number(number) == 3.0


@pytest.mark.parametrize("other", [True, "3", [3], math.nan, math.inf, np.array([3, 4]), torch.tensor([3, 4]), 3j])
def test_what_is_no_number(other: object) -> None:
    with pytest.raises(NotAnAnswer, match="A number is asked for"):
        as_number(other)


def test_numbers_are_held_against_mistakes_in_their_order() -> None:
    def said(answer: object) -> tuple[str, str]:
        found = compare_number(answer, 100, [(50, "half"), (100.2, "never")], praise="yes", otherwise="Count again.")
        return found.status, found.text

    assert said(99.5) == ("right", "yes")
    assert said(50) == ("wrong", "half")
    assert said(120) == ("wrong", "120 is too high. Count again.")
    assert said(-1) == ("wrong", "-1 is too low. Count again.")


def test_functions_are_held_against_mistakes_that_explain_every_case() -> None:
    def said(function: object) -> str:
        cases = [(1.0,), (2.0,), (-3.0,)]
        return compare_function(function, cases, lambda x: x * x, [(lambda x: 2 * x, "doubled")], praise="yes").text

    assert said(lambda x: x**2 + 1e-12) == "yes"
    assert said(lambda x: x + x) == "doubled"
    assert (
        said(lambda x: abs(x))
        == "1 of 3 cases are right. The first that is not: (2.0) should give 4.0, and yours gives 2.0."
    )
    with pytest.raises(NotAnAnswer, match=r"Your function raises ZeroDivisionError \(.+\) for \(1\.0\)\."):
        said(lambda x: x / 0)


def test_a_function_that_changes_its_arguments_changes_them_for_nobody_else() -> None:
    def takes_the_last(numbers: list[int]) -> int:
        return numbers.pop()

    said = compare_function(
        takes_the_last, [([1, 2, 3],)], lambda numbers: numbers[-1], [(len, "length")], praise="yes"
    )
    assert said.text == "yes"


def test_lists_of_all_kinds() -> None:
    assert [as_items(items, 2) for items in ([1, 2], (1, 2), np.array([1, 2]), torch.tensor([1, 2]))] == [[1, 2]] * 4
    for other in ("ab", {1, 2}, np.float64(3), None):
        with pytest.raises(NotAnAnswer, match="A list of 2 items is asked for"):
            as_items(other, 2)


def test_a_readers_exception_becomes_an_explanation_but_ctrl_c_does_not() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        as_function(interrupted)()


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        ([1, 2.0], (1.0, 2), True),
        ([1, 2], [1, 2, 3], False),
        (None, [1], False),
        (True, 1, False),
        (1, True, False),
        ("a", "a", True),
        (0.1 + 0.2, 0.3, True),
        (np.int64(4), 4, True),
        (torch.tensor(0.5), 0.5, True),
        (None, None, True),
    ],
)
def test_same(value: object, wanted: object, expected: bool) -> None:
    assert same(value, wanted) is expected


SOLVED_NUMBER = """# it is 21 because
import math

helper = 3
my_number = helper * 7  # the trick
my_other: int = 5
print(my_number)
exercises.check("09.1", my_number)
print("done")
"""
SOLVED_FUNCTION = '''def help_me(x):
    return x


def my_rate(step: int, *, peak: float = 1.0) -> float:  # rises
    """Rises."""
    return help_me(step) * peak


exercises.check("09.2", my_rate)
my_rate(3)
'''


def test_an_emptied_cell_keeps_names_and_the_check_only() -> None:
    assert emptied(SOLVED_NUMBER) == 'my_number = None\nexercises.check("09.1", my_number)'
    assert emptied('my_a: int = 5\nexercises.check("09.1", my_a)') == 'my_a = None\nexercises.check("09.1", my_a)'
    empty = 'def my_rate(step: int, *, peak: float=1.0) -> float: ...\n\n\nexercises.check("09.2", my_rate)'
    assert emptied(SOLVED_FUNCTION) == empty
    assert emptied(emptied(SOLVED_FUNCTION)) == empty


def test_a_cell_that_is_not_python_is_not_copied() -> None:
    with pytest.raises(SyntaxError):
        emptied("my_number = (1,\nexercises.check('09.1', my_number)")
