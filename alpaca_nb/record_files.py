"""Files of records: one dataclass of `records.py` a line, checked field by field when read back.

Stages talk only through files, so this is where a torn, edited or foreign file is caught: with its line number and
the field at fault, before anything is computed from it.
"""

import dataclasses
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from alpaca_nb.errors import InputFileError
from alpaca_nb.files import Json, read_jsonl, write_jsonl

Record = TypeVar("Record")


def write_records(path: Path, records: Iterable[object]) -> Path:
    """Write dataclass instances as JSONL, atomically."""
    return write_jsonl(path, (dataclasses.asdict(record) for record in records))  # type: ignore[call-overload]


def read_records(path: Path, kind: type[Record]) -> list[Record]:
    """Read a JSONL file of one record type; raises `InputFileError` with path, line and field at the first fault."""
    return [_record(value, kind, f"{path}, line {number}") for number, value in read_jsonl(path)]


def _record(value: Json, kind: type[Record], where: str) -> Record:
    if not isinstance(value, dict):
        raise InputFileError(f"{where}: expected one JSON object ({kind.__name__}), found {type(value).__name__}")
    hints = typing.get_type_hints(kind)
    missing, unknown = sorted(_required(kind) - value.keys()), sorted(value.keys() - hints.keys())
    if missing or unknown:
        raise InputFileError(f"{where}: not a {kind.__name__}; missing fields {missing}, unknown fields {unknown}")
    fields: dict[str, Any] = {}
    for name, found in value.items():
        item: object = tuple(found) if isinstance(found, list) else found
        if not _fits(item, hints[name]):
            raise InputFileError(f"{where}: field {name!r} should be {_words(hints[name])}, found {found!r:.80}")
        fields[name] = item
    return kind(**fields)


def _required(kind: type) -> set[str]:
    fields = dataclasses.fields(kind)
    return {f.name for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING}


def _fits(value: object, hint: object) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, arguments[0]) for item in value)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if hint is float:  # JSON writes 2.0 as 2 in some languages
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)  # type: ignore[arg-type]


def _words(hint: object) -> str:
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(repr(argument) for argument in arguments)
    return getattr(hint, "__name__", str(hint)) if not arguments else str(hint)
