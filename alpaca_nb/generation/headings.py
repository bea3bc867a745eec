"""Finding the headings of numbered tasks: `4. Instruction:`, `4. Input:`, `4. Output:`, and what teachers make of them.

At the start of a line a heading may have Markdown and odd blanks in it, a bracket for the full stop, small letters, or
no number; in the middle of a line only the plain form counts.
"""

import re
from dataclasses import dataclass
from itertools import zip_longest

from alpaca_nb.generation.prompt import SEPARATOR

_JUNK = r"(?:[^\S\n]|[*_>#-])*"  # blanks and Markdown
_NAMES = "Instruction|Input|Output"
_TITLE = rf"(?:{_JUNK}(?:Task|Item)[^\S\n]+#?(?P<title>\d{{1,6}})(?:[^\S\n]|[*_:.])*\n+)?"  # a line `### Task 4`
_NUMBER = rf"(?:(?P<number>\d{{1,6}}){_JUNK}[.):](?:\s|[*_])*)?"
_AT_LINE_START = re.compile(
    rf"^{_TITLE}{_JUNK}{_NUMBER}(?P<name>{_NAMES}){_JUNK}[:\uff1a]",  # the second is the wide colon of East Asia
    re.MULTILINE | re.IGNORECASE,
)
_WITHIN_LINE = re.compile(rf"(?<!\d)(?P<number>\d{{1,6}})\.\s+(?P<name>{_NAMES}):")
_PLAIN = re.compile(rf"\d{{1,6}}\. (?:{_NAMES}):")


@dataclass(frozen=True)
class Heading:
    """One heading, from `start` to `end`; the one that stands in the prompt is empty."""

    name: str  # "instruction", "input" or "output"
    number: int | None  # None: it carries none
    start: int
    end: int
    at_line_start: bool = True
    plain: bool = True  # in the very form asked for
    opens_bold: bool = False  # `**4. Input: …`, to be closed behind it
    after_separator: bool = False


def find_headings(text: str) -> list[Heading]:
    """All that look like a heading, in their order."""
    found: dict[int, Heading] = {}  # by where the name stands
    for at_line_start, pattern in ((True, _AT_LINE_START), (False, _WITHIN_LINE)):
        for match in pattern.finditer(text):
            if (place := match.start("name")) not in found:
                found[place] = _heading(text, match, at_line_start=at_line_start)
    return [found[place] for place in sorted(found)]


def task_headings(text: str, headings: list[Heading], first_position: int) -> list[Heading]:
    """The instruction headings that begin a task; before all others the one in the prompt, unless it is repeated."""
    repeated = bool(headings) and headings[0].name == "instruction" and not text[: headings[0].start].strip()
    any_number = any(each.number is not None for each in headings)
    tasks = [headings[0] if repeated else Heading("instruction", first_position, 0, 0)]
    for each, following in zip_longest(headings, headings[1:]):
        if each.name == "instruction" and each is not tasks[0] and _begins(each, following, tasks, any_number):
            tasks.append(each)
    return tasks


def _begins(heading: Heading, following: Heading | None, tasks: list[Heading], any_number: bool) -> bool:
    """Whether an instruction heading begins a task. The text of a task may hold such words, in a list for example."""
    if heading.after_separator:
        return True
    if heading.number is None:
        return not any_number
    if heading.number == (tasks[-1].number or 0) + 1:
        return True
    has_field = following is not None and following.name != "instruction" and following.number == heading.number
    return heading.at_line_start and has_field


def _heading(text: str, match: re.Match[str], *, at_line_start: bool) -> Heading:
    groups = match.groupdict()
    number = groups["number"] or groups.get("title")
    return Heading(
        name=groups["name"].lower(),
        number=int(number) if number else None,
        start=match.start(),
        end=match.end(),
        at_line_start=at_line_start,
        plain=_PLAIN.fullmatch(match.group()) is not None,
        opens_bold=match.group().count("**") % 2 == 1,
        after_separator=_follows_separator(text, match.start()) or SEPARATOR in match.group(),
    )


def _follows_separator(text: str, place: int) -> bool:
    while place > 0 and text[place - 1].isspace():
        place -= 1
    return text.endswith(SEPARATOR, 0, place)
