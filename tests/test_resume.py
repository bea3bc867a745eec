"""A run that was broken off goes on as if nothing had happened: the same bits from the same number of processes."""

import json
import os
import shutil
import signal
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from alpaca_nb.errors import TrainingError
from alpaca_nb.finetuning.encode import EncodedRow, encode_examples
from alpaca_nb.finetuning.results import read_metrics
from alpaca_nb.finetuning.settings import TrainingSettings
from alpaca_nb.finetuning.stage import train_in_processes
from alpaca_nb.models import load_tokenizer, model_folder
from alpaca_nb.records import Example

BASE = "random-llama-1m"
SETTINGS = TrainingSettings(
    base_model=BASE,
    seed=17,
    number_of_processes=2,
    epochs=3,
    batch_size=6,
    learning_rate=1e-3,
    warmup_ratio=0.2,
    max_tokens_per_pack=150,
    precision="bfloat16",
    checkpoint_every=2,
)
STEPS = 6


def with_settings(**changed: object) -> TrainingSettings:
    return TrainingSettings(**{**vars(SETTINGS), **changed})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def rows() -> list[EncodedRow]:
    examples = [Example("Count.", ", ".join(map(str, range(n))), "one " * (1 + n % 5)) for n in range(16)]
    return list(encode_examples(examples, load_tokenizer(model_folder(BASE))).rows)


def losses(folder: Path) -> list[tuple[int, float, float]]:
    return [(line.step, line.loss, line.grad_norm) for line in read_metrics(folder)]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder.parent / "model" / "model.safetensors")


def kill_rank(rank: int) -> None:
    """SIGKILL to the training process with this rank, wherever it is in its work."""
    for child in psutil.Process().children(recursive=True):
        if child.environ().get("RANK") == str(rank):
            os.kill(child.pid, signal.SIGKILL)


def break_off(folder: Path, rows: list[EncodedRow], settings: TrainingSettings, rank: int, at: str) -> None:
    """Train until a line of progress begins with `at`, and kill process `rank` there."""

    def on_progress(step: int, steps: int, note: str) -> None:
        if f"{step} {note}".startswith(at):
            kill_rank(rank)

    with pytest.raises(TrainingError, match=f"process {rank}: killed"):
        train_in_processes(folder, settings, rows[:12], rows[12:], on_progress)


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_same_bits(
    tmp_path: Path, rows: list[EncodedRow], capfd: pytest.CaptureFixture[str]
) -> None:
    whole, broken, alone = (tmp_path / name / "finetuning" for name in ("whole", "broken", "alone"))
    wanted = train_in_processes(whole, with_settings(checkpoint_every=0), rows[:12], rows[12:])
    assert not (whole / "checkpoints").exists()

    break_off(broken, rows, SETTINGS, rank=1, at="3 loss")
    break_off(broken, rows, SETTINGS, rank=0, at="4 writing")  # the first half of a checkpoint may be there
    pointer = json.loads((broken / "checkpoints" / "latest.json").read_text())
    assert pointer["step"] in (2, 4)
    (broken / "checkpoints" / "step-000006").mkdir(exist_ok=True)  # what a crash leaves half-written
    with (broken / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "lo')  # and a torn line
    shutil.copytree(broken, alone)
    capfd.readouterr()
    result = train_in_processes(broken, SETTINGS, rows[:12], rows[12:])
    assert "goes on from finetuning/checkpoints/step-00000" in capfd.readouterr().out
    assert losses(broken) == losses(whole) and [step for step, _, _ in losses(whole)] == [1, 2, 3, 4, 5, 6]
    assert result.held_out_loss_before == wanted.held_out_loss_before
    assert result.held_out_loss_after == wanted.held_out_loss_after and result.steps == STEPS
    for name, weight in weights(whole).items():
        assert torch.equal(weights(broken)[name], weight), name
    assert not (broken / "checkpoints").exists()  # nobody asked to keep them

    result = train_in_processes(alone, with_settings(number_of_processes=1), rows[:12], rows[12:])
    assert result.world_size == 1 and result.steps == STEPS
    for got, want in zip(losses(alone), losses(whole), strict=True):
        assert got == pytest.approx(want, rel=1e-2)  # bfloat16
