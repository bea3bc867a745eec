"""Safe mends: what can be put right without knowing the answer. Everything else is only reported.

Control characters and no-input markers are taken out, rows without an answer and repeated rows are dropped. A wrong
sum, a cut ending or a duplicate with another output needs a person: people who mended Alpaca's facts by the dozen also
broke some that were right.
"""

import dataclasses
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.errors import InputFileError
from alpaca_nb.files import Json, sync_folder
from alpaca_nb.quality.row_defects import CONTROL, MARKER, MARKER_IN_OUTPUT, empty_output, marker_left, no_answer
from alpaca_nb.records import Example

_LINE_ENDS = str.maketrans({"\u2028": "\n", "\u2029": "\n\n", "\x0b": "\n", "\x0c": "\n", "\x85": "\n"})


@dataclass(frozen=True)
class Change:
    """One line of the log: `field` is None and `after` is None where a whole row was dropped."""

    row: int  # in the file that was read, from 0
    what: str
    field: str | None
    before: str | dict[str, str]
    after: str | None


def fix_rows(rows: Sequence[Example]) -> tuple[list[tuple[int, Example]], list[Change]]:
    """Return (kept rows with their old numbers, changes in the order of the rows)."""
    changes: list[Change] = []
    mended: list[tuple[int, Example]] = []
    for index, row in enumerate(rows):
        new = _mended(row)
        changes += _field_changes(index, row, new)
        if reason := _why_dropped(new):
            changes.append(_dropped(index, row, reason))
        else:
            mended.append((index, new))
    first: dict[tuple[str, ...], int] = {}
    kept = []
    for index, row in mended:
        same_as = first.setdefault(_but_for_blanks(row), index)
        if same_as == index:
            kept.append((index, row))
        else:
            changes.append(_dropped(index, rows[index], f"exact_duplicate as row {same_as}"))
    return kept, sorted(changes, key=lambda change: change.row)


def write_fixed(rows: Sequence[tuple[Example, dict[str, Json]]], out: Path) -> tuple[Path, int, list[Change]]:
    """Write the mended rows to `out` and the log beside it; returns (log, rows kept, changes).

    Other keys of a row are kept. Raises `InputFileError` where either file exists already, whatever it holds: a data
    set is never overwritten.
    """
    log = log_of(out)
    refuse_existing(out, log, option="--fix")
    kept, changes = fix_rows([example for example, _ in rows])
    objects = [{**rows[index][1], **dataclasses.asdict(example)} for index, example in kept]
    _write_new(log, "".join(json.dumps(dataclasses.asdict(c), ensure_ascii=False) + "\n" for c in changes))
    if out.suffix == ".jsonl":
        _write_new(out, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in objects))
    else:
        _write_new(out, json.dumps(objects, ensure_ascii=False, indent=2) + "\n")
    return log, len(kept), changes


def log_of(out: Path) -> Path:
    """Where the changes are written down."""
    return out.with_name(f"{out.stem}.changes.jsonl")


def refuse_existing(*paths: Path, option: str) -> None:
    """Raise `InputFileError` where one of these files, or a link of that name, exists."""
    for path in paths:
        if path.exists() or path.is_symlink():
            raise InputFileError(
                f"{path} exists already and {option} overwrites nothing; name another file or move it away"
            )


def _mended(row: Example) -> Example:
    texts = {name: CONTROL.sub("", text.translate(_LINE_ENDS)) for name, text in dataclasses.asdict(row).items()}
    new = Example(**texts)
    if marker_left(new) is None:
        return new
    input_ = "" if MARKER.fullmatch(new.input) else new.input
    return Example(new.instruction, input_, MARKER_IN_OUTPUT.sub("", new.output))


def _but_for_blanks(row: Example) -> tuple[str, ...]:
    """What must be equal in a repeated row: signs and case too, for 2 + 2 is another task than 2 * 2."""
    return tuple(" ".join(text.split()) for text in (row.instruction, row.input, row.output))


def _why_dropped(row: Example) -> str | None:
    if empty_output(row) is not None:
        return "empty_output"
    return "no_answer" if no_answer(row) is not None else None


def _field_changes(index: int, old: Example, new: Example) -> list[Change]:
    changes = []
    for name in Example.__annotations__:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            what = "control_characters" if CONTROL.search(before) else "marker_left"
            changes.append(Change(index, what, name, before, after))
    return changes


def _dropped(index: int, row: Example, reason: str) -> Change:
    return Change(index, reason, None, dataclasses.asdict(row), None)


def _write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet; what could not be written whole is taken away again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = path.open("x", encoding="utf-8", newline="\n")
    except FileExistsError:
        raise InputFileError(f"{path} exists already and --fix overwrites nothing; name another file") from None
    try:
        with file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
