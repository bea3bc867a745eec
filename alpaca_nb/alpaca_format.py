"""Reading data sets in Alpaca's format: rows of `instruction`, `input` (may be left out) and `output`.

A file is either one JSON list, as Stanford published it, or JSON lines. Every bad row is found, not only the first, and
each is reported with the line it starts on, also inside a list; other keys of a row are ignored.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from alpaca_nb.errors import InputFileError
from alpaca_nb.files import Json
from alpaca_nb.records import Example

BAD_ROWS_SHOWN = 10
_WHITE_SPACE = " \t\r\n"


class _BadRowError(ValueError):
    """What is wrong with one row."""


def read_examples(path: Path) -> list[Example]:
    """Read a JSON list or JSON lines file of Alpaca rows.

    Raises `InputFileError` for a missing, empty, non-UTF-8 file and for any bad row; the message counts the bad rows
    and lists the first ten with line number and reason. An empty `output` is no fault of the file's form: it passes.
    """
    return [example for example, _ in read_rows(path)]


def read_rows(path: Path) -> list[tuple[Example, dict[str, Json]]]:
    """Like `read_examples`, but each row comes with the whole object it stands in, other keys included."""
    return rows_in(_read_text(path), str(path))


def rows_in(text: str, path: str, *, output_needed: bool = True) -> list[tuple[Example, dict[str, Json]]]:
    """What `read_rows` reads, from the text itself; `path` names it in messages. Tasks still to do have no output."""
    rows = _rows_of_list(text) if text.lstrip(_WHITE_SPACE).startswith("[") else _rows_of_lines(text)
    read: list[tuple[Example, dict[str, Json]]] = []
    faults: list[str] = []
    for line, row in rows:
        try:
            read.append(_example(row, output_needed))
        except _BadRowError as reason:
            faults.append(f"line {line}: {reason}")
    if faults:
        raise InputFileError(_summary(path, faults, len(read)))
    if not read:
        raise InputFileError(f"{path}: no rows in it; Alpaca's format is a list of instruction, input and output")
    return read


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
    except FileNotFoundError:
        raise InputFileError(f"{path} does not exist") from None
    except IsADirectoryError:
        raise InputFileError(f"{path} is a folder; name a JSON or JSONL file") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputFileError(f"{path}, line {line}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def _rows_of_list(text: str) -> Iterator[tuple[int, Json | _BadRowError]]:
    """Yield (line, row) for each element of a JSON list; broken JSON ends the walk, for what follows is a guess."""
    decoder = json.JSONDecoder()
    position, line, counted = _skip_white(text, text.index("[") + 1), 1, 0
    if text[position : position + 1] == "]":
        position += 1
    else:
        while True:
            line, counted = line + text.count("\n", counted, position), position
            try:
                row, position = decoder.raw_decode(text, position)
            except json.JSONDecodeError as error:
                yield error.lineno, _BadRowError(f"not valid JSON ({error.msg}); the rows after it were not read")
                return
            yield line, row
            position = _skip_white(text, position)
            separator = text[position : position + 1]
            if separator not in (",", "]"):
                yield line, _BadRowError("a comma or the list's closing bracket is missing after this row")
                return
            position = _skip_white(text, position + 1)
            if separator == "]":
                break
    if text[position:].strip(_WHITE_SPACE):
        yield text.count("\n", 0, position) + 1, _BadRowError("something follows the end of the list")


def _rows_of_lines(text: str) -> Iterator[tuple[int, Json | _BadRowError]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip(_WHITE_SPACE):
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as error:
                yield number, _BadRowError(f"not valid JSON ({error.msg}); each line must hold one whole row")


def _skip_white(text: str, position: int) -> int:
    while text[position : position + 1] and text[position] in _WHITE_SPACE:
        position += 1
    return position


def _example(row: Json | _BadRowError, output_needed: bool) -> tuple[Example, dict[str, Json]]:
    if isinstance(row, _BadRowError):
        raise row
    if not isinstance(row, dict):
        raise _BadRowError(f"an object with instruction, input and output was expected, not {_kind(row)}")
    instruction, input_, output = (_text(row, key, output_needed) for key in ("instruction", "input", "output"))
    if not instruction.strip():
        raise _BadRowError("the instruction is empty")
    return Example(instruction, input_, output), row


def _text(row: dict[str, Json], key: str, output_needed: bool) -> str:
    if key not in row:
        if key == "input" or (key == "output" and not output_needed):
            return ""
        raise _BadRowError(f"{key} is missing (the row has {', '.join(sorted(row)) or 'no keys'})")
    value = row[key]
    if not isinstance(value, str):
        raise _BadRowError(f"{key} must be text, not {_kind(value)}")
    return value


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    names: dict[type, str] = {bool: "a truth value", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "an object")


def _summary(path: str, faults: list[str], good_rows: int) -> str:
    shown = "\n  ".join(faults[:BAD_ROWS_SHOWN])
    more = f"\n  … and {len(faults) - BAD_ROWS_SHOWN} more" if len(faults) > BAD_ROWS_SHOWN else ""
    rows = "1 bad row" if len(faults) == 1 else f"{len(faults)} bad rows"
    return f"{path}: {rows} ({good_rows} good ones); mend or remove them:\n  {shown}{more}"
