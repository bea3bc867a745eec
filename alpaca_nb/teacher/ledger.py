"""The ledger: an append-only file that holds every answer before anybody looks at it.

One record a line, `{"crc32":"…","record":{…}}`, written by one `os.write` and one fsync. So a crash can only tear the
last line, which opening repairs (what was torn is kept beside it); a bad line anywhere else is damage and an error.
The first record is a header with the configuration: another configuration's answers are never mixed in. On POSIX a
lock makes sure that one process writes; on Windows nothing does. What the records mean is `recorded.py`'s business.
"""

import errno
import json
import os
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from alpaca_nb.errors import InputFileError, LedgerError
from alpaca_nb.files import Json, sync_folder

Record = dict[str, Json]
VERSION = 1
_START, _MIDDLE, _END = b'{"crc32":"', b'","record":', b"}"
_PAYLOAD_AT = len(_START) + 8 + len(_MIDDLE)


def encode(record: Mapping[str, Json]) -> bytes:
    """One line for one record, with the CRC-32 of the record's own bytes."""
    payload = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    return b"%s%08x%s%s%s\n" % (_START, zlib.crc32(payload), _MIDDLE, payload, _END)


def decode(line: bytes) -> Record | None:
    """The record of one line (without its line end); None where a byte of it is wrong."""
    payload = line[_PAYLOAD_AT : -len(_END)]
    if line != b"%s%08x%s%s%s" % (_START, zlib.crc32(payload), _MIDDLE, payload, _END):
        return None
    try:
        value = json.loads(payload)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@dataclass(frozen=True)
class Scan:
    """What a ledger's bytes hold: its records, and how many bytes of the file are whole lines."""

    records: list[Record]
    whole_bytes: int


def scan(data: bytes, name: str) -> Scan:
    """Read a ledger's bytes; a torn last line is left out, any other bad line raises `InputFileError`."""
    records: list[Record] = []
    whole = 0
    lines = data.split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        record = decode(line)
        if record is None:
            if whole + len(line) + 1 == len(data):
                break  # the last line: written in part, its end first, when the machine went down
            raise InputFileError(
                f"{name}, line {number}: damaged (its checksum does not match). Restore the file from a copy, or use "
                f"another --run-dir; the answers in it are paid for, so it is not repaired by leaving them out."
            )
        records.append(record)
        whole += len(line) + 1
    return Scan(records, whole)


class Ledger:
    """An open ledger; a context manager. `recorded` are the records found at opening, without the header."""

    def __init__(self, path: Path, configuration: Mapping[str, Json]) -> None:
        """Open or make the ledger at `path`; raises `LedgerError` (locked, other configuration), `InputFileError`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.notice, self._broken = path, "", False
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
        try:
            self._lock()
            found = self._repaired(path.read_bytes())
            if found.records:
                _same_configuration(found.records[0], configuration, path)
            else:
                self.append({"kind": "header", "version": VERSION, "configuration": dict(configuration)})
                sync_folder(path.parent)
        except BaseException:
            self.close()
            raise
        self.recorded = found.records[1:]

    def append(self, record: Mapping[str, Json]) -> None:
        """Put one record on the disk; when this returns, it is there. Raises `LedgerError` if it cannot be."""
        if self._broken:
            raise LedgerError(f"{self.path} could not be written earlier; nothing more is asked in this run")
        line = encode(record)
        try:
            if os.write(self._file, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file)
        except OSError as error:
            self._broken = True  # a failed fsync must not be tried again: the kernel may have dropped the page
            raise LedgerError(
                f"{self.path} cannot be written ({error.strerror}). Make room or mend the folder, then run again: "
                f"what was recorded before is safe and is not asked again."
            ) from None

    def close(self) -> None:
        """Give up the lock."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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

    def _repaired(self, data: bytes) -> Scan:
        """Cut a torn tail off the file, keeping its bytes in a neighbour, and say so in `notice`."""
        found = scan(data, str(self.path))
        torn = data[found.whole_bytes :]
        if (record := decode(torn)) is not None:  # only its line end is missing
            os.write(self._file, b"\n")
            found.records.append(record)
        elif torn:
            with self.path.with_name(f"{self.path.name}.torn").open("ab") as neighbour:
                neighbour.write(torn + b"\n")
            os.ftruncate(self._file, found.whole_bytes)
            os.fsync(self._file)
            self.notice = (
                f"The last line of {self.path.name} was torn by a crash: {len(torn)} bytes moved to "
                f"{self.path.name}.torn; the {max(0, len(found.records) - 1)} records before it are whole."
            )
        return found


def _same_configuration(header: Record, wanted: Mapping[str, Json], path: Path) -> None:
    if header.get("kind") != "header" or header.get("version") != VERSION:
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
