"""What every parser returns: the answer's text cut into adjoining pieces, each a candidate or a rejection.

The spans of all pieces, in order, make up the whole text; so no character is lost and none counts twice.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from alpaca_nb.records import Candidate, Rejection

REASONS = {
    "not_a_task": "text with none of the three fields: a refusal, a remark, an empty answer",
    "missing_instruction": "an input or an output, and no instruction that it belongs to",
    "missing_input": "no input field; where none is needed, the field holds the no-input marker",
    "missing_output": "no output field",
    "repeated_field": "a field comes twice, or not in its order: probably two tasks in one",
    "wrong_index": "the fields' numbers do not fit (repaired: three different ones; stanford: not the number counted)",
    "separator_inside": "text between separators that begins no task, or a separator inside a field",
    "cut_by_length": "the answer ended inside this task, at the token limit",
    "cut_by_stop": "the answer ended inside this task, at a stop text that fired too early or in the middle of JSON",
    "cut_by_filter": "the answer ended inside this task, at the provider's content filter",
    "broken_json": "an object that is not valid JSON",
    "not_text": "a field of a JSON object that is neither text nor a number",
}

REPAIRS = {
    "wrong_index": "a number that is not the one counted, or not the same in all fields",
    "separator_inside": "a separator between the fields, or `###` inside a field",
    "no_separator": "no separator before the next task",
    "odd_heading": "field names in another form than `4. Input:`, such as `**4) INPUT:**` or `Input:`",
}

Fields = tuple[str, str, str]  # instruction, input, output
_NO_INPUT = re.compile(r"[<(\[*]*no[\s_-]?input(?: (?:is )?(?:needed|required|necessary))?[>)\]*]*\.?", re.IGNORECASE)


@dataclass(frozen=True)
class Piece:
    """A piece that begins at `start`: the fields found there, or the reason why it is no task."""

    start: int
    found: Fields | str
    repairs: tuple[str, ...] = ()  # keys of `REPAIRS`; for found fields only


@dataclass(frozen=True)
class Parsed:
    """What one answer held, in its order."""

    text: str
    tasks: tuple[Candidate | Rejection, ...]

    @property
    def candidates(self) -> list[Candidate]:
        """The tasks found."""
        return [task for task in self.tasks if isinstance(task, Candidate)]

    @property
    def rejections(self) -> list[Rejection]:
        """The pieces that are no task."""
        return [task for task in self.tasks if isinstance(task, Rejection)]

    def raw(self, task: Candidate | Rejection) -> str:
        """A task's text as received, without the blanks around it."""
        return self.text[task.start : task.end].strip()


def given_input(text: str) -> str:
    """The input, empty where it only says that there is none: `<noinput>`, `No input needed.`"""
    return "" if _NO_INPUT.fullmatch(text.strip()) else text


def as_parsed(text: str, pieces: Sequence[Piece], *, request_index: int, first_position: int) -> Parsed:
    """Let each piece reach to the next one's start, and number them from `first_position` by their order.

    Blank text is no piece of its own, unless there is nothing else.
    """
    starts = [piece.start for piece in pieces]
    with_text = [
        piece for piece, end in zip(pieces, [*starts[1:], len(text)], strict=True) if text[piece.start : end].strip()
    ]
    kept = with_text or [Piece(0, "not_a_task")]
    kept[0] = replace(kept[0], start=0)
    ends = [*(piece.start for piece in kept[1:]), len(text)]
    tasks: list[Candidate | Rejection] = []
    for position, (piece, end) in enumerate(zip(kept, ends, strict=True), start=first_position):
        if isinstance(piece.found, str):
            raw = text[piece.start : end].strip()
            tasks.append(Rejection(request_index, position, piece.found, raw, start=piece.start, end=end))
        else:
            tasks.append(Candidate(request_index, position, *piece.found, piece.start, end, piece.repairs))
    return Parsed(text, tuple(tasks))
