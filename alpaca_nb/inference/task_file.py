"""Tasks of the user's own: from JSON, JSON lines, CSV, or plain lines; an answer may stand in the file or not.

Columns and keys are Alpaca's: `instruction`, `input` (may be left out), `output` (kept as a reference where it is
there). Plain text gives one instruction a line, which suits a pipe.
"""

import csv
import io
import sys
from pathlib import Path

from alpaca_nb.alpaca_format import rows_in
from alpaca_nb.errors import InputFileError
from alpaca_nb.records import EvaluationTask, Example

STANDARD_INPUT = "-"
OWN = "own"
LONGEST_HEADER = 10_000  # characters of a CSV file's first line


def read_tasks(source: str) -> list[EvaluationTask]:
    """Read the tasks of a file, or of standard input for "-"; ids count the rows from 1.

    Raises `InputFileError` with the line of what is wrong.
    """
    text = _text(source)
    name = _named(source)
    start = text.lstrip()[:1]
    if start in ("[", "{"):
        rows = [row for row, _ in rows_in(text, name, output_needed=False)]
    elif source.lower().endswith(".csv") or _is_csv(text):
        rows = _rows_of_csv(text, name)
    elif source == STANDARD_INPUT or source.lower().endswith(".txt"):
        rows = [Example(line.strip(), "", "") for line in text.splitlines() if line.strip()]
    else:
        raise InputFileError(f"{name}: neither JSON, JSON lines nor CSV with a column named instruction")
    if not rows:
        raise InputFileError(f"{name}: no tasks in it")
    return [
        EvaluationTask(f"row_{number:05d}", OWN, row.instruction, row.input, row.output)
        for number, row in enumerate(rows, start=1)
    ]


def _text(source: str) -> str:
    try:
        data = sys.stdin.buffer.read() if source == STANDARD_INPUT else Path(source).expanduser().read_bytes()
        return data.decode("utf-8-sig")  # some editors write a byte order mark
    except UnicodeDecodeError as error:
        raise InputFileError(f"{_named(source)}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise InputFileError(f"{_named(source)} cannot be read ({error.strerror})") from None


def _named(source: str) -> str:
    return "standard input" if source == STANDARD_INPUT else source


def _is_csv(text: str) -> bool:
    first = text.partition("\n")[0]
    return "," in first and "instruction" in next(csv.reader([first[:LONGEST_HEADER]]), [])


def _rows_of_csv(text: str, name: str) -> list[Example]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="", strict=True)
    if "instruction" not in (reader.fieldnames or []):
        raise InputFileError(f"{name}: its first line names no column `instruction` (it has {reader.fieldnames})")
    rows = []
    try:
        for row in reader:
            if "" in row:
                raise InputFileError(f"{name}, line {reader.line_num}: more fields than the first line names")
            if not row["instruction"].strip():
                raise InputFileError(f"{name}, line {reader.line_num}: the instruction is empty")
            rows.append(Example(row["instruction"], row.get("input", ""), row.get("output", "")))
    except csv.Error as error:
        raise InputFileError(f"{name}, line {reader.line_num}: not CSV ({error})") from None
    return rows
