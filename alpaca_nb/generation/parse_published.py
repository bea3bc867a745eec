"""The numbered form read as Stanford Alpaca's generate_instruction.py reads it (tatsu-lab/stanford_alpaca @ 761dc5b).

Its rules: the text between two `###` is one task, wherever they stand, and the tasks are counted; a task needs exactly
three headings with the number counted, under whatever names and in whatever order, and what follows them are its
instruction, input and output; what stands before the first heading is ignored; at the token limit the last piece goes.
So an extra `###` shifts the count and loses all the tasks after it, and a forgotten one lets an output swallow the next
task whole. Here every loss gets a reason; what is kept is the same on any text.
"""

import re

from alpaca_nb.generation.pieces import Piece
from alpaca_nb.generation.prompt import SEPARATOR

_NAMES = ("Instruction", "Input", "Output")
_HEADING = re.compile(rf"(?<![0-9])([0-9]+)\.\s+({'|'.join(_NAMES)}):")
_NO_INPUT = "<noinput>"


def published_pieces(text: str, first_position: int, *, cut_at_limit: bool) -> list[Piece]:
    """Cut `text` at each separator; a piece begins behind the separator before it."""
    bodies = text.split(SEPARATOR)
    pieces = []
    start = 0
    for index, body in enumerate(bodies):
        if cut_at_limit and index == len(bodies) - 1:
            pieces.append(Piece(start, "cut_by_length"))
        else:
            pieces.append(_piece(start, body, first_position + index, first=index == 0))
        start += len(body) + len(SEPARATOR)
    return pieces


def _piece(start: int, body: str, number: int, *, first: bool) -> Piece:
    """One task; the first one's instruction heading stands in the prompt."""
    digits = str(number)
    headings = list(_HEADING.finditer(body))
    spans = [(0, 0)] if first else []
    for match in headings:
        if match[1].endswith(digits):  # to the original, "14. Input:" is a 1 and the heading "4. Input:"
            spans.append((match.end(1) - len(digits), match.end()))
    if len(spans) != 3:
        names = ["Instruction"] * first + [match[2] for match in headings]
        return Piece(start, _why(names, len(spans), first=first))
    ends = [spans[1][0], spans[2][0], len(body)]
    instruction, given, output = (body[span[1] : end].strip() for span, end in zip(spans, ends, strict=True))
    return Piece(start, (instruction, "" if given.lower() == _NO_INPUT else given, output))


def _why(names: list[str], counted: int, *, first: bool) -> str:
    """Why a piece without exactly three headings of its number is none; the original does not say."""
    if counted > 3:
        return "repeated_field"
    if len(names) <= first:
        return "not_a_task" if first else "separator_inside"
    missing = [name for name in _NAMES if name not in names]
    return f"missing_{missing[0].lower()}" if missing else "wrong_index"
