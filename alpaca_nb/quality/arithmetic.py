"""Wrong sums, found by working them out: equations in an answer, and answers to a task that is plain arithmetic.

Only what can be read without doubt is judged: a missed error costs little, a false accusation costs trust. A result
that is rounded or cut at its last shown digit is right. What is read at a time is bounded, so that the work
grows with the length of a text, not with its square: a task of more than 400 characters is no plain sum.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from statistics import median

from alpaca_nb.quality.evaluate import LONGEST_TEXT, NotArithmeticError, evaluate
from alpaca_nb.records import Example

_NUMBER = r"[$€£]?\d+(?:,\d{3})*(?:\.\d+)?"
_SIGN = r"\s*(?:\*\*|\\times|[-+*/×·÷−–^]|[xX](?=\s*[\d($]))\s*"
_TERM = rf"(?:[-−]?(?:\(\s*)*[-−]?{_NUMBER}%?(?:\s*\))*)"
EXPRESSION = rf"{_TERM}(?:(?:{_SIGN}|(?<=[\d)])\s*(?=\()){_TERM})+"
_RESULT = rf"[-−]?{_NUMBER}%?(?:\s*/\s*\d+)?"
_NO_NEIGHBOUR_BEFORE = r"(?<![\w.,%^*/×÷=+\-−–()\]])(?<![^a-zA-Z][b-zA-Z] )(?<![-+*/×÷^=−–(<>] )(?<!of )"
_EQUATION = re.compile(
    rf"{_NO_NEIGHBOUR_BEFORE}({EXPRESSION})\s*(?:=|≈)\s*({_RESULT})(?![\w(^*]|[.,]\d|\s*[-+*/×÷^−–]\s*[\w(])"
)
_EQUALS = re.compile("[=≈]")
_GOES_ON_TO_THE_LEFT = re.compile(r"[\d)]\s{1,20}\Z")
_LONGEST_RESULT = 60  # characters
_LONGEST_TASK = 400  # characters
_ANY_NUMBER = re.compile(rf"(?<![\w.])[-−]?{_NUMBER}%?(?:/\d+)?")
_ASKS_FOR_VALUE = re.compile(
    r"\b(?:calculate|compute|evaluate|solve|work out|divide|multiply|add|subtract|"
    r"find|what is|what's|simplify|determine|display|answer|convert)\b",
    re.IGNORECASE,
)
_ASKS_TO_RECKON = re.compile(
    r"\b(?:calculate|compute|evaluate|solve|work out|divide|subtract|simplify|value of|decimal|division|math\w*)\b",
    re.IGNORECASE,
)
_MAYBE_NO_SUM = re.compile(r"\d+(?:[-/]\d+)+")  # 555-1050 is a telephone number, 3/4 a date
_NOT_A_PLAIN_SUM = re.compile(
    r"\b(?:variables?|solve for|derivative|integral|factor|range|between|steps?|sequence|pattern|binary|hex\w*|"
    r"mod(?:ulo)?|roots?|equivalent|fraction|scientific|base|code|program|function|script|class|expand|prime|estimate)\b|"
    r"[a-z]\s*=|≠|<|>",
    re.IGNORECASE,
)
# No commas between thousands, and one way to match each gap: else forty numbers before a word never end.
_LISTED = r"-?[$€£]?\d+(?:\.\d+)?"
_LIST_OF_NUMBERS = re.compile(rf"[\[({{]?\s*{_LISTED}(?:(?:\s*[,;]\s*|\s+and\s+|\s+){_LISTED})+\s*[\])}}]?\.?")
_THOUSANDS_OR_TWO = re.compile(r"\d,\d{3}(?!\d)")  # 120,450 may be one number or two
_ABOUT_A_LIST: tuple[tuple[str, Callable[[Sequence[Fraction]], Fraction]], ...] = (
    (r"(?:mean|average)", lambda numbers: sum(numbers, Fraction(0)) / len(numbers)),
    (r"median", lambda numbers: median(numbers)),
    (r"(?:sum|total)", lambda numbers: sum(numbers, Fraction(0))),
    (r"(?:largest|biggest|greatest|highest|maximum)", max),
    (r"(?:smallest|lowest|minimum)", min),
)
_WHAT_OF_THE_LIST = (
    r"(?:(?:given |return|find|calculate|compute|determine|what is|output|give|get|identify)[^.?]*?\b)"
    r"the (?:arithmetic )?{what}(?: (?:value|number|price|one|element))?"
    r"(?: (?:of|in|from|for) (?:(?:a|the|this|these|given|following|list|array|sequence|group|data|"
    r"numbers|integers|prices|values|of|in|above|provided|set:?)\s*)+)?[.:?]?"
)


def wrong_arithmetic(row: Example) -> str | None:
    """Say what is miscalculated in a row's answer, with the right value; None where nothing is."""
    return wrong_equation(row.output) or wrong_answer(row) or wrong_of_list(row)


def wrong_equation(text: str) -> str | None:
    """The first `a + b = c` in a text that does not hold; equations with variables and program code are passed over."""
    if "==" in text or "```" in text:
        return None
    for found in _equations(text):
        if "remainder" in text[found.end() : found.end() + 15].lower():
            continue
        try:
            value = evaluate(found[1])
        except NotArithmeticError:
            continue
        if not agrees(value, found[2]):
            return f"{found[0].strip()} (is {shown(value)})"
    return None


def _equations(text: str) -> Iterator[re.Match[str]]:
    """What reads as `expression = number`, looked for around each sign of equality; the work is linear in the text."""
    for sign in _EQUALS.finditer(text):
        start, end = max(0, sign.start() - LONGEST_TEXT), sign.end() + _LONGEST_RESULT
        for found in _EQUATION.finditer(text, start, end):
            before = text[max(0, found.start() - 20) : found.start()]
            cut = _GOES_ON_TO_THE_LEFT.search(before) and found[1][0] in "(-−"
            whole = found.end() < end or end >= len(text)
            if found.end(1) <= sign.start() < found.start(2) and whole and not cut:
                yield found


def wrong_answer(row: Example) -> str | None:
    """For a task that asks for the value of one expression: the value, if the answer's numbers do not hold it."""
    task = f"{row.instruction}\n{row.input}"
    if len(task) > _LONGEST_TASK:
        return None
    if not _ASKS_FOR_VALUE.search(row.instruction) or (_NOT_A_PLAIN_SUM.search(task) and "decimal" not in task.lower()):
        return None
    sums = [found for found in re.findall(EXPRESSION, task) if re.search(r"[-+*/×÷^−(xX]", found.strip("-− $"))]
    rest = re.sub(EXPRESSION, "", task)
    if sums and _MAYBE_NO_SUM.fullmatch(sums[0]) and not _ASKS_TO_RECKON.search(task):
        return None
    if len(set(sums)) != 1 or re.search(r"\d|[a-zA-Z][\^=]|\b[xyz]\b", rest):
        return None
    try:
        value = evaluate(sums[0])
    except NotArithmeticError:
        return None
    return _missing(value, row.output, sums[0].strip())


def wrong_of_list(row: Example) -> str | None:
    """For a task that asks for the mean, median, sum, largest or smallest of listed numbers: the same."""
    if not _LIST_OF_NUMBERS.fullmatch(row.input.strip()) or _NOT_A_PLAIN_SUM.search(row.instruction):
        return None
    if len(row.instruction) > _LONGEST_TASK or _THOUSANDS_OR_TWO.search(row.input):
        return None
    for what, work_out in _ABOUT_A_LIST:
        if re.fullmatch(_WHAT_OF_THE_LIST.format(what=what), row.instruction.strip(), re.IGNORECASE):
            try:
                numbers = [evaluate(found) for found in re.findall(_LISTED, row.input)]
            except NotArithmeticError:
                return None
            return _missing(work_out(numbers), row.output, f"{what.strip('(?:)').split('|')[0]} of {row.input.strip()}")
    return None


def agrees(value: Fraction, result: str) -> bool:
    """Whether `result` shows `value`: exactly, rounded or cut at its last digit; `25%` also as 25."""
    try:
        found = evaluate(result)
    except NotArithmeticError:
        return True  # what cannot be read is not accused
    plain = result.strip().rstrip("%")
    last_digit = Fraction(1, 10 ** len(plain.partition(".")[2])) if "/" not in plain else Fraction(1, 1000)
    if "%" in result:
        return any(abs(value * 100 / scale - evaluate(plain)) < last_digit for scale in (1, 100))
    if value.denominator != 1 and "." not in plain and "/" not in plain:
        return abs(value - found) <= Fraction(1, 2)  # rounded to a whole number
    return value == found or (("." in plain or "/" in plain) and abs(value - found) < last_digit)


def shown(value: Fraction) -> str:
    """A value for people: whole, or with at most six digits."""
    if value.denominator == 1:
        return str(value.numerator)
    try:
        return f"{float(value):.6g}"
    except OverflowError:  # its whole part
        return str(value.numerator // value.denominator)


def _missing(value: Fraction, answer: str, what: str) -> str | None:
    """None where one of the answer's numbers is `value` (or it holds no number to judge); else what it should say."""
    numbers = _ANY_NUMBER.findall(answer)
    if not numbers or any(agrees(value, number) for number in numbers):
        return None
    if "remainder" in answer.lower() and any(
        agrees(Fraction(value.numerator // value.denominator), n) for n in numbers
    ):
        return None
    return f"{what} = {shown(value)}, not {numbers[-1]}"
