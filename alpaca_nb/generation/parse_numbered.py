"""The numbered form read with patience: what is only formal is mended, what may be wrong in substance is rejected.

A task begins at its `N. Instruction:` heading and ends at a separator line, at the next task, or with the text. So a
stray `###` does not spoil the tasks after it, and a forgotten one does not glue two tasks together. Headings may carry
odd blanks, Markdown (`**4) Input:**`), a wrong number, or none. A separator *line* ends a task, because the teacher was
told so; `###` with other text on its line belongs to the field.
"""

import re

from alpaca_nb.generation.headings import Heading, find_headings, task_headings
from alpaca_nb.generation.pieces import Fields, Piece, given_input
from alpaca_nb.generation.prompt import SEPARATOR

_SEPARATOR_LINE = re.compile(rf"^[^\S\n]*{SEPARATOR}#*[^\S\n]*$", re.MULTILINE)
_RULE = re.compile(r"[^\S\n]*(?:-{3,}|\*{3,})")
_WANTED = ["input", "output"]


def numbered_pieces(text: str, first_position: int, cut: str | None) -> list[Piece]:
    """One piece for each task, and one for each text between tasks.

    The first task's instruction heading stands in the prompt; an answer may repeat it. `cut` is the reason for a last
    task that no separator ends, None where that is no fault.
    """
    headings = find_headings(text)
    tasks = task_headings(text, headings, first_position)
    ends = [*(task.start for task in tasks[1:]), len(text)]
    pieces: list[Piece] = []
    for counted, (task, end) in enumerate(zip(tasks, ends, strict=True), start=first_position):
        fields = [each for each in headings if task.end <= each.start < end and each.name in _WANTED]
        pieces += _task_and_rest(text, task, fields, end, counted, cut if end == len(text) else None)
    return pieces


def _task_and_rest(
    text: str, task: Heading, fields: list[Heading], end: int, counted: int, cut: str | None
) -> list[Piece]:
    """The task, and as a second piece what stands behind the separator line that ends it."""
    numbered = [
        each for each in fields if each.number is not None and (each.at_line_start or each.number == task.number)
    ]
    fields = numbered or [each for each in fields if each.number is None]
    number = fields[0].number if task.number is None and fields else task.number
    own = [each for each in fields if each.number == number]

    outputs = [each for each in own if each.name == "output"]
    last = (outputs[:1] or own[-1:] or [task])[0].end  # a separator between a task's own fields does not end it
    separator = _SEPARATOR_LINE.search(text, last, end)
    task_end = separator.start() if separator else end
    own = [each for each in own if each.start < task_end]
    body = _without_separators(text[last:task_end])
    closed = separator is not None or len(body) < len(text[last:task_end].rstrip())
    inside = [each for each in fields if each.start < task_end]
    found = _found(text, task, own, inside, last + len(body))
    if cut and not closed:
        found = cut
    pieces = [Piece(task.start, found)]
    if not isinstance(found, str):
        headings = [task, *(own if len(own) == 2 else inside)]
        repairs = _repairs(headings, found, counted, ended=closed or end == len(text))
        pieces = [Piece(task.start, found, repairs)]
    if separator and _without_separators(text[separator.end() : end]).strip():
        reason = "missing_instruction" if len(inside) < len(fields) else "separator_inside"
        pieces.append(Piece(separator.end(), cut or reason))
    return pieces


def _found(text: str, task: Heading, own: list[Heading], inside: list[Heading], end: int) -> Fields | str:
    """The three fields, or the reason why they are none. Headings of another number count where its own are missing."""
    in_prompt = task.start == task.end
    if in_prompt and not inside:
        return "not_a_task"
    two_tasks = any(each.number is not None and own and each.number > (own[0].number or 0) for each in inside)
    chosen = own if [each.name for each in own] == _WANTED and not two_tasks else inside
    names = [each.name for each in chosen]
    for name in _WANTED:
        if name not in names:
            return f"missing_{name}"
    if names != _WANTED:
        return "repeated_field"
    numbers = [each.number for each in (task, *chosen) if each.number is not None]
    if len(set(numbers)) == 3:
        return "wrong_index"
    values = [
        _value(heading, text[heading.end : after])
        for heading, after in zip((task, *chosen), (chosen[0].start, chosen[1].start, end), strict=True)
    ]
    instruction, given, output = values
    if _SEPARATOR_LINE.search(instruction) or _SEPARATOR_LINE.search(given):
        return "separator_inside"
    return (instruction, given_input(given), output) if instruction else "missing_instruction"


def _value(heading: Heading, text: str) -> str:
    """A field's text, without separators behind it and without the asterisks that belong to its heading."""
    value = _without_separators(text).strip()
    if not heading.opens_bold:
        return value
    value = value.removeprefix("**").strip()
    return value.removesuffix("**").strip() if value.count("**") % 2 == 1 else value


def _repairs(headings: list[Heading], found: Fields, counted: int, *, ended: bool) -> tuple[str, ...]:
    """The formal faults of a task that is kept, as keys of `pieces.REPAIRS`."""
    mended = {
        "wrong_index": any(each.number not in (None, counted) for each in headings),
        "separator_inside": any(each.after_separator for each in headings[1:])
        or any(SEPARATOR in each for each in found),
        "no_separator": not ended,
        "odd_heading": not all(each.plain for each in headings),
    }
    return tuple(name for name, is_so in mended.items() if is_so)


def _without_separators(text: str) -> str:
    """`text` without blanks, separators and Markdown's rules (lines `---`) at its end."""
    while True:
        text = text.rstrip()
        line_start = text.rfind("\n") + 1
        if text.endswith(SEPARATOR):
            text = text.rstrip("#")
        elif line_start and _RULE.fullmatch(text, line_start):
            text = text[:line_start]
        else:
            return text
