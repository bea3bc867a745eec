"""Loading in shares: the same bits as a model loaded whole, and one process alone ever holds all of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from training_rows import BASE, make_rows, with_settings
from transformers import LlamaConfig, LlamaForCausalLM

from alpaca_nb.errors import ModelError
from alpaca_nb.finetuning.launch import run_torchrun
from alpaca_nb.finetuning.loop import mean_loss
from alpaca_nb.finetuning.save import save_model
from alpaca_nb.finetuning.shares import build_model, deal, without_values
from alpaca_nb.models import load_model, load_tokenizer, model_folder

CPU = torch.device("cpu")


@pytest.fixture
def group() -> Iterator[None]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_hold_the_bits_of_the_whole_model_and_one_of_them_ever_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    config = LlamaConfig(
        vocab_size=1024, hidden_size=1024, intermediate_size=2752, num_hidden_layers=5, num_attention_heads=8,
        max_position_embeddings=256, tie_word_embeddings=False,
    )  # fmt: skip
    larger = tmp_path / "larger"
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(larger)
    load_tokenizer(model_folder(BASE)).save_pretrained(larger)
    options = [str(tmp_path), str(model_folder(BASE)), str(larger)]
    run_torchrun("loaded_shares", options, number_of_processes=2, log_folder=tmp_path / "logs")
    whole = 4 * load_model(larger).num_parameters()  # 250 MiB in float32
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) / whole for rank in (0, 1))
    # The first has the file's pages, half a model, mapped; the second its share, and room for one weight.
    assert first < 2.0 and second < 0.9, (first, second)


@pytest.mark.usefixtures("group")
def test_what_is_saved_again_is_the_base_model(tmp_path: Path) -> None:
    base = model_folder(BASE)
    model, tokenizer = build_model(base, with_settings(), CPU, torch.float32), load_tokenizer(base)
    save_model(model, tokenizer, tmp_path / "model", torch.float32)
    saved, wanted = load_model(tmp_path / "model", "float32"), load_model(base, "float32")
    assert saved.config.to_diff_dict() == wanted.config.to_diff_dict()
    assert all(torch.equal(saved.state_dict()[name], weight) for name, weight in wanted.state_dict().items())


@pytest.mark.usefixtures("group")
def test_a_weight_that_is_missing_is_an_error_and_not_whatever_the_memory_held() -> None:
    model = build_model(model_folder(BASE), with_settings(), CPU, torch.float32)
    weights = dict(load_model(model_folder(BASE), "float32").state_dict())
    del weights["model.norm.weight"]
    with pytest.raises(ModelError, match=r"no weight model\.norm\.weight"):
        deal(weights, model)


def test_a_model_without_values_takes_no_memory_but_has_its_angles() -> None:
    empty, plain = without_values(model_folder(BASE), "float32"), load_model(model_folder(BASE), "float32")
    assert all(weight.is_meta for weight in empty.parameters()) and not empty.training
    for name, value in plain.named_buffers():
        assert torch.equal(dict(empty.named_buffers())[name], value)


@pytest.mark.usefixtures("group")
def test_a_measured_loss_has_no_dropout_in_it() -> None:
    rows = make_rows(6)
    model = build_model(model_folder(BASE), with_settings(lora_rank=4, lora_dropout=0.5), CPU, torch.float32)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if ".lora_B." in name:
                weight.fill_(0.5)
    wanted = mean_loss(model, rows, 150, CPU)
    model.train()
    assert mean_loss(model, rows, 150, CPU) == wanted and model.training
