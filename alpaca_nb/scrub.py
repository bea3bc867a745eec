"""Takes the machine out of what a run leaves: folders become words, keys become `<key>`.

An executed notebook or a log is shared and published; a traceback in it names the home folder, the interpreter and
whatever a library chose to print. Relative paths that climb to the top (`../../../home/ada/x`) name the same folders,
so they are replaced too.
"""

import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from alpaca_nb.files import write_text
from alpaca_nb.runs import KIT_FOLDER

_SECRET_VARIABLE = re.compile(r"(API_KEY|TOKEN|SECRET|PASSWORD)$")
_SHORTEST_SECRET = 8  # characters; shorter values would also hit ordinary words
_LOG_SUFFIXES = {".log", ".json", ".txt"}
_CLIMB = r"(?:\.\.(?:[/\\]+\.\.)*)?"


def scrubber(run_dir: Path) -> Callable[[str], str]:
    """Return the function that scrubs a text of this machine's folders and of the environment's keys."""
    folders = {
        "<run>": run_dir,
        "<kit>": KIT_FOLDER,
        "<python>": Path(sys.prefix),
        "~": Path.home(),
        "<tmp>": Path(tempfile.gettempdir()),
    }
    words = {form: word for word, folder in reversed(folders.items()) for form in _forms(folder)}
    words |= dict.fromkeys(_forms(Path(sys.base_prefix)), "<python>") if len(Path(sys.base_prefix).parts) > 2 else {}
    longest_first = sorted(words, key=len, reverse=True)
    pattern = re.compile(f"{_CLIMB}({'|'.join(map(re.escape, longest_first))})(?![\\w-]|\\.\\w)")
    secrets = sorted(_secrets(), key=len, reverse=True)

    def scrub(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "<key>")
        return pattern.sub(lambda match: words[match.group(1)], text)

    return scrub


def scrub_logs(run_dir: Path, scrub: Callable[[str], str]) -> None:
    """Scrub every text file that lies in a folder called `logs`: what the processes of a stage said, tracebacks too."""
    for file in sorted(run_dir.rglob("*")):
        if file.suffix in _LOG_SUFFIXES and "logs" in file.relative_to(run_dir).parts[:-1] and file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace")
            if (clean := scrub(text)) != text:
                write_text(file, clean)


def _forms(folder: Path) -> set[str]:
    """The ways a folder is written: as given, resolved, and with backslashes doubled (inside JSON, on Windows)."""
    plain = {str(folder.absolute()), str(folder.resolve())}
    return {form for text in plain if len(Path(text).parts) > 1 for form in (text, text.replace("\\", "\\\\"))}


def _secrets() -> set[str]:
    return {
        value
        for name, value in os.environ.items()
        if _SECRET_VARIABLE.search(name.upper()) and len(value) >= _SHORTEST_SECRET
    }
