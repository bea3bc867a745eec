"""Sums in rows: evaluated exactly and safely, and accused exactly when they are wrong."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpaca_nb.quality.arithmetic import agrees, wrong_arithmetic, wrong_equation
from alpaca_nb.quality.evaluate import NotArithmeticError, evaluate
from alpaca_nb.records import Example


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
