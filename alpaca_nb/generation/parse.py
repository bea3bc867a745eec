"""From a teacher's numbered text to candidates and rejections. Nothing is lost without a reason, nothing raises.

An item begins at a line `N. Instruction:` and ends where the next one begins, so a stray `###` inside an output does
not spoil the tasks after it, and a forgotten `###` does not glue two tasks together. Reasons:

- `missing_input`, `missing_output`, `missing_instruction`: the item has no such field;
- `wrong_index`: its three fields do not carry the same number, so they may belong to different tasks;
- `repeated_field`: a field comes twice, or out of order;
- `separator_inside`: text follows the separator, and no item begins there;
- `cut_by_length`: the answer was cut at the token limit inside this item.
"""

import re
from dataclasses import dataclass

from alpaca_nb.generation.prompt import SEPARATOR
from alpaca_nb.records import Candidate, Rejection

_ITEM = re.compile(r"^[ \t]*(\d{1,6})[ \t]*\.[ \t]*Instruction[ \t]*:", re.MULTILINE)
_FIELD = re.compile(r"^[ \t]*(\d{1,6})[ \t]*\.[ \t]*(Instruction|Input|Output)[ \t]*:", re.MULTILINE)
_SEPARATOR_LINE = re.compile(rf"^[ \t]*{SEPARATOR}[ \t]*$", re.MULTILINE)
_NO_INPUT = re.compile(r"<?\s*no\s?input\s*>?\.?", re.IGNORECASE)
_FIELDS = ["Instruction", "Input", "Output"]


@dataclass(frozen=True)
class Parsed:
    """What one answer held, in its order; `raw` is each candidate's text as received, by position."""

    candidates: list[Candidate]
    rejections: list[Rejection]
    raw: dict[int, str]


def parse_answer(text: str, *, request_index: int, first_position: int, finish_reason: str) -> Parsed:
    """Split an answer that goes on from `{first_position}. Instruction:`.

    A candidate's position counts items from `first_position`, whatever number the teacher wrote.
    """
    text = text.lstrip()
    if not _ITEM.match(text):
        text = f"{first_position}. Instruction: {text}"
    starts = [match.start() for match in _ITEM.finditer(text)]
    parsed = Parsed([], [], {})
    for place, (start, end) in enumerate(zip(starts, [*starts[1:], len(text)], strict=True)):
        raw, position = text[start:end], first_position + place
        cut = finish_reason == "length" and end == len(text)
        found = "cut_by_length" if cut else _fields_of(raw)
        if isinstance(found, str):
            parsed.rejections.append(Rejection(request_index, position, found, raw.strip()))
        else:
            parsed.candidates.append(Candidate(request_index, position, *found))
            parsed.raw[position] = raw.strip()
    return parsed


def _fields_of(raw: str) -> tuple[str, str, str] | str:
    """Instruction, input and output of one item's text, or the reason why it is none."""
    body = _without_last_separator(raw)
    if _SEPARATOR_LINE.search(body):
        return "separator_inside"
    marks = list(_FIELD.finditer(body))
    names = [mark.group(2) for mark in marks]
    for name in _FIELDS:
        if name not in names:
            return f"missing_{name.lower()}"
    if names != _FIELDS:
        return "repeated_field"
    if len({int(mark.group(1)) for mark in marks}) > 1:
        return "wrong_index"
    ends = [marks[1].start(), marks[2].start(), len(body)]
    instruction, given, output = (body[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True))
    return instruction, "" if _NO_INPUT.fullmatch(given) else given, output


def _without_last_separator(raw: str) -> str:
    """The item without the separator line that ends it."""
    return re.sub(rf"\s*^[ \t]*{SEPARATOR}[ \t]*\Z", "", raw.rstrip(), flags=re.MULTILINE)
