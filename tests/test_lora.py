"""LoRA in the same loop: the adapter reloads, the merged model is base + adapter, the base stays, and a run goes on."""

import shutil
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, PreTrainedModel

from alpaca_nb.errors import RecipeError, TrainingError
from alpaca_nb.files import sha256_of
from alpaca_nb.finetuning.attention import use_packed_attention
from alpaca_nb.finetuning.checkpoints import CHECKPOINTS_FOLDER
from alpaca_nb.finetuning.encode import EncodedRow, encode_examples
from alpaca_nb.finetuning.lora import adapter_of, add_adapters, check_trained, merge, write_adapter
from alpaca_nb.finetuning.packing import pack, summed_loss
from alpaca_nb.finetuning.plan import rows_of_step
from alpaca_nb.finetuning.results import RESULT_FILE, read_metrics
from alpaca_nb.finetuning.settings import TrainingSettings, check_settings
from alpaca_nb.finetuning.stage import train_in_processes
from alpaca_nb.models import load_model, load_tokenizer, model_folder
from alpaca_nb.records import Example

BASE = "random-llama-1m"
IDS = torch.tensor([[0, 300, 17, 5, 90, 200, 31]])
SETTINGS = TrainingSettings(
    base_model=BASE,
    seed=17,
    number_of_processes=2,
    epochs=2,
    batch_size=6,
    learning_rate=2e-2,
    warmup_ratio=0.2,
    max_tokens_per_pack=150,
    precision="float32",
    lora_rank=4,
    lora_alpha=8,
    lora_targets="q_proj,v_proj,down_proj",
)


def with_settings(**changed: object) -> TrainingSettings:
    return TrainingSettings(**{**vars(SETTINGS), **changed})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def rows() -> list[EncodedRow]:
    examples = [Example("Count.", ", ".join(map(str, range(n))), "one " * (1 + n % 5)) for n in range(16)]
    return list(encode_examples(examples, load_tokenizer(model_folder(BASE))).rows)


def logits(model: PreTrainedModel) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(input_ids=IDS).logits


def with_trained_adapters(settings: TrainingSettings = SETTINGS) -> PreTrainedModel:
    model = load_model(model_folder(BASE), "float32")
    add_adapters(model, settings)
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.normal_(weight, std=0.1)
    return model


def test_before_training_the_adapters_change_nothing_and_alone_are_trained() -> None:
    model = load_model(model_folder(BASE), "bfloat16")
    wanted = logits(model)
    add_adapters(model, SETTINGS)
    assert torch.equal(logits(model), wanted)
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert trained == {name for name, _ in model.named_parameters() if ".lora_" in name} and len(trained) == 5 * 3 * 2
    assert {weight.dtype for weight in model.parameters() if weight.requires_grad} == {torch.float32}


def test_merging_and_saving_equal_pefts_own(tmp_path: Path) -> None:
    model = with_trained_adapters()
    config, wanted = adapter_of(model), logits(model)
    assert config is not None and (logits(load_model(model_folder(BASE), "float32")) - wanted).abs().max() > 0.1
    write_adapter(model.state_dict(), config, tmp_path / "adapter")
    reloaded = PeftModel.from_pretrained(load_model(model_folder(BASE), "float32"), tmp_path / "adapter")
    assert torch.equal(logits(reloaded), wanted)
    plain = load_model(model_folder(BASE), "float32")
    loaded = plain.load_state_dict(merge(dict(model.state_dict()), config, torch.float32), strict=True)
    assert loaded.missing_keys == loaded.unexpected_keys == []
    torch.testing.assert_close(logits(plain), wanted, atol=2e-5, rtol=1e-4)
    for name, weight in reloaded.merge_and_unload().state_dict().items():
        torch.testing.assert_close(plain.state_dict()[name], weight, atol=1e-6, rtol=1e-5)


def test_an_adapter_that_learned_nothing_is_an_error() -> None:
    check_trained(dict(with_trained_adapters().state_dict()))
    untrained = load_model(model_folder(BASE), "float32")
    add_adapters(untrained, SETTINGS)
    with pytest.raises(TrainingError, match=r"15 matrices of the adapter are zero after training, .*lora_B"):
        check_trained(dict(untrained.state_dict()))


def reference(rows: list[EncodedRow]) -> list[tuple[float, float]]:
    """(loss, gradient norm) of each step in one process of plain torch."""
    model = load_model(model_folder(BASE), "float32").train()
    add_adapters(model, SETTINGS)
    use_packed_attention(model)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, weight_decay=0.0)
    found = []
    for step, rate in enumerate([2e-2, 2e-2, 1.5e-2, 0.5e-2]):
        chosen = [rows[row] for row in rows_of_step(step, len(rows), 6, seed=17)]
        loss = summed_loss(model, pack(chosen)) / sum(row.learned_tokens for row in chosen)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        optimizer.zero_grad()
        found.append((loss.item(), float(norm)))
    return found


@pytest.mark.slow
def test_two_processes_train_as_plain_torch_does_and_leave_adapter_and_merged_model(
    tmp_path: Path, rows: list[EncodedRow]
) -> None:
    base_folder, run = model_folder(BASE), tmp_path
    before = sha256_of(base_folder)
    result = train_in_processes(run / "finetuning", SETTINGS, rows[:12], rows[12:])
    assert result.held_out_loss_after < result.held_out_loss_before - 0.3
    metrics = read_metrics(run / "finetuning")
    assert [m.learning_rate for m in metrics] == [pytest.approx(rate) for rate in (2e-2, 2e-2, 1.5e-2, 0.5e-2)]
    assert [(m.loss, m.grad_norm) for m in metrics] == [pytest.approx(one, abs=3e-4) for one in reference(rows[:12])]

    base = load_model(base_folder, "float32")
    adapted = PeftModel.from_pretrained(load_model(base_folder, "float32"), run / "adapter")
    merged = AutoModelForCausalLM.from_pretrained(run / "model")
    torch.testing.assert_close(logits(merged), logits(adapted), atol=1e-4, rtol=1e-4)
    assert (logits(merged) - logits(base)).abs().max() > 0.1
    old, new = base.state_dict(), merged.state_dict()
    changed = {name.split(".")[-2] for name in old if not torch.equal(old[name], new[name])}
    assert changed == {"q_proj", "v_proj", "down_proj"}
    assert sha256_of(base_folder) == before
    assert all(bool(value.any()) for value in load_file(run / "adapter" / "adapter_model.safetensors").values())
    config = (run / "adapter" / "adapter_config.json").read_text()
    assert f'"base_model_name_or_path": "{BASE}"' in config and str(Path.home()) not in config
    assert sorted(path.name for path in run.iterdir()) == ["adapter", "finetuning", "model"]


@pytest.mark.slow
def test_a_run_in_bfloat16_with_dropout_goes_on_from_its_checkpoint_with_the_same_bits(
    tmp_path: Path, rows: list[EncodedRow]
) -> None:
    settings = with_settings(
        precision="bfloat16", lora_dropout=0.2, checkpoint_every=2, keep_checkpoints=3, activation_checkpointing=True
    )
    folder = tmp_path / "finetuning"
    train_in_processes(folder, settings, rows[:12], rows[12:])
    files = {path.name: path for path in (folder / CHECKPOINTS_FOLDER).glob("step-*")}
    assert sorted(files) == ["step-000002", "step-000004"]
    saved = sum(file.stat().st_size for file in files["step-000002"].iterdir())
    weights = load_model(model_folder(BASE)).num_parameters()
    assert saved < 4 * weights / 3, "a checkpoint holds the adapter and its averages, not the base"
    wanted = [sha256_of(tmp_path / name) for name in ("adapter", "model")]
    losses = [(line.loss, line.grad_norm) for line in read_metrics(folder)]
    shutil.rmtree(files["step-000004"])
    (folder / RESULT_FILE).unlink()
    train_in_processes(folder, settings, rows[:12], rows[12:])
    assert [(line.loss, line.grad_norm) for line in read_metrics(folder)] == losses
    assert [sha256_of(tmp_path / name) for name in ("adapter", "model")] == wanted
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "model").dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"lora_rank": -1}, "lora_rank must be 0"),
        ({"lora_alpha": 0}, "lora_alpha must be above 0"),
        ({"lora_dropout": 1.0}, "lora_dropout must be"),
        ({"lora_targets": "q_proj, v_proj"}, "lora_targets must be names with commas between"),
        ({"add_pad_row": True}, "add_pad_row needs all weights trained"),
    ],
)
def test_wrong_settings_are_refused_by_name(changed: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        check_settings(with_settings(**changed), rows=20, held_out_rows=4)


def test_targets_that_the_model_does_not_have_are_named() -> None:
    with pytest.raises(TrainingError, match="lora_targets 'query_key_value'"):
        add_adapters(load_model(model_folder(BASE)), with_settings(lora_targets="query_key_value"))


@pytest.mark.filterwarnings("ignore:Model has .tie_word_embeddings")
def test_an_adapter_of_head_or_embedding_would_be_lost_in_the_merged_model_and_is_refused() -> None:
    for target in ("lm_head", "embed_tokens"):
        with pytest.raises(TrainingError, match=rf"lora_targets 'q_proj,{target}': .*{target} is in no layer"):
            add_adapters(load_model(model_folder(BASE)), with_settings(lora_targets=f"q_proj,{target}"))
