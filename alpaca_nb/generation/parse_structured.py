"""Tasks as JSON: `{"tasks": [{"instruction", "input", "output"}, …]}`, a bare list, or one object after the other.

Objects are read one by one where they stand. So an answer cut in the middle still gives the objects before the cut, a
broken one spoils no other, and a code fence or a remark around the list does no harm.
"""

import json
import re

from alpaca_nb.generation.pieces import Fields, Piece, given_input

_KEYS = ("instruction", "input", "output")
_WRAPPER = r"\{\s*\"\w+\"\s*:\s*\[\s*"
_OPENING = re.compile(rf"(?:{_WRAPPER}|\[\s*)?\{{\s*\"(?:{'|'.join(_KEYS)})\"\s*:")
_TASKS = re.compile(rf"(?:{_WRAPPER})?(?=\{{\s*\")")  # the start of an object, behind the wrapper's opening
_ANY_KEY = re.compile(rf"\"(?:{'|'.join(_KEYS)})\"")
_HEADING = re.compile(r"^\s*\d{1,6}\.\s*(?:Instruction|Input|Output)\s*:", re.MULTILINE)
_GLUE = re.compile(r"(?:[\s,\[\]{}]|```(?:json)?|\"\w+\"\s*:\s*\[)*", re.IGNORECASE)
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)  # a number as it is written


def is_structured(text: str) -> bool:
    """Whether the answer holds a task object, and no numbered field before it (an output may well be JSON)."""
    opening = _OPENING.search(text)
    return opening is not None and _HEADING.search(text, 0, opening.start()) is None


def structured_pieces(text: str, cut: str | None) -> list[Piece]:
    """One piece for each object; brackets and commas go with the piece before them, other text is a piece of its own.

    `cut` is the reason for an object that the text's end cuts in two (None: `cut_by_stop`).
    """
    pieces: list[Piece] = []
    behind = 0  # the end of what is read
    while (start := _next_object(text, behind)) is not None:
        pieces += _remark(text, behind, start)
        value, end = _decode(text, start)
        if value is None or not _is_task(value):  # a sound task may stand behind or inside it
            inner = _next_task(text, start + 1, len(text) if end is None else end)
            if value is None and inner is None:
                at_the_end = cut is not None or _stops_inside(text, start)
                return [*pieces, Piece(start, (cut or "cut_by_stop") if at_the_end else "broken_json")]
            end = end if inner is None else min(inner, end or inner)
        pieces.append(Piece(start, "broken_json" if value is None else _fields(value)))
        assert end is not None
        behind = end
    return pieces + _remark(text, behind, len(text))


def _fields(value: dict[str, object]) -> Fields | str:
    """A task's three texts, or the reason why it is none; no input may be written as null."""
    if not _is_task(value):
        return "not_a_task"
    for key in _KEYS:
        if key not in value:
            return f"missing_{key}"
    found = [value["instruction"], "" if value["input"] is None else value["input"], value["output"]]
    texts = [_writable(text).strip() for text in found if isinstance(text, str)]
    if len(texts) != len(found):
        return "not_text"
    instruction, given, output = texts
    if not instruction:
        return "missing_instruction"
    return instruction, given_input(given), output


def _is_task(value: dict[str, object]) -> bool:
    return any(key in value for key in _KEYS)


def _next_object(text: str, behind: int) -> int | None:
    match = _TASKS.search(text, behind)
    return match.end() if match else None


def _decode(text: str, start: int) -> tuple[dict[str, object] | None, int | None]:
    """The object at `start` and its end; (None, None) where it is not JSON."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, None
    return (value, end) if isinstance(value, dict) else (None, None)


def _next_task(text: str, behind: int, before: int) -> int | None:
    """Where the next sound task begins: inside an object that is none, or anywhere behind one that is not JSON."""
    if not _ANY_KEY.search(text, behind, before):
        return None
    for match in _TASKS.finditer(text, behind, before):
        value, _ = _decode(text, match.end())
        if value is not None and _is_task(value):
            return match.end()
    return None


def _stops_inside(text: str, start: int) -> bool:
    """Whether the text was sound JSON until its end."""
    try:
        _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        return error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip())
    except (ValueError, RecursionError):
        return False
    return False


def _remark(text: str, start: int, end: int) -> list[Piece]:
    """A piece for text between objects that is more than brackets, commas and fences."""
    glue = _GLUE.match(text, start, end)
    return [] if glue is None or glue.end() == end else [Piece(start, "not_a_task")]


def _writable(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON can write and a file cannot hold."""
    return text.encode("utf-8", "replace").decode()
