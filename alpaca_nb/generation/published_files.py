"""The published prompt and seed tasks: from a folder the user names, or downloaded once, and checked either way.

They belong to tatsu-lab/stanford_alpaca and are not part of this kit; a download is kept in the user's cache.
"""

import http.client
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.errors import InputFileError
from alpaca_nb.files import sha256_of
from alpaca_nb.generation.seeds import read_seed_tasks
from alpaca_nb.models.cache import built_once
from alpaca_nb.records import SeedTask

REPOSITORY, COMMIT = "tatsu-lab/stanford_alpaca", "761dc5bfbdeeffa89b8bff5d038781a4055f796a"
PROMPT_FILE, SEEDS_FILE = "prompt.txt", "seed_tasks.jsonl"
SHA256 = {
    PROMPT_FILE: "c042d2a46d3bdc4fa4406deeed5951dc2dcd4ebf29ebf8237210c384f09b5b2d",
    SEEDS_FILE: "7779004fa198fdf27cf70a159363879d8a26c53329e11b436af17b3941875f48",
}
ADDRESS = "https://raw.githubusercontent.com"
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class PublishedFiles:
    """What the published generator reads."""

    prompt: str
    seeds: list[SeedTask]


def published_files(published_path: str, *, address: str = ADDRESS) -> PublishedFiles:
    """Read both files from the folder `published_path`, or (where it is empty) from the cache, downloading them once.

    Raises `InputFileError` where a file is missing, is another version, or cannot be downloaded.
    """
    if published_path:
        folder = Path(published_path).expanduser()
        _check(folder)
    else:
        folder = built_once(f"stanford-alpaca-{COMMIT[:7]}", lambda new: _download(new, address))
    return PublishedFiles((folder / PROMPT_FILE).read_text(encoding="utf-8"), read_seed_tasks(folder / SEEDS_FILE))


def _download(folder: Path, address: str) -> None:
    for name in SHA256:
        url = f"{address}/{REPOSITORY}/{COMMIT}/{name}"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as reply:
                (folder / name).write_bytes(reply.read())
        except (OSError, http.client.HTTPException) as error:
            raise InputFileError(
                f"protocol stanford needs {name} as Stanford published it, and {url} could not be read "
                f"({getattr(error, 'reason', error)}). Put {' and '.join(SHA256)} of {REPOSITORY} @ {COMMIT[:7]} into "
                f"one folder and name it in published_path, or use protocol repaired, which needs no file."
            ) from None
    _check(folder)


def _check(folder: Path) -> None:
    for name, wanted in SHA256.items():
        if not (folder / name).is_file():
            raise InputFileError(
                f"{folder / name} is not there; published_path names a folder with {' and '.join(SHA256)} "
                f"of {REPOSITORY} @ {COMMIT[:7]}"
            )
        if (found := sha256_of(folder / name)) != wanted:
            raise InputFileError(
                f"{folder / name} is not the file of {REPOSITORY} @ {COMMIT[:7]}: its SHA-256 begins {found[:12]}, not "
                f"{wanted[:12]}. (An editor or git may have changed its line ends.)"
            )
