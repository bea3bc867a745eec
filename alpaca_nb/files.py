"""Reading and writing small files so that a crash, a full disk or a torn line never passes unseen.

Final files appear whole or not at all (write to a neighbour, fsync, rename, fsync the folder); ledgers are
appended one line at a time and fsynced. Every reading error names the file and the line.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from alpaca_nb.errors import InputFileError

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
_HASH_BLOCK_BYTES = 1 << 20


def write_text(path: Path, text: str) -> Path:
    """Write `text` as UTF-8 with its own line ends, atomically; parent folders are made."""
    return write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a whole file or nothing."""
    with appearing(path) as file:
        file.write(content)
    return path


@contextmanager
def appearing(path: Path, mark: str = "") -> Iterator[IO[bytes]]:
    """Open a file that takes the name `path` when the block ends well, and not before: until then it is a neighbour.

    The neighbour is on the disk before it takes the name. Its own name holds `mark`, or else the process's number: who
    writes for long may be killed, and the next writer with the same mark, of whom there is only one, replaces it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    neighbour = path.with_name(f".{path.name}.{mark or os.getpid()}.tmp")
    try:
        with neighbour.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        neighbour.replace(path)
    finally:
        neighbour.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_json(path: Path, value: object) -> Path:
    """Write `value` as indented JSON, atomically."""
    return write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_json_list(path: Path, values: Iterable[object]) -> Path:
    """Write what `write_json` writes of a list; `values` may be more than the memory holds."""
    with appearing(path) as file:
        before = "[\n  "
        for value in values:
            file.write((before + json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n  ")).encode())
            before = ",\n  "
        file.write(b"[]\n" if before.startswith("[") else b"\n]\n")
    return path


def write_jsonl(path: Path, values: Iterable[object]) -> Path:
    """Write one JSON value a line, atomically; `values` may be more than the memory holds."""
    with appearing(path) as file:
        file.writelines(map(json_line, values))
    return path


def json_line(value: object) -> bytes:
    """One line of a JSONL file."""
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def read_json(path: Path) -> Json:
    """Parse a JSON file; raises `InputFileError` with the line of the first fault."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    except FileNotFoundError:
        raise InputFileError(f"{path.name} does not exist in {path.parent}") from None
    except json.JSONDecodeError as error:
        raise InputFileError(f"{path}, line {error.lineno}: not valid JSON ({error.msg})") from None
    except UnicodeDecodeError as error:
        raise InputFileError(f"{path}: not UTF-8 text (byte {error.start})") from None


def read_jsonl(path: Path) -> Iterator[tuple[int, Json]]:
    """Yield (line number from 1, value) for each non-empty line; raises `InputFileError` at a bad one."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputFileError(f"{path.name} does not exist in {path.parent}") from None
    except UnicodeDecodeError as error:
        raise InputFileError(f"{path}: not UTF-8 text (byte {error.start})") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except json.JSONDecodeError as error:
            raise InputFileError(f"{path}, line {number}: not valid JSON ({error.msg})") from None


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file, or of a folder's files with their names in order."""
    digest = hashlib.sha256()
    if path.is_dir():
        for child in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(f"{child.relative_to(path).as_posix()}\0{sha256_of(child)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable; a no-op where folders cannot be opened (Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
