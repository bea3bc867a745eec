"""A real model as teacher: SmolLM2 through llama.cpp's own server, started by the kit. Skipped where absent."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from alpaca_nb.errors import TeacherError
from alpaca_nb.models.cache import cache_folder
from alpaca_nb.models.smollm2 import GGUF_CACHED_AS
from alpaca_nb.prices import LOCAL_MODELS, price_of
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.teacher.local_server import running_own_teacher
from alpaca_nb.teacher.settings import check_address_for

SMOLLM2 = "smollm2-135m"


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip('xllamacpp is not installed: pip install -e ".[local]"')
    if not (cache_folder() / GGUF_CACHED_AS).is_dir():
        pytest.skip("SmolLM2's GGUF is not in the cache; `alpaca-nb teacher --model smollm2-135m` puts it there")
    with (
        running_own_teacher(SMOLLM2, 17) as url,
        openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=60) as client,
    ):
        yield client


def test_it_answers_as_this_very_model_does(client: openai.OpenAI) -> None:
    prompt = alpaca_prompt("List the primary colors.")
    answer = client.completions.create(model=SMOLLM2, prompt=prompt, max_tokens=40, temperature=0)
    assert answer.choices[0].text == "\nThe primary colors are red, blue, and yellow."
    assert answer.choices[0].finish_reason == "stop"


def test_every_answer_is_labelled_with_the_model_s_name(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [SMOLLM2]
    messages = [{"role": "user", "content": "Say hello."}]
    answer = client.chat.completions.create(model="gpt-6-luna", messages=messages, max_tokens=5)  # type: ignore[arg-type]
    assert answer.model == SMOLLM2
    assert answer.usage is not None and answer.usage.completion_tokens == 5
    assert answer.choices[0].finish_reason == "length"


def test_plain_lists_end_at_the_line(client: openai.OpenAI) -> None:
    prompt = "Come up with a series of diverse tasks for a text assistant:\n\n1. Name three rivers.\n2."
    options = {"max_tokens": 60, "temperature": 0.7, "stop": ["\n"], "extra_body": {"min_p": 0.05}}
    answer = client.completions.create(model=SMOLLM2, prompt=prompt, **options)  # type: ignore[call-overload]
    assert "\n" not in answer.choices[0].text and answer.choices[0].text.strip()


def test_without_the_extra_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('not here')")
    kit = Path(__file__).resolve().parent.parent
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{kit}")
    wanted = r"xllamacpp, which does not load \(not here\): pip install"
    with pytest.raises(TeacherError, match=wanted), running_own_teacher(SMOLLM2, 17):
        pass
    command = [sys.executable, "-m", "alpaca_nb.cli", "teacher", "--model", SMOLLM2, "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr and 'pip install -e ".[local]"' in ended.stderr


def test_its_name_needs_no_address_and_it_costs_nothing() -> None:
    check_address_for(SMOLLM2, "")
    assert SMOLLM2 in LOCAL_MODELS
    assert price_of(SMOLLM2).usd(1000, 1000) == 0
    with pytest.raises(TeacherError, match="'offline' or 'smollm2-135m'"):
        check_address_for("gpt-6-luna", "")
