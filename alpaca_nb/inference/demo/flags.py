"""Reports of bad answers: one line each, on the disk before the page says thank you."""

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from alpaca_nb.inference.demo.guards import RefusedError

REASONS = ("wrong facts", "harmful or rude", "stereotype", "does not follow the instruction", "other")
LONGEST_NOTE = 500
_LOCK = threading.Lock()


def store_flag(path: Path, exchange: dict[str, object], reason: str, note: str) -> None:
    """Append one report; raises `RefusedError` without an exchange or with a reason that is not offered."""
    if not exchange:
        raise RefusedError("There is no answer to flag yet.")
    if reason not in REASONS:
        raise RefusedError("Please choose a reason.")
    if len(note) > LONGEST_NOTE:
        raise RefusedError(f"The note has {len(note)} characters; {LONGEST_NOTE} are allowed.")
    when = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps({"when": when, "reason": reason, "note": note, **exchange}, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _LOCK, path.open("a", encoding="utf-8", errors="replace", newline="\n") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
