"""A pocket calculator for text: works out `(7 - 4) × 2` without ever running it as code.

The text is parsed to Python's syntax tree and only numbers, + - * / ** %, signs and brackets are worked out, with
fractions, so that no rounding of ours is mistaken for somebody else's error. Everything else is refused.
"""

import ast
import re
from fractions import Fraction

LONGEST_TEXT = 200  # characters
LARGEST_POWER = 64
LARGEST_BITS = 2048  # of a numerator or denominator: 9**9**9 is refused before it is computed
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "**", "[": "(", "]": ")"})
_ALLOWED = re.compile(r"[\d.+\-*/() ]+")


class NotArithmeticError(ValueError):
    """The text is not a sum that can be worked out."""


def evaluate(text: str) -> Fraction:
    """The exact value of an expression; raises `NotArithmeticError` where it is none, or is too large.

    Understands `× · ÷ − ^ x`, money signs, percentages (`7%`), commas between thousands and `4(2+3)`.
    """
    if len(text) > LONGEST_TEXT:
        raise NotArithmeticError("too long")
    plain = normalised(text)
    if not _ALLOWED.fullmatch(plain):
        raise NotArithmeticError("holds more than numbers and signs")
    try:
        tree = ast.parse(plain.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise NotArithmeticError("not an expression") from None
    return _value(tree.body)


def normalised(text: str) -> str:
    """The same expression in Python's signs; a percent sign that is no percentage stays and will be refused."""
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(r"[$€£]", "", text)
    text = re.sub(r"(\d+(?:\.\d+)?)\s*%(?!\s*[\d(])", r"(\1/100)", text)
    text = re.sub(r"\\(?:times|cdot)", "*", text)
    text = re.sub(r"(?<=[\d)])\s*[xX]\s*(?=[\d(.])", "*", text).translate(_SIGNS)
    text = re.sub(r"(?<![\d.])0+(?=\d)", "", text)  # Python refuses 007
    return re.sub(r"(?<=[\d)])\s*\(|(?<=\))\s*(?=\d)", lambda found: "*" + found.group().strip(), text)


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return Fraction(str(number))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=operator, right=right):
            return _bounded(_operation(operator, _value(left), _value(right)))
    raise NotArithmeticError("holds more than numbers and signs")


def _operation(operator: ast.operator, left: Fraction, right: Fraction) -> Fraction:
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            if right == 0:
                raise NotArithmeticError("divides by zero")
            return left / right
        case ast.Pow():
            return _power(left, right)
    raise NotArithmeticError("another sign than + - * / ^")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > LARGEST_POWER or (base == 0 and exponent < 0):
        raise NotArithmeticError("a power that is not worked out here")
    return base ** int(exponent)


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > LARGEST_BITS:
        raise NotArithmeticError("too large")
    return value
