"""Answers to exercises: reading what a reader wrote, comparing it, and naming the mistake that was likely made.

A check is a function of (answer, stage) that returns `right(...)` or `wrong(...)`. Common mistakes are worked out on
the same run as the right answer; an answer that equals one of them is told so.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Literal

from alpaca_nb.runs import Stage

Status = Literal["right", "wrong", "open"]
Function = Callable[..., object]


@dataclass(frozen=True)
class Feedback:
    """What a check says to an answer; `open` where there is none yet, or where the run does not allow the question."""

    status: Status
    text: str


Check = Callable[[object, Stage], Feedback]


class NotAnAnswer(Exception):  # noqa: N818  (it is no error of the kit's, only a way out of a check)
    """The answer is of another kind than the exercise asks for; the message says so to the reader."""


def right(text: str) -> Feedback:
    """The answer is right; `text` says what follows from it."""
    return Feedback("right", text)


def wrong(text: str) -> Feedback:
    """The answer is wrong; `text` says which mistake was likely made, not what is right."""
    return Feedback("wrong", text)


def is_open(answer: object) -> bool:
    """Whether the answer is still the placeholder: None, `...`, or a function whose body is nothing but `...`."""
    if answer is None or answer is ...:
        return True
    code = getattr(answer, "__code__", None)
    empty = _placeholder.__code__
    return code is not None and (code.co_code, code.co_consts) == (empty.co_code, empty.co_consts)


def _placeholder() -> None: ...


def as_number(answer: object) -> float:
    """The answer as a number (NumPy's and PyTorch's scalars too). Raises `NotAnAnswer`."""
    one = hasattr(answer, "item") and math.prod(getattr(answer, "shape", ())) == 1
    value = answer.item() if one else answer  # type: ignore[attr-defined]
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise NotAnAnswer(f"A number is asked for, and this is {_described(answer)}.")
    return float(value)


def as_text(answer: object) -> str:
    """The answer as a text that is not empty. Raises `NotAnAnswer`."""
    if not isinstance(answer, str) or not answer.strip():
        raise NotAnAnswer(f"A text is asked for, and this is {_described(answer)}.")
    return answer.strip()


def as_items(answer: object, count: int) -> list[object]:
    """The answer as a list of `count` items; tuples and arrays are taken too. Raises `NotAnAnswer`."""
    answer = answer.tolist() if hasattr(answer, "tolist") else answer
    if not isinstance(answer, list | tuple):
        raise NotAnAnswer(f"A list of {count} items is asked for, and this is {_described(answer)}.")
    if len(answer) != count:
        raise NotAnAnswer(f"{count} items are asked for, and these are {len(answer)}.")
    return list(answer)


def as_function(answer: object) -> Function:
    """The answer as a function that never raises anything but `NotAnAnswer`, which says what it was called with."""
    if not callable(answer):
        raise NotAnAnswer(f"A function is asked for, and this is {_described(answer)}. Hand over its name, uncalled.")

    def careful(*arguments: object) -> object:
        try:
            return answer(*arguments)
        except Exception as error:  # whatever a reader's function may raise is told, never raised into the notebook
            raise NotAnAnswer(
                f"Your function raises {type(error).__name__} ({error}) for {_call(arguments)}."
            ) from None

    return careful


def near(value: float, wanted: float, within: float) -> bool:
    """Whether `value` is `wanted`, but for the share `within` of it."""
    return math.isclose(value, wanted, rel_tol=within, abs_tol=1e-12)


def same(value: object, wanted: object) -> bool:
    """Whether two values are the same: numbers but for rounding, lists and tuples item by item."""
    if isinstance(wanted, list | tuple):
        return isinstance(value, list | tuple) and len(value) == len(wanted) and all(map(same, value, wanted))
    if isinstance(wanted, int | float) and not isinstance(wanted, bool):
        try:
            return math.isclose(as_number(value), wanted, rel_tol=1e-6, abs_tol=1e-9)
        except NotAnAnswer:
            return False
    return type(value) is type(wanted) and value == wanted


def compare_number(
    answer: object,
    wanted: float,
    mistakes: Sequence[tuple[float, str]],
    *,
    praise: str,
    otherwise: str,
    within: float = 0.01,
) -> Feedback:
    """Hold a number against `wanted`, then against the results of common mistakes; else say `otherwise`."""
    value = as_number(answer)
    if near(value, wanted, within):
        return right(praise)
    for result, said in mistakes:
        if near(value, result, within):
            return wrong(said)
    return wrong(f"{value:g} is too {'high' if value > wanted else 'low'}. {otherwise}")


def compare_function(
    answer: object,
    cases: Sequence[tuple[object, ...]],
    reference: Function,
    mistakes: Sequence[tuple[Function, str]],
    *,
    praise: str,
) -> Feedback:
    """Call the answer with each of `cases`; where it differs from `reference`, name the mistake that does the same.

    A mistake is named if it explains every case; else the first case that differs is shown.
    """
    function = as_function(answer)
    results = [function(*copy.deepcopy(case)) for case in cases]  # a function may change what it is handed
    wanted = [reference(*case) for case in cases]
    differing = [number for number, result in enumerate(results) if not same(result, wanted[number])]
    if not differing:
        return right(praise)
    if all(result is None for result in results):
        return wrong("Your function gives None for everything: does it end with return?")
    for mistake, said in mistakes:
        if all(same(result, mistake(*case)) for result, case in zip(results, cases, strict=True)):
            return wrong(said)
    first = differing[0]
    return wrong(
        f"{len(cases) - len(differing)} of {len(cases)} cases are right. The first that is not: "
        f"{_call(cases[first])} should give {_short(wanted[first])}, and yours gives {_short(results[first])}."
    )


def _described(answer: object) -> str:
    return f"of type {type(answer).__name__}: {_short(answer)}"


def _call(arguments: Sequence[object]) -> str:
    return f"({', '.join(map(_short, arguments))})"


def _short(value: object, most: int = 120) -> str:
    text = repr(value)
    return text if len(text) <= most else text[:most] + " …"
