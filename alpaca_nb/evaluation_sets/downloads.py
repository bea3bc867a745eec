"""Published files, each pinned to a commit and checked before it is used; none of them is part of the repository.

They are fetched once into the user's cache. Their licences are their own: self-instruct is Apache-2.0, AlpacaEval's
data are CC BY-NC 4.0, for which reason they are only read on the machine of whoever asks for them.
"""

import hashlib
import json
import os
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.errors import InputFileError
from alpaca_nb.models.cache import CACHE_VARIABLE, cache_folder

TIMEOUT_SECONDS = 60
MOST_BYTES = 20_000_000
SOURCE = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class PinnedFile:
    """One file at one commit, held to its SHA-256 where that is known.

    Of AlpacaEval's two files it is not: this project has seen them whole only as text, not byte for byte. They are
    held to the commit, to their number of characters, and to those of their rows that are known: the 252 tasks
    (`load.read_alpaca_eval`), or the 252 verdicts on them (`verdicts_sha256`).
    """

    repository: str
    commit: str
    path: str
    licence: str
    sha256: str | None = None
    characters: int | None = None
    verdicts_sha256: str | None = None

    @property
    def url(self) -> str:
        """Where the file is fetched from."""
        return f"{SOURCE}/{self.repository}/{self.commit}/{self.path}"

    @property
    def cached(self) -> Path:
        """Where the file stands once it has been fetched; a file put there by hand is checked and used as well."""
        name = f"{self.repository.replace('/', '-')}-{self.commit[:8]}-{self.path.replace('/', '-')}"
        return cache_folder() / "evaluation" / name


_SELF_INSTRUCT, _ALPACA_EVAL = "yizhongw/self-instruct", "tatsu-lab/alpaca_eval"
_SELF_INSTRUCT_COMMIT = "354249bebfffe152a19863b8323f9b71d37470ff"
PINNED = {
    "self_instruct": PinnedFile(
        _SELF_INSTRUCT, _SELF_INSTRUCT_COMMIT, "human_eval/user_oriented_instructions.jsonl", "Apache-2.0",
        sha256="81d60a117db495cecedecd9193504fd07c5b5a42f6699ef6b0f9da10fc22f42e",
    ),
    "text-davinci-003": PinnedFile(
        _SELF_INSTRUCT, _SELF_INSTRUCT_COMMIT,
        "human_eval/predictions/text-davinci-003_predictions.jsonl", "Apache-2.0",
        sha256="9fbf9229c917f2c832399e4d474f0ed1a4f367fae61e5eee814f3db687e0d584",
    ),
    "alpaca_eval": PinnedFile(
        _ALPACA_EVAL, "6ecae95a11645e683f5ef88c0f74d0ba351bee09", "results/alpaca-7b/model_outputs.json",
        "CC BY-NC 4.0", characters=539_271,
    ),
    "alpaca_eval_annotations": PinnedFile(
        _ALPACA_EVAL, "a023f53f41defc4dd0365862a9f5130bd274d835",
        "results/alpaca-7b/alpaca_eval_gpt4/annotations.json", "CC BY-NC 4.0", characters=1_085_344,
        verdicts_sha256="ecf85c57006134ce876512d3fef5d2de2a4558aedf1c20dafb18751db2308728",
    ),
}  # fmt: skip


def fetched(name: str, by_path: str = "evaluation_set=FILE") -> Path:
    """Return the pinned file `name`, fetching it where it is not cached; raises `InputFileError` without network.

    `by_path` is the parameter that takes a file of the user's own in its stead, for the error's words.
    """
    pinned = PINNED[name]
    if not pinned.cached.exists():
        data = _download(pinned, by_path)
        _check(pinned, data, pinned.url)
        _keep(pinned.cached, data)
        print(f"fetched {pinned.url} ({len(data):,} bytes, licence {pinned.licence})")
    else:
        _check(pinned, pinned.cached.read_bytes(), str(pinned.cached))
    return pinned.cached


def _download(pinned: PinnedFile, by_path: str) -> bytes:
    try:
        with urllib.request.urlopen(pinned.url, timeout=TIMEOUT_SECONDS) as answer:
            data: bytes = answer.read(MOST_BYTES + 1)
            return data
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputFileError(
            f"{pinned.url} cannot be fetched ({reason}). This needs a network. Without one, bring the file from "
            f"another machine and put it at {pinned.cached} (the folder follows {CACHE_VARIABLE}), or give the path of "
            f"a file that you have: {by_path}. The kit's own tasks, evaluation_set=kit, need no network."
        ) from None


def _check(pinned: PinnedFile, data: bytes, where: str) -> None:
    if len(data) > MOST_BYTES:
        raise InputFileError(f"{where}: more than {MOST_BYTES:,} bytes, so not the file that was meant")
    if pinned.sha256 is not None and hashlib.sha256(data).hexdigest() != pinned.sha256:
        raise InputFileError(
            f"{where}: not the file that was meant (SHA-256 {hashlib.sha256(data).hexdigest()[:12]}… instead of "
            f"{pinned.sha256[:12]}…); delete it if it is a damaged copy"
        )
    found = len(data.decode("utf-8", "replace"))
    if pinned.characters is not None and found != pinned.characters:
        raise InputFileError(
            f"{where}: {found:,} characters instead of {pinned.characters:,}; not the file that was meant"
        )
    if pinned.verdicts_sha256 is not None and verdicts_digest(data) != pinned.verdicts_sha256:
        raise InputFileError(f"{where}: its verdicts on the set selfinstruct are others; not the file that was meant")


def verdicts_digest(data: bytes) -> str:
    """SHA-256 of an annotation file's rows of the set selfinstruct, in any order; empty where it cannot be read."""
    try:
        rows = [row for row in json.loads(data) if row["dataset"] == "selfinstruct"]
        known = [[row[name] for name in ("instruction", "output_1", "output_2", "preference")] for row in rows]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return hashlib.sha256("\n".join(sorted(map(json.dumps, known))).encode()).hexdigest()


def _keep(path: Path, data: bytes) -> None:
    """Put the bytes there, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, neighbour = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(neighbour).replace(path)
    finally:
        Path(neighbour).unlink(missing_ok=True)
