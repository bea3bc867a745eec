"""Fixtures that several test files share."""

import os
import socket
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture
def upstream_data() -> Path:
    """Folder with real upstream files, which are never part of the repository; skips where it is absent."""
    folder = Path(os.environ.get("ALPACA_NB_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real upstream data is not at {folder}; set ALPACA_NB_TEST_DATA to its folder")
    return folder


@pytest.fixture
def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
