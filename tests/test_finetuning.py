"""Training: the same numbers on one process, on two and in plain torch; failures in words; nothing left behind."""

import json
import math
from pathlib import Path

import psutil
import pytest
import torch
import torch.nn.functional as F
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from alpaca_nb.choices import TRAINING_OPTIONS
from alpaca_nb.errors import RecipeError, TrainingError
from alpaca_nb.finetuning.attention import use_packed_attention
from alpaca_nb.finetuning.devices import device_for
from alpaca_nb.finetuning.encode import EncodedRow, encode_examples
from alpaca_nb.finetuning.last_words import record
from alpaca_nb.finetuning.launch import progress_in, run_torchrun
from alpaca_nb.finetuning.packing import answer_logits, pack, summed_loss
from alpaca_nb.finetuning.plan import rows_of_step
from alpaca_nb.finetuning.results import read_metrics
from alpaca_nb.finetuning.settings import TrainingSettings, check_settings, options_of, settings_from
from alpaca_nb.finetuning.stage import train_in_processes
from alpaca_nb.models import load_model, load_tokenizer, model_folder
from alpaca_nb.records import Example
from alpaca_nb.runs import device_description

BASE = "random-llama-1m"
SETTINGS = TrainingSettings(
    base_model=BASE,
    seed=17,
    number_of_processes=1,
    epochs=2,
    batch_size=6,
    learning_rate=1e-3,
    warmup_ratio=0.5,
    max_tokens_per_pack=150,  # so that a step takes several micro-batches
    precision="float32",
)


@pytest.fixture(scope="module")
def rows() -> list[EncodedRow]:
    examples = [Example("Count.", ", ".join(map(str, range(n))), "one " * (1 + n % 5)) for n in range(16)]
    return list(encode_examples(examples, load_tokenizer(model_folder(BASE))).rows)


def test_every_process_has_a_gpu_of_its_own_or_all_use_the_cpu() -> None:
    assert [device_for(rank, 2, gpus=2) for rank in (0, 1)] == [torch.device("cuda:0"), torch.device("cuda:1")]
    assert [device_for(rank, 2, gpus=1) for rank in (0, 1)] == [torch.device("cpu")] * 2
    assert device_for(0, 1, gpus=8) == torch.device("cuda:0")
    assert device_for(0, 1, gpus=0) == torch.device("cpu")


def padded(rows: list[EncodedRow]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(input_ids, attention_mask, labels), each (rows, longest), padded on the right."""
    longest = max(len(row.input_ids) for row in rows)
    missing = [longest - len(row.input_ids) for row in rows]
    ids = [[*row.input_ids, *[0] * m] for row, m in zip(rows, missing, strict=True)]
    mask = [[1] * len(row.input_ids) + [0] * m for row, m in zip(rows, missing, strict=True)]
    labels = [[*row.labels, *[-100] * m] for row, m in zip(rows, missing, strict=True)]
    return torch.tensor(ids), torch.tensor(mask), torch.tensor(labels)


def plain_loss(model: PreTrainedModel, rows: list[EncodedRow]) -> torch.Tensor:
    ids, mask, labels = padded(rows)
    logits = model(input_ids=ids, attention_mask=mask).logits
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)


@pytest.mark.parametrize("key_heads", [4, 2])  # of 4 heads: each its own keys, or two share them
def test_packed_logits_and_gradients_are_those_of_padded_rows(rows: list[EncodedRow], key_heads: int) -> None:
    config = AutoConfig.from_pretrained(model_folder(BASE), num_key_value_heads=key_heads)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    ids, mask, labels = padded(rows)
    wanted = model(input_ids=ids, attention_mask=mask).logits[:, :-1][labels[:, 1:] != -100]
    plain_loss(model, rows).backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    model.zero_grad()
    use_packed_attention(model)
    one = pack(rows)
    torch.testing.assert_close(answer_logits(model, one), wanted, atol=1e-5, rtol=1e-5)
    (summed_loss(model, one) / len(wanted)).backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], atol=1e-5, rtol=1e-3)


def test_a_pack_without_rows_has_no_loss() -> None:
    model = load_model(model_folder(BASE), "float32")
    use_packed_attention(model)
    loss = summed_loss(model, pack([]))
    loss.backward()
    assert loss.item() == 0
    assert all(p.grad is not None and bool((p.grad == 0).all()) for p in model.parameters())


@pytest.mark.slow
def test_one_process_two_processes_and_plain_torch_agree(tmp_path: Path, rows: list[EncodedRow]) -> None:
    training, held_out = rows[:12], rows[12:]
    model = load_model(model_folder(BASE), "float32")
    before = plain_loss(model, held_out).item()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.0)
    wanted: list[tuple[float, float, float]] = []
    for step, rate in enumerate([0.5e-3, 1e-3, 1e-3, 0.5e-3]):
        loss = plain_loss(model, [training[row] for row in rows_of_step(step, 12, 6, seed=17)])
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        optimizer.zero_grad()
        wanted.append((loss.item(), float(norm), rate))
    after = plain_loss(model, held_out).item()

    for processes in (1, 2):
        folder = tmp_path / str(processes) / "finetuning"
        settings = TrainingSettings(**{**vars(SETTINGS), "number_of_processes": processes})
        result = train_in_processes(folder, settings, training, held_out)
        metrics = read_metrics(folder)
        assert [(m.loss, m.grad_norm, m.learning_rate) for m in metrics] == [pytest.approx(w, abs=2e-4) for w in wanted]
        assert [m.step for m in metrics] == [1, 2, 3, 4] and result.world_size == processes
        assert result.device == device_description(gpus=processes if torch.cuda.device_count() >= processes else 0)
        assert result.held_out_loss_before == pytest.approx(before, abs=1e-5)
        assert result.held_out_loss_after == pytest.approx(after, abs=2e-4) and after < before
        saved = AutoModelForCausalLM.from_pretrained(tmp_path / str(processes) / "model")
        assert saved.config._attn_implementation == "sdpa" and saved.generation_config.eos_token_id == 1
        for name, weight in model.state_dict().items():
            torch.testing.assert_close(saved.state_dict()[name], weight, atol=2e-4, rtol=0)


def only_own_children() -> list[str]:
    return [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("raise", r"failed in process 1: ValueError: row 7 is bad; .*finetuning/logs"),
        ("kill", r"failed in process 1: killed \(signal 9\): out of memory\?"),
    ],
)
def test_a_failing_process_is_named_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, words: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    logs = tmp_path / "finetuning" / "logs"
    with pytest.raises(TrainingError, match=words):
        run_torchrun("training_faults", [fault], number_of_processes=2, log_folder=logs)
    assert only_own_children() == []


def test_an_exception_is_written_down_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error_file, seen_before = tmp_path / "error.json", tmp_path / "same_file"
    error_file.write_text("before")
    seen_before.hardlink_to(error_file)  # what a reader would see who had opened the file before the exception
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(error_file))

    @record
    def main() -> None:
        raise ValueError("row 7 is bad")

    with pytest.raises(ValueError, match="row 7"):
        main()
    assert json.loads(error_file.read_text())["message"]["message"] == "ValueError: row 7 is bad"
    assert seen_before.read_text() == "before"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["error.json", "same_file"]


@pytest.mark.slow
def test_an_interrupt_ends_every_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    seen: list[tuple[int, int, str]] = []

    def stop_button(step: int, steps: int, note: str) -> None:
        seen.append((step, steps, note))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_torchrun(
            "training_faults", ["hang"], number_of_processes=2, log_folder=tmp_path / "logs", on_progress=stop_button
        )
    assert seen == [(1, 2, "half way")] and only_own_children() == []


def test_a_torn_line_of_progress_is_read_as_far_as_it_goes_and_ends_no_run() -> None:
    whole = '[default0]:PROGRESS {"step": 3, "steps": 6, "note": "loss 1.5 · 9 tokens/s"}'
    for end in ("\n", "[default0]:\n", "[default0]:a warning\n"):
        assert progress_in(whole + end) == (3, 6, "loss 1.5 · 9 tokens/s")
    for cut in range(len("[default0]:PROGRESS "), len(whole)):
        assert progress_in(whole[:cut] + "[default0]:\n") is None
    assert progress_in('PROGRESS {"step": null, "steps": 6, "note": ""}\n') is None


def test_what_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no_such_module"):
        run_torchrun("no_such_module", [], number_of_processes=1, log_folder=tmp_path / "logs")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0"),
        ({"epochs": 0}, "epochs must be above 0"),
        ({"batch_size": 1, "number_of_processes": 2}, "batch_size 1 is less than number_of_processes 2"),
        ({"warmup_ratio": 1.0}, "warmup_ratio must be"),
        ({"checkpoint_every": -1}, "checkpoint_every must be"),
        ({"batch_size": 33}, "do not fill one batch of 33"),
        ({"epochs": 0.5, "batch_size": 17}, "held out, 0.5 times, do not fill one batch of 17"),
    ],
)
def test_wrong_settings_are_refused_by_name(changed: dict[str, float], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        check_settings(TrainingSettings(**{**vars(SETTINGS), **changed}), rows=20, held_out_rows=4)


def test_what_is_on_or_off_is_named_in_one_parameter() -> None:
    assert set(TRAINING_OPTIONS) == {name for name, value in vars(SETTINGS).items() if isinstance(value, bool)}
    needed = {name: value for name, value in vars(SETTINGS).items() if name not in TRAINING_OPTIONS}
    assert settings_from({**needed, "training_options": ""}) == SETTINGS
    chosen = settings_from({**needed, "training_options": "tensorboard, compile_layers"})
    assert chosen.tensorboard and chosen.compile_layers and options_of(chosen) == "compile_layers,tensorboard"
    with pytest.raises(RecipeError, match="training_options names turbo; there are activation_checkpointing, "):
        settings_from({**needed, "training_options": "turbo,deterministic"})


def test_more_processes_than_cores_is_a_warning() -> None:
    settings = TrainingSettings(**{**vars(SETTINGS), "number_of_processes": 5000, "batch_size": 5000})
    assert "5000 processes share" in check_settings(settings, rows=6000, held_out_rows=4)[0]
    assert check_settings(SETTINGS, rows=20, held_out_rows=4) == []


@pytest.mark.slow
def test_real_data_trains(tmp_path: Path, upstream_data: Path) -> None:
    from alpaca_nb.alpaca_format import read_examples
    from alpaca_nb.finetuning.encode import split_held_out

    examples = read_examples(upstream_data / "rasbt_instruction_data_1100.json")[:300]
    data = encode_examples(examples, load_tokenizer(model_folder(BASE)))
    training, held_out = split_held_out(data.rows, 32, seed=17)
    settings = TrainingSettings(
        **{**vars(SETTINGS), "epochs": 0.5, "batch_size": 16, "precision": "auto", "max_tokens_per_pack": 2048}
    )
    result = train_in_processes(tmp_path / "finetuning", settings, training, held_out)
    assert (
        result.steps == math.ceil(len(training) / 32) and result.held_out_loss_after < result.held_out_loss_before - 0.1
    )
