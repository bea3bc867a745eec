"""A canary key in the environment is in no file that a run leaves and in nothing it prints, also where it fails.

`test_whole_run.py` asks the same of a run that ends well.
"""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_notebooks import write_stage
from stub_endpoint import error, stub_endpoint

from alpaca_nb.runs import STAGES

KEY = "sk-canary-7f3a9b2c5d-0123456789"
FORMS = (KEY.encode(), base64.b64encode(KEY.encode()), KEY[:20].encode(), KEY[-14:].encode())


def command(folder: Path, recipe: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a recipe as a user does, with the key set and the client's own logging at its most talkative."""
    return subprocess.run(
        [sys.executable, "-m", "alpaca_nb.cli", "run", recipe, "--run-dir", str(folder / "run"), *options],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "OPENAI_API_KEY": KEY, "OPENAI_LOG": "debug"},
        timeout=300,
    )


def assert_no_key(folder: Path, said: subprocess.CompletedProcess[str]) -> None:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert len(files) >= 3
    found = [file.relative_to(folder) for file in files for form in FORMS if form in file.read_bytes()]
    assert found == []
    assert not any(form.decode() in said.stdout + said.stderr for form in FORMS)


@pytest.mark.skipif(sys.platform != "linux", reason="0.0.0.0 reaches this very machine on Linux")
@pytest.mark.slow
def test_an_endpoint_that_repeats_the_key_in_its_refusal(tmp_path: Path) -> None:
    refusal = error(401, f"Incorrect API key provided: {KEY}. Masked: {KEY[:8]}********{KEY[-4:]}.", "invalid_api_key")
    with stub_endpoint(lambda number, prompt: refusal) as stub:
        elsewhere = stub.base_url.replace("127.0.0.1", "0.0.0.0")  # a loopback address would be sent no key
        options = (f"teacher_base_url={elsewhere}", "-p", "teacher_model=gpt-6-luna")
        ended = command(tmp_path, "smoke", "--until", "02", "-p", *options)
    assert set(stub.keys) == {f"Bearer {KEY}"}, "the key did go over the wire, so it could have been written down"
    assert ended.returncode == 1
    assert "refuses the key (HTTP 401)" in ended.stderr and "OPENAI_API_KEY" in ended.stderr
    executed = (tmp_path / "run" / "02_generate_data.ipynb").read_text()
    assert "TeacherError" in executed and "[key removed]" in executed
    assert_no_key(tmp_path / "run", ended)


def test_a_cell_that_prints_the_key_and_fails_with_it(tmp_path: Path) -> None:
    write_stage(
        tmp_path / "notebooks",
        STAGES[0],
        "import os, sys\nkey = os.environ['OPENAI_API_KEY']\nprint(key)\nprint({'headers': key}, file=sys.stderr)",
        "open(stage.path('logs', 'rank0.log'), 'w').write(f'Authorization: Bearer {key}')",
        "def ask(api_key):\n    raise RuntimeError(f'no answer for {api_key}')\n\nask(key)",
    )
    (tmp_path / "plain.yaml").write_text("seed: 5\n")
    ended = command(tmp_path, "./plain.yaml", "--until", "01", "--notebooks", str(tmp_path / "notebooks"))
    assert ended.returncode == 1
    assert "no answer for <key>" in ended.stderr
    executed = (tmp_path / "run" / f"{STAGES[0]}.ipynb").read_text()
    assert "RuntimeError" in executed and "<key>" in executed
    assert_no_key(tmp_path / "run", ended)
