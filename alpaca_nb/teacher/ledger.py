"""The ledger: an append-only file that holds every answer before anybody looks at it.

One record a line, `{"crc32":"…","n":7,"record":{…}}`, written by one `os.write` and one fsync. So a crash can only tear
the last line, which opening repairs (what was torn is kept beside it); a bad line anywhere else is damage and an error.
So is a line whose number is not its place: one before it is missing. (Ledgers of before version 2 have no numbers; they
are read and carried on.)
The first record is a header with the configuration: another configuration's answers are never mixed in. On POSIX a
lock makes sure that one process writes; on Windows nothing does. A spare file keeps room for the answers that are on
their way when the disk fills up. What the records mean is the business of `ledger_records` and `totals`.
"""

import errno
import io
import itertools
import json
import os
import re
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from alpaca_nb.errors import InputFileError, LedgerError
from alpaca_nb.files import Json, sync_folder
from alpaca_nb.teacher.spare import Spare

Record = dict[str, Json]
VERSION, READABLE_VERSIONS = 2, (1, 2)
_START, _RECORD, _END = b'{"crc32":"', b'"record":', b"}"
NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_HEAD = re.compile(rb'(?:"n":([1-9][0-9]*),)?')
_CONTENT_AT = len(_START) + 8 + len(b'",')


def encode(record: Mapping[str, Json], number: int) -> bytes:
    """Line `number` (from 1), with the CRC-32 of its content: the number and the record."""
    payload = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    content = b'"n":%d,%s%s' % (number, _RECORD, payload)
    return b'%s%08x",%s%s\n' % (_START, zlib.crc32(content), content, _END)


def decode(line: bytes) -> Record | None:
    """The record of one line (without its line end); None where a byte of it is wrong."""
    found = _decoded(line)
    return None if found is None else found[1]


def _decoded(line: bytes) -> tuple[int | None, Record] | None:
    """Number and record of one line. Before version 2 it had no number, and the checksum was the record's alone."""
    content = line[_CONTENT_AT : -len(_END)]
    head, record, payload = content.partition(_RECORD)
    checksum = zlib.crc32(content if head else payload)
    number = _HEAD.fullmatch(head)
    if not record or number is None or line != b'%s%08x",%s%s' % (_START, checksum, content, _END):
        return None
    try:
        value = json.loads(payload)
    except ValueError:
        return None
    return (int(number[1]) if number[1] else None, value) if isinstance(value, dict) else None


@dataclass(frozen=True)
class Entry:
    """One whole line of a ledger: its record, and where in the file it stands (bytes, line end included)."""

    start: int
    length: int
    record: Record


@dataclass(frozen=True)
class Scan:
    """What a ledger's bytes hold: its records, and how many bytes of the file are whole lines."""

    records: list[Record]
    whole_bytes: int


def scan(data: bytes, name: str) -> Scan:
    """Read a ledger's bytes; a torn last line is left out, any other bad line raises `InputFileError`."""
    entries = list(walk(io.BytesIO(data), name))
    whole = entries[-1].start + entries[-1].length if entries else 0
    return Scan([entry.record for entry in entries], whole)


def walk(file: IO[bytes], name: str) -> Iterator[Entry]:
    """Yield the lines of an open ledger, one at a time; the same rule for bad lines as in `scan`."""
    start, are_numbered = 0, False
    for number, line in enumerate(file, start=1):
        if not line.endswith(b"\n"):
            return  # the last line, torn
        found = _decoded(line[:-1])
        if found is None:
            if not file.read(1):
                return  # the last line: written in part, its end first, when the machine went down
            raise InputFileError(
                f"{name}, line {number}: damaged (its checksum does not match). Restore the file from a copy, or use "
                f"another --run-dir; the answers in it are paid for, so it is not repaired by leaving them out."
            )
        if found[0] != (number if are_numbered else number if found[0] else None):
            says = f"says that it is line {found[0]}" if found[0] else "has no number, and the line before it has one"
            raise InputFileError(
                f"{name}, line {number}: it {says}, so the file is not whole: lines are missing or were put in. "
                f"Restore the file from a copy, or use another --run-dir."
            )
        are_numbered = found[0] is not None
        yield Entry(start, len(line), found[1])
        start += len(line)


class Ledger:
    """An open ledger; a context manager. Bodies stay in the file: `entries` reads them again, `read` one of them."""

    def __init__(self, path: Path, configuration: Mapping[str, Json]) -> None:
        """Open or make the ledger at `path`; raises `LedgerError` (locked, other configuration), `InputFileError`."""
        self.path, self.notice, self.full, self._broken = path, "", False, False
        self._file, self._end, self._lines = -1, 0, 0
        self._spare: Spare | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
            self._lock()
            self._spare = Spare(path.with_name(f"{path.name}.spare"))
            header = self._repaired()
            if header is not None:
                _same_configuration(header, configuration, path)
            else:
                self.append({"kind": "header", "version": VERSION, "configuration": dict(configuration)})
                sync_folder(path.parent)
        except OSError as error:
            self.close()
            raise LedgerError(
                f"{path} cannot be opened for writing ({error.strerror}). Nothing was asked. Make room, mend the "
                f"folder's permissions, or use another --run-dir."
            ) from None
        except BaseException:
            self.close()
            raise

    @property
    def recorded(self) -> list[Record]:
        """All records but the header."""
        return [entry.record for entry in self.entries()]

    def entries(self) -> Iterator[Entry]:
        """The lines of the ledger, one at a time, without the header."""
        with self.path.open("rb") as file:
            yield from itertools.islice(walk(file, str(self.path)), 1, None)

    def read(self, entry_start: int, length: int) -> Record:
        """The record at a place that `append` or `entries` told. Raises `LedgerError` if it was changed since."""
        with self.path.open("rb") as file:
            file.seek(entry_start)
            record = decode(file.read(length)[:-1])
        if record is None:
            raise LedgerError(f"{self.path} was changed by something else, at byte {entry_start}")
        return record

    def check_room(self) -> None:
        """Raise `LedgerError` where no further request may leave, because its answer might find no room."""
        if self.full:
            raise LedgerError(
                f"the disk that holds {self.path} is full. The answers that were on their way are recorded, nothing "
                f"more is asked. Make room and run again."
            )

    def append(self, record: Mapping[str, Json]) -> Entry:
        """Put one record on the disk; when this returns, it is there. Raises `LedgerError` if it cannot be."""
        return self.append_all([record])[0]

    def append_all(self, records: Sequence[Mapping[str, Json]]) -> list[Entry]:
        """Put some records on the disk with one write and one fsync; a crash may leave the first few of them."""
        if self._broken:
            raise LedgerError(f"{self.path} could not be written earlier; nothing more is asked in this run")
        lines = [encode(record, number) for number, record in enumerate(records, start=self._lines + 1)]
        start = self._end
        try:
            self._write(b"".join(lines))
        except OSError as error:
            self._broken = True  # a failed fsync must not be tried again: the kernel may have dropped the page
            raise LedgerError(
                f"{self.path} cannot be written ({error.strerror}). Make room or mend the folder, then run again: "
                f"what was recorded before is safe and is not asked again."
            ) from None
        self._lines += len(lines)
        starts = itertools.accumulate((len(line) for line in lines), initial=start)
        return [Entry(at, len(line), dict(each)) for at, line, each in zip(starts, lines, records, strict=False)]

    def close(self) -> None:
        """Give up the lock and the spare room."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._spare is not None:
            self._spare.give_up()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        """Write and fsync; on a full disk give up the spare room and try once more."""
        try:
            self._write_whole(data)
        except OSError as error:
            if error.errno not in NO_ROOM or self._spare is None or not self._spare.give_up():
                raise
            self.full = True
            self._write_whole(data)
        os.fsync(self._file)
        self._end += len(data)

    def _write_whole(self, data: bytes) -> None:
        try:
            if os.write(self._file, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self._end)  # no half line may stand before the next one
            raise

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LedgerError(
                f"another process is writing {self.path}: wait for it, stop it, or use another --run-dir"
            ) from None

    def _repaired(self) -> Record | None:
        """Cut a torn tail off the file, keeping its bytes in a neighbour; returns the header, if there is one."""
        header: Record | None = None
        records = whole = 0
        with self.path.open("rb") as file:
            for entry in walk(file, str(self.path)):
                header = header or entry.record
                records, whole = records + 1, entry.start + entry.length
            file.seek(whole)
            torn = file.read()
        self._end, self._lines = whole, records
        if (record := decode(torn)) is not None:  # only its line end is missing
            os.write(self._file, b"\n")
            self._end, self._lines = whole + len(torn) + 1, records + 1
            return header or record
        if torn:
            with self.path.with_name(f"{self.path.name}.torn").open("ab") as neighbour:
                neighbour.write(torn + b"\n")
                neighbour.flush()
                os.fsync(neighbour.fileno())
            os.ftruncate(self._file, whole)
            os.fsync(self._file)
            self.notice = (
                f"The last line of {self.path.name} was torn by a crash: {len(torn)} bytes moved to "
                f"{self.path.name}.torn; the {max(0, records - 1)} records before it are whole."
            )
        return header


def _same_configuration(header: Record, wanted: Mapping[str, Json], path: Path) -> None:
    if header.get("kind") != "header" or header.get("version") not in READABLE_VERSIONS:
        raise InputFileError(f"{path}, line 1: not the header of a ledger (version {VERSION}); use another --run-dir")
    found = header.get("configuration")
    found = found if isinstance(found, dict) else {}
    wanted = json.loads(json.dumps(dict(wanted)))
    changed = [
        f"{name} was {found.get(name)!r} and is now {wanted.get(name)!r}"
        for name in sorted({*found, *wanted})
        if found.get(name) != wanted.get(name)
    ]
    if changed:
        raise LedgerError(
            f"{path} holds answers that were asked with another configuration: {'; '.join(changed)}. "
            f"Answers of two configurations are not mixed: use another --run-dir, or set the old values again."
        )
