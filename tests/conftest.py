"""Fixtures that several test files share."""

import contextlib
import os
import random
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from whole_runs import WholeRun, command, environment

from alpaca_nb.evaluation_sets.downloads import PINNED
from alpaca_nb.evaluation_sets.load import read_self_instruct
from alpaca_nb.models import model_folder
from alpaca_nb.models.cache import CACHE_VARIABLE
from alpaca_nb.records import EvaluationTask
from alpaca_nb.runs import begin_stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The same examples every time, however long they take: neither a busy machine nor a lucky draw fails a change that has
# nothing to do with it. To look for new examples: `pytest --hypothesis-profile=default`.
settings.register_profile("gate", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gate")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture
def upstream_data() -> Path:
    """Folder with real upstream files, which are never part of the repository; skips where it is absent."""
    folder = Path(os.environ.get("ALPACA_NB_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real upstream data is not at {folder}; set ALPACA_NB_TEST_DATA to its folder")
    return folder


@pytest.fixture
def davincis_tasks(upstream_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[EvaluationTask]:
    """The 252 tasks of self-instruct; text-davinci-003's published answers to them lie in a cache of the test's own."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    cached = PINNED["text-davinci-003"].cached
    cached.parent.mkdir(parents=True)
    shutil.copyfile(upstream_data / "text-davinci-003_predictions.jsonl", cached)
    return read_self_instruct(upstream_data / "user_oriented_instructions.jsonl")


@pytest.fixture
def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on now.

    It lies below those that Linux and macOS give to connections, or one could take it before the test does.
    """
    for port in random.SystemRandom().sample(range(15_000, 32_000), 1_000):
        with contextlib.suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            return port
    raise AssertionError("of a thousand ports none is free")


@pytest.fixture(scope="session")
def random_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Folders of two random LLaMAs of a million parameters: one stands for the untuned model, one for the tuned."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPACA_NB_CACHE", str(tmp_path_factory.mktemp("models")))
        found = {which: model_folder("random-llama-1m", seed=seed) for which, seed in (("untuned", 17), ("tuned", 18))}
    yield found


@pytest.fixture(scope="session")
def random_run(random_models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder whose notebook 03 has finished: the random tuned model, and the record of what it was made from."""
    run_dir = tmp_path_factory.mktemp("runs") / "run"
    shutil.copytree(random_models["tuned"], run_dir / "model")
    metrics = {"base_model": "random-llama-1m", "rows_trained": 60, "held_out_loss": 4.5}
    base = str(random_models["untuned"])
    begin_stage("03_finetune_fsdp", str(run_dir), seed=17, base_model=base, epochs=2).finish(metrics=metrics)
    return run_dir


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> WholeRun:
    """A finished run of the recipe `smoke`: made once, read by many; whoever wants to change it takes a copy."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    folder = tmp_path_factory.mktemp("runs") / "smoke"
    answer = subprocess.run(
        command(folder), capture_output=True, text=True, cwd=elsewhere, env=environment(), timeout=550
    )
    return WholeRun(folder, elsewhere, answer.stdout, answer.stderr, answer.returncode)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Headless Chromium; skips where playwright or the browser is absent (another may be named in $CHROMIUM)."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e .[browser]")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    found = found or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium, or name one in $CHROMIUM")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()
