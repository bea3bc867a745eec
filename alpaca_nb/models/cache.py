"""The per-user cache of model folders: each is built once, by one process, and appears whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs
from filelock import FileLock

from alpaca_nb.errors import ModelError
from alpaca_nb.files import sync_folder

CACHE_VARIABLE = "ALPACA_NB_CACHE"


def cache_folder() -> Path:
    """The folder that `ALPACA_NB_CACHE` names, else the user's cache folder for this program."""
    named = os.environ.get(CACHE_VARIABLE, "")
    return Path(named).expanduser().resolve() if named else platformdirs.user_cache_path("alpaca-nb")


def built_once(name: str, build: Callable[[Path], None]) -> Path:
    """Return the cached folder `name`; where it is absent, `build` fills a neighbour that is then renamed to it.

    A lock lets one process build while the others wait for it. Whatever a failed build made is removed, and so is what
    a killed one left. Raises `ModelError` where the cache cannot be written.
    """
    folder = cache_folder() / name
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{name}.lock")):
            if not folder.is_dir():
                _build(folder, build)
    except OSError as error:
        raise ModelError(
            f"the model folder {folder} could not be made ({error}); "
            f"free some space there, or let the environment variable {CACHE_VARIABLE} name another folder"
        ) from error
    return folder


def _build(folder: Path, build: Callable[[Path], None]) -> None:
    prefix = f".{folder.name}.building-"
    for left_over in folder.parent.glob(f"{prefix}*"):  # we hold the lock, so nobody works there any more
        shutil.rmtree(left_over, ignore_errors=True)
    neighbour = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        build(neighbour)
        neighbour.rename(folder)
    finally:
        shutil.rmtree(neighbour, ignore_errors=True)
    sync_folder(folder.parent)
