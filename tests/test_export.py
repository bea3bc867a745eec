"""A model as one GGUF file that llama.cpp runs alike, and as a difference that gives the same bytes back."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from alpaca_nb.cli import main
from alpaca_nb.errors import InputFileError, ModelError
from alpaca_nb.files import read_json, sha256_of, write_json
from alpaca_nb.inference.gguf.checking import check, references
from alpaca_nb.inference.gguf.command import held_out_tasks
from alpaca_nb.inference.gguf.llama_cpp import LlamaCpp
from alpaca_nb.inference.gguf.writing import write_gguf
from alpaca_nb.inference.sampling import Sampling
from alpaca_nb.inference.sharing import make, recover, weights_digest
from alpaca_nb.models import load_model, load_tokenizer
from alpaca_nb.models.random_llama import TEXT
from alpaca_nb.prompts import PROMPT_WITHOUT_INPUT, alpaca_prompt


@pytest.fixture(scope="module")
def original(random_models: dict[str, Path]) -> Any:
    folder = random_models["tuned"]
    tasks = held_out_tasks(Path("no such run"), 4)
    return references(load_model(folder, "float32"), load_tokenizer(folder), tasks)


def run_gguf(folder: Path, target: Path, quantization: str, original: Any) -> Any:
    pytest.importorskip("xllamacpp", reason='xllamacpp is not installed: pip install -e ".[gguf]"')
    return check(write_gguf(folder, target, quantization), load_tokenizer(folder), original, threads=1)


# ---- GGUF ----


def test_float32_in_llama_cpp_is_the_same_model(random_models: dict[str, Path], tmp_path: Path, original: Any) -> None:
    found = run_gguf(random_models["tuned"], tmp_path / "x-f32.gguf", "f32", original)
    assert found.mean_difference < 0.02  # llama.cpp keeps keys and values in 16 bits
    assert found.loss == pytest.approx(found.original_loss, abs=0.02)
    assert found.same_prefix > 0.5 and found.prompts == 4 and found.tokens_per_second > 0


def test_fewer_bits_make_a_smaller_and_a_coarser_model(
    random_models: dict[str, Path], tmp_path: Path, original: Any
) -> None:
    q8, q4 = (run_gguf(random_models["tuned"], tmp_path / f"x-{q}.gguf", q, original) for q in ("q8_0", "q4_0"))
    assert q8.megabytes > q4.megabytes
    assert 0.01 < q8.mean_difference < 0.3 < q4.mean_difference


def test_the_file_says_what_llama_cpp_must_know(random_models: dict[str, Path], tmp_path: Path) -> None:
    from gguf import GGUFReader

    reader = GGUFReader(write_gguf(random_models["tuned"], tmp_path / "m.gguf", "q4_0"))

    def field(name: str) -> Any:
        return reader.fields[name].contents()

    assert (field("tokenizer.ggml.model"), field("tokenizer.ggml.pre")) == ("gpt2", "smollm")
    ids = [field(f"tokenizer.ggml.{name}_token_id") for name in ("bos", "eos", "padding")]
    assert (ids, field("tokenizer.ggml.add_bos_token")) == ([0, 1, 2], True)
    assert len(field("tokenizer.ggml.tokens")) == field("llama.vocab_size")
    kinds = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
    assert (kinds["token_embd.weight"], kinds["blk.0.attn_q.weight"], kinds["output_norm.weight"]) == (
        "Q8_0",
        "Q4_0",
        "F32",
    )
    import jinja2

    template = jinja2.Environment(keep_trailing_newline=True).from_string(field("tokenizer.chat_template"))
    hostile = "Say {{ 7 * 7 }}."
    rendered = template.render(messages=[{"content": "before"}, {"content": hostile}], add_generation_prompt=True)
    assert rendered == PROMPT_WITHOUT_INPUT.format(instruction=hostile)


def test_an_embedding_with_spare_rows_is_written_whole(random_models: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason='xllamacpp is not installed: pip install -e ".[gguf]"')
    model = load_model(random_models["tuned"], "float32")
    folder = shutil.copytree(random_models["tuned"], tmp_path / "padded")
    rows = model.config.vocab_size + 7
    model.resize_token_embeddings(rows, mean_resizing=False)
    model.save_pretrained(folder)
    llama = LlamaCpp(write_gguf(folder, tmp_path / "m.gguf", "f16"))
    prompt = alpaca_prompt("Name 3 rivers.")
    assert llama.tokens(prompt) == load_tokenizer(folder)(prompt).input_ids
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", {**config, "vocab_size": 200})
    with pytest.raises(ModelError, match="do not belong together"):
        write_gguf(folder, tmp_path / "n.gguf", "f16")
    assert [path.name for path in tmp_path.glob("*n.gguf*")] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pre_tokenizer": {"type": "Whitespace"}}, "does not know llama.cpp's name"),
        ({"model": {"type": "BPE", "byte_fallback": True, "vocab": {}, "merges": []}}, "tokenizer.model beside it"),
    ],
)
def test_a_tokenizer_that_would_be_read_wrongly_is_refused(
    random_models: dict[str, Path], tmp_path: Path, change: dict[str, object], said: str
) -> None:
    folder = shutil.copytree(random_models["tuned"], tmp_path / "m")
    spec = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    write_json(folder / "tokenizer.json", spec | change)
    with pytest.raises(ModelError, match=said):
        write_gguf(folder, tmp_path / "m.gguf", "q8_0")
    assert not (tmp_path / "m.gguf").exists()


def test_a_sentencepiece_vocabulary_keeps_its_scores(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason='xllamacpp is not installed: pip install -e ".[gguf]"')
    sentencepiece = pytest.importorskip("sentencepiece", reason='sentencepiece: pip install -e ".[gguf]"')
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path / "m"
    config = LlamaConfig(
        vocab_size=600, hidden_size=64, intermediate_size=96, num_hidden_layers=1, num_attention_heads=2
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    (tmp_path / "text.txt").write_text("\n".join(TEXT), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text.txt"),
        model_prefix=str(folder / "tokenizer"),
        vocab_size=600,
        model_type="bpe",
        byte_fallback=True,
        allow_whitespace_only_pieces=True,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        minloglevel=2,
    )
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "LlamaTokenizer"}
    write_json(folder / "tokenizer_config.json", names | {"add_bos_token": True, "legacy": True})
    llama = LlamaCpp(write_gguf(folder, tmp_path / "m.gguf", "f16"))
    tokenizer = load_tokenizer(folder)
    for instruction in ("Name three rivers.", "Add 12, 345 and ü é\n\n  two\tthree"):
        prompt = alpaca_prompt(instruction)
        assert llama.tokens(prompt) == tokenizer(prompt).input_ids


def test_a_tokenizer_described_wrongly_is_found_by_comparing_tokens(
    random_models: dict[str, Path], tmp_path: Path, original: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alpaca_nb.inference.gguf.tokens.begins_with_bos", lambda folder: False)
    with pytest.raises(ModelError, match="as other tokens than transformers"):
        run_gguf(random_models["tuned"], tmp_path / "m.gguf", "f32", original)


def test_export_writes_file_modelfile_and_checks_and_chat_runs_it(
    random_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xllamacpp", reason='xllamacpp is not installed: pip install -e ".[gguf]"')
    command = ["export", str(random_run), "--format", "gguf", "--quantization"]
    assert main([*command, "f16,q8_0", "--output", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "MODEL_CARD.md",
        "Modelfile",
        "alpaca.jinja",
        "checks.json",
        "run-f16.gguf",
        "run-q8_0.gguf",
    ]
    text = (tmp_path / "Modelfile").read_text(encoding="utf-8")
    assert (
        "FROM ./run-q8_0.gguf" in text
        and '### Response:"""' in text
        and "temperature 0.7" in text
        and "top_k 1000000" in text
    )
    assert main([*command, "q9", "--output", str(tmp_path)]) == 2
    said = iter(["Name a river.", "/quit"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(said))
    assert main(["chat", str(random_run), "--gguf", str(tmp_path / "run-q8_0.gguf"), "--max-new-tokens", "5"]) == 0
    assert "[5 tokens" in capsys.readouterr().out
    llama = LlamaCpp(tmp_path / "run-f16.gguf")
    drawn = [llama.answer("Name a river.", "", 12, Sampling(1.0, seed=seed)).text for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_model_in_several_files_gives_the_same_gguf(random_models: dict[str, Path], tmp_path: Path) -> None:
    from gguf import GGUFReader

    folder = shutil.copytree(random_models["tuned"], tmp_path / "m")
    (folder / "model.safetensors").unlink()
    load_model(random_models["tuned"], "float32").save_pretrained(folder, max_shard_size="1MB")
    assert len(list(folder.glob("*.safetensors"))) > 2
    files = (
        write_gguf(random_models["tuned"], tmp_path / "one.gguf", "q5_1"),
        write_gguf(folder, tmp_path / "x.gguf", "q5_1"),
    )
    one, several = ({t.name: t.data.tobytes() for t in GGUFReader(file).tensors} for file in files)
    assert one == several


def test_a_model_with_a_hole_is_refused(random_models: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(random_models["tuned"], tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    left = {name: values for name, values in weights.items() if name != "model.layers.1.mlp.up_proj.weight"}
    save_file(left, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"1 tensors are missing, blk.1.ffn_up.weight first"):
        write_gguf(folder, tmp_path / "m.gguf", "q8_0")
    save_file(weights, folder / "a.safetensors")
    with pytest.raises(ModelError, match="stands in another file too"):
        write_gguf(folder, tmp_path / "m.gguf", "q8_0")
    with (folder / "model.safetensors").open("rb+") as file:
        file.truncate(100_000)
    with pytest.raises(ModelError, match=r"model.safetensors is damaged"):
        write_gguf(folder, tmp_path / "m.gguf", "q8_0")
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_without_the_extra_the_file_is_written_and_not_compared(
    random_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    (tmp_path / "checks.json").write_text("of an earlier export", encoding="utf-8")
    assert main(["export", str(random_run), "--format", "gguf", "--output", str(tmp_path)]) == 0
    assert "not checked against the original: running GGUF needs xllamacpp" in capsys.readouterr().out
    assert (tmp_path / "run-q8_0.gguf").stat().st_size > 1e6 and not (tmp_path / "checks.json").exists()


FULL_DISK = """
import resource, signal, sys
from alpaca_nb.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
for form, target in (("gguf", "g"), ("diff", "d")):
    print(main(["export", sys.argv[1], "--format", form, "--no-check", "--output", f"{sys.argv[2]}/{target}"]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a full disk is made with Linux' limit on a file's size")
def test_a_full_disk_leaves_nothing_half_written(random_run: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(random_run), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["2", "2"] and ended.stderr.count("could not be written") == 2
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_loaded_and_let_go_at_once_does_not_hang(random_models: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason='xllamacpp is not installed: pip install -e ".[gguf]"')
    file = write_gguf(random_models["tuned"], tmp_path / "m.gguf", "q8_0")
    for _ in range(20):
        LlamaCpp(file)  # llama.cpp's server waited for ever for a thread that had not begun


def test_what_llama_cpp_refuses_is_said_and_what_is_given_up_ends(
    random_models: dict[str, Path], tmp_path: Path
) -> None:
    pytest.importorskip("xllamacpp", reason='xllamacpp is not installed: pip install -e ".[gguf]"')
    llama = LlamaCpp(write_gguf(random_models["tuned"], tmp_path / "m.gguf", "q8_0"))
    with pytest.raises(ModelError, match="exceeds the available context size"):
        list(llama.stream("word " * 3000, "", 5, Sampling()))
    assert llama.answer("Name a river.", "", 5, Sampling(top_k=10**12, seed=-(10**30))).new_tokens == 5
    stream = llama.stream("Name a river.", "", 900, Sampling(), ignore_eos=True)
    pieces = iter(stream)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert stream.answer is None and llama.answer("Name a river.", "", 5).new_tokens == 5


# ---- difference ----


def test_the_difference_gives_the_tuned_model_back_bit_for_bit(random_models: dict[str, Path], tmp_path: Path) -> None:
    difference = make(random_models["untuned"], random_models["tuned"], tmp_path / "diff")
    assert weights_digest(difference) != weights_digest(random_models["tuned"])
    recovered = recover(difference, random_models["untuned"], tmp_path / "back")
    assert sha256_of(recovered / "model.safetensors") == sha256_of(random_models["tuned"] / "model.safetensors")
    assert {path.name for path in recovered.iterdir()} == {path.name for path in random_models["tuned"].iterdir()}
    assert load_model(recovered, "float32").num_parameters() > 0


def test_a_vocabulary_that_grew_and_bfloat16_come_back_too(random_models: dict[str, Path], tmp_path: Path) -> None:
    base = shutil.copytree(random_models["untuned"], tmp_path / "base")
    load_model(random_models["untuned"], "bfloat16").save_pretrained(base)
    tuned = shutil.copytree(random_models["tuned"], tmp_path / "tuned")
    model = load_model(random_models["tuned"], "bfloat16")
    model.resize_token_embeddings(model.config.vocab_size + 1, mean_resizing=False)
    with torch.no_grad():
        model.get_input_embeddings().weight[-1] = float("nan")  # bits count, not numbers
    model.save_pretrained(tuned)
    recovered = recover(make(base, tuned, tmp_path / "diff"), base, tmp_path / "back")
    assert weights_digest(recovered) == weights_digest(tuned)
    with pytest.raises(ModelError, match="no pair of base and tuned model"):
        make(tuned, base, tmp_path / "wrong way round")
    with pytest.raises(ModelError, match="one number format"):
        make(random_models["untuned"], tuned, tmp_path / "other format")
    assert not (tmp_path / "wrong way round").exists() and not (tmp_path / "other format").exists()


def test_a_wrong_base_and_a_damaged_difference_write_nothing(random_models: dict[str, Path], tmp_path: Path) -> None:
    difference = make(random_models["untuned"], random_models["tuned"], tmp_path / "diff")
    with pytest.raises(ModelError, match="another base model"):
        recover(difference, random_models["tuned"], tmp_path / "back")
    with pytest.raises(InputFileError, match="is there already"):
        recover(difference, random_models["untuned"], difference)
    weights = difference / "model.safetensors"
    data = np.fromfile(weights, np.uint8)
    data[-5] ^= 1
    data.tofile(weights)
    with pytest.raises(ModelError, match="damaged or changed"):
        recover(difference, random_models["untuned"], tmp_path / "back")
    assert [path.name for path in tmp_path.iterdir()] == ["diff"]
    tokenizer = (difference / "tokenizer.json").read_bytes()
    (difference / "tokenizer.json").write_bytes(tokenizer.replace(b"a", b"b", 1))
    write_back = np.fromfile(weights, np.uint8)
    write_back[-5] ^= 1
    write_back.tofile(weights)
    with pytest.raises(ModelError, match=r"tokenizer.json is missing or changed"):
        recover(difference, random_models["untuned"], tmp_path / "back")
    (difference / "tokenizer.json").write_bytes(tokenizer)
    data.tofile(weights)
    manifest = read_json(difference / "diff.json")
    assert isinstance(manifest, dict)
    write_json(difference / "diff.json", {**manifest, "difference": weights_digest(difference)})
    with pytest.raises(ModelError, match="what came out is not the tuned model"):
        recover(difference, random_models["untuned"], tmp_path / "back")
    assert [path.name for path in tmp_path.iterdir()] == ["diff"]


def test_the_command_makes_and_recovers(
    random_run: Path, random_models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, back = tmp_path / "diff", tmp_path / "back"
    assert main(["export", str(random_run), "--format", "diff", "--output", str(made)]) == 0
    command = ["export", str(made), "--format", "diff", "--recover", "--output", str(back), "--base"]
    assert main([*command, str(random_models["tuned"])]) == 2 and not back.exists()
    assert main([*command, str(random_models["untuned"])]) == 0
    assert weights_digest(back) == weights_digest(random_run / "model")
    from huggingface_hub import ModelCard

    card = ModelCard.load(made / "MODEL_CARD.md")
    assert "alpaca" in card.data.tags and card.data.license == "other"
    assert "| epochs | 2 |" in card.text and "not recorded" in card.text
    assert main(["export", str(made), "--format", "diff", "--recover"]) == 2
    assert "another base model" in capsys.readouterr().err
