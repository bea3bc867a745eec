"""Generation against model servers that this project did not write: llama.cpp's, and `transformers serve`.

Both serve SmolLM2 from this user's cache; what is not installed or not there is skipped, with the reason.
"""

import asyncio
import importlib.util
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alpaca_nb import processes
from alpaca_nb.generation.seeds import read_seed_tasks
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.generation.stage import generate
from alpaca_nb.models.cache import cache_folder
from alpaca_nb.models.smollm2 import CACHED_AS, GGUF_CACHED_AS
from alpaca_nb.runs import KIT_FOLDER, Stage
from alpaca_nb.teacher.local_server import running_own_teacher
from alpaca_nb.teacher.settings import TeacherSettings

pytestmark = pytest.mark.slow
SERVE = Path(sys.executable).with_name("transformers")
SEEDS = read_seed_tasks(KIT_FOLDER / "alpaca_nb" / "seed_tasks" / "seed_tasks.jsonl")
FILES = ("dataset.json", "rejected.jsonl", "generation/provenance.jsonl")


@contextmanager
def llama_cpp(folder: Path) -> Iterator[tuple[str, str]]:
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip('xllamacpp is not installed: pip install -e ".[local]"')
    if not (cache_folder() / GGUF_CACHED_AS).is_dir():
        pytest.skip("SmolLM2's GGUF is not in the cache; `alpaca-nb teacher --model smollm2-135m` puts it there")
    with running_own_teacher("smollm2-135m", 17) as url:
        yield url, "smollm2-135m"


@contextmanager
def transformers_serve(folder: Path) -> Iterator[tuple[str, str]]:
    missing = [name for name in ("fastapi", "uvicorn", "rich") if importlib.util.find_spec(name) is None]
    if missing or not SERVE.is_file():
        pytest.skip(f"`transformers serve` lacks {', '.join(missing)}: pip install 'transformers[serving]'")
    if not (cache_folder() / CACHED_AS).is_dir():
        pytest.skip("smollm2-135m is not in this user's cache; `alpaca-nb run tiny` puts it there")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    model = str(cache_folder() / CACHED_AS)
    (folder / "hub").mkdir()
    server = processes.start(
        [str(SERVE), "serve", model, "--device", "cpu", "--dtype", "float32", "--port", str(port)],
        environment={"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(folder / "hub"), "OMP_NUM_THREADS": "1"},
        output=os.open(folder / "server.log", os.O_WRONLY | os.O_CREAT),
    )
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}/health", lambda: server.poll() is None)
        yield f"http://127.0.0.1:{port}/v1", model
    finally:
        processes.stop(server)


def wait_until_it_answers(url: str, alive: Callable[[], bool], seconds: float = 90) -> None:
    end = time.time() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            assert alive() and time.time() < end, "the server did not come up"
            time.sleep(0.2)


@pytest.mark.parametrize(("server", "rows", "tokens"), [(llama_cpp, 3, 160), (transformers_serve, 2, 48)])
def test_a_real_model_writes_rows_that_bear_its_name(
    server: Callable[..., object], rows: int, tokens: int, tmp_path: Path
) -> None:
    with server(tmp_path) as (url, model):  # type: ignore[attr-defined]
        teacher = TeacherSettings(url, model, 0.7, tokens, 0.0, 17)
        wanted = GenerationSettings(teacher, 17, rows, seeds_per_request=8, concurrency=2, protocol="list")
        made = asyncio.run(generate(Stage("02_generate_data", tmp_path / "run", {}), wanted, wanted.way(SEEDS)))
    assert made.teacher.removesuffix("@main") == model  # `transformers serve` names the revision too
    written = [json.loads(line) for line in (tmp_path / "run" / FILES[2]).read_text().splitlines()]
    assert len(written) == rows and {row["model"] for row in written} == {made.teacher}
    assert all(row["usage"]["completion_tokens"] > 0 for row in written), "such servers do say what they used"
    for row in json.loads((tmp_path / "run" / FILES[0]).read_text()):
        assert "\n" not in row["instruction"] and row["output"].strip()

    # the server is gone, and the ledger has it all
    before = [(tmp_path / "run" / name).read_bytes() for name in FILES]
    asyncio.run(generate(Stage("02_generate_data", tmp_path / "run", {}), wanted, wanted.way(SEEDS)))
    assert [(tmp_path / "run" / name).read_bytes() for name in FILES] == before
