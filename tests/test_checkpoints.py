"""Checkpoints, and what stops a run before and while it trains; in one process, which is a group of its own here."""

import dataclasses
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from training_rows import BASE, SETTINGS, STEPS, make_rows, with_settings
from transformers import AutoConfig, AutoModelForCausalLM

from alpaca_nb.errors import InputFileError, TrainingError
from alpaca_nb.finetuning import checkpoints
from alpaca_nb.finetuning.attention import use_packed_attention
from alpaca_nb.finetuning.checkpoints import (
    Checkpoint,
    check_disk,
    newest_checkpoint,
    remove_half_written,
    restore_checkpoint,
)
from alpaca_nb.finetuning.encode import EncodedRow
from alpaca_nb.finetuning.faults import check_health, highest_sane_loss, out_of_memory_in_words
from alpaca_nb.finetuning.loop import compile_layers, mean_loss, packs_of, shard_model, take_step
from alpaca_nb.finetuning.results import METRICS_FILE, StepMetrics, append_metrics, cut_metrics, read_metrics
from alpaca_nb.finetuning.same_run import differences, fingerprint_of
from alpaca_nb.finetuning.save import rehearse_save, whole_weights
from alpaca_nb.finetuning.settings import TrainingSettings
from alpaca_nb.finetuning.shares import build_model
from alpaca_nb.finetuning.stage import drop_checkpoints, prepare_folder
from alpaca_nb.finetuning.train import new_optimizer, take_steps
from alpaca_nb.models import load_model, load_tokenizer, model_folder

if TYPE_CHECKING:
    from alpaca_nb.finetuning.loop import ShardedModel

CPU = torch.device("cpu")
START = Checkpoint(0, "this run", held_out_loss_before=8.0)


@pytest.fixture(scope="module")
def rows() -> list[EncodedRow]:
    return make_rows(12)


@pytest.fixture
def group() -> Iterator[None]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def fresh(settings: TrainingSettings) -> "tuple[ShardedModel, torch.optim.Optimizer]":
    model = build_model(model_folder(BASE), settings, CPU, torch.bfloat16)
    return model, new_optimizer(model, settings)


def train(
    folder: Path, settings: TrainingSettings, rows: list[EncodedRow], start: Checkpoint = START
) -> "ShardedModel":
    """Train from `start` to the end; returns the model."""
    folder.mkdir(exist_ok=True)
    model, optimizer = fresh(settings)
    if start.step:
        restore_checkpoint(model, optimizer, folder, start)
    cut_metrics(folder, start.step)
    remove_half_written(folder, start)
    take_steps(model, optimizer, rows, settings, CPU, folder, start, STEPS)
    return model


def numbers(folder: Path) -> list[tuple[int, float, float, float]]:
    return [(line.step, line.loss, line.grad_norm, line.learning_rate) for line in read_metrics(folder)]


@pytest.mark.usefixtures("group")
def test_from_every_step_the_run_goes_on_with_the_same_bits(tmp_path: Path, rows: list[EncodedRow]) -> None:
    settings = with_settings(checkpoint_every=1, keep_checkpoints=STEPS)
    wanted = whole_weights(train(tmp_path, settings, rows), torch.float32)
    told = numbers(tmp_path)
    for step in reversed(range(1, STEPS + 1)):
        start = dataclasses.replace(START, step=step)
        got = whole_weights(train(tmp_path, settings, rows, start), torch.float32)
        assert numbers(tmp_path) == told
        assert all(torch.equal(got[name], weight) for name, weight in wanted.items())


@pytest.mark.usefixtures("group")
def test_recomputed_activations_change_nothing_but_memory(tmp_path: Path, rows: list[EncodedRow]) -> None:
    plain, recomputed = tmp_path / "plain", tmp_path / "recomputed"
    wanted = whole_weights(train(plain, with_settings(keep_checkpoints=2), rows), torch.float32)
    got = whole_weights(train(recomputed, with_settings(activation_checkpointing=True), rows), torch.float32)
    assert got.keys() == wanted.keys()  # no name of a wrapper in them
    assert numbers(recomputed) == [pytest.approx(line, rel=1e-3) for line in numbers(plain)]
    told = numbers(plain)
    start = dataclasses.replace(START, step=4)  # and the one can go on from the other's checkpoint
    train(plain, with_settings(activation_checkpointing=True), rows, start)
    assert numbers(plain) == [pytest.approx(line, rel=1e-3) for line in told]


@pytest.mark.usefixtures("group")
def test_compiled_layers_compute_the_same(rows: list[EncodedRow]) -> None:
    lengths = [len(row.input_ids) for row in rows]
    answers = []
    for backend in (None, "eager"):  # a GPU compiles further (test_finetuning_gpu.py), which takes a CPU a minute
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(model_folder(BASE), num_hidden_layers=2))
        use_packed_attention(model)
        if backend is not None:
            compile_layers(model, backend)
        sharded = shard_model(model, init_device_mesh("cpu", (1,)), torch.float32)
        packs = packs_of(range(6), rows, lengths, 150, CPU)
        answers.append(take_step(sharded, new_optimizer(sharded, SETTINGS), packs, learned_tokens=9))
    assert answers[1] == pytest.approx(answers[0], rel=1e-5)


@pytest.mark.usefixtures("group")
def test_the_last_checkpoints_stay_and_the_newest_whole_one_counts(tmp_path: Path, rows: list[EncodedRow]) -> None:
    train(tmp_path, with_settings(keep_checkpoints=2), rows)
    folder = tmp_path / "checkpoints"
    assert sorted(one.name for one in folder.iterdir()) == ["latest.json", "step-000004", "step-000006"]
    newest = newest_checkpoint(tmp_path, "this run")
    assert newest == Checkpoint(6, "this run", 8.0) and newest.name == "checkpoints/step-000006"
    assert newest_checkpoint(tmp_path, "another run") is None
    (folder / "step-000008").mkdir()  # a crash left it half-written
    remove_half_written(tmp_path, newest)
    assert not (folder / "step-000008").exists()
    (folder / "step-000006" / ".metadata").unlink()  # a user is at liberty to go back
    assert newest_checkpoint(tmp_path, "this run") == Checkpoint(4, "this run", 8.0)
    drop_checkpoints(tmp_path, keep=2)
    assert len(list(folder.glob("step-*"))) == 2
    drop_checkpoints(tmp_path, keep=1)
    assert [one.name for one in folder.glob("step-*")] == ["step-000006"]
    (folder / "latest.json").write_text("{")
    assert newest_checkpoint(tmp_path, "this run") is None


@pytest.mark.usefixtures("group")
def test_without_checkpoint_every_the_clock_decides(
    tmp_path: Path, rows: list[EncodedRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = with_settings(checkpoint_every=0)
    train(tmp_path, settings, rows)
    assert not (tmp_path / "checkpoints").exists()  # ten minutes were not over
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.0)
    train(tmp_path, settings, rows)
    newest = newest_checkpoint(tmp_path, "this run")
    assert newest is not None and newest.step >= 1  # the first step; then a checkpoint's own time sets the pace


@pytest.mark.usefixtures("group")
def test_a_damaged_checkpoint_is_named(tmp_path: Path, rows: list[EncodedRow]) -> None:
    train(tmp_path, SETTINGS, rows)
    (part,) = (tmp_path / "checkpoints" / "step-000006").glob("*.distcp")
    part.write_bytes(part.read_bytes()[:5000])
    with pytest.raises(TrainingError, match=r"checkpoints/step-000006 cannot be read .*delete that folder"):
        restore_checkpoint(*fresh(SETTINGS), tmp_path, Checkpoint(6, "this run", 8.0))


@pytest.mark.usefixtures("group")
def test_a_rehearsed_save_leaves_nothing_behind(tmp_path: Path, rows: list[EncodedRow]) -> None:
    model, _ = fresh(SETTINGS)
    before = mean_loss(model, rows, 150, CPU)
    rehearse_save(model, load_tokenizer(model_folder(BASE)), tmp_path / "model", torch.bfloat16)
    assert list(tmp_path.iterdir()) == [] and mean_loss(model, rows, 150, CPU) == before
    whole = whole_weights(model, torch.float32)
    plain = load_model(model_folder(BASE), "float32").state_dict()
    assert all(torch.equal(whole[name], weight) for name, weight in plain.items())
    (tmp_path / "a file").touch()
    with pytest.raises(OSError, match="a file"):
        rehearse_save(model, load_tokenizer(model_folder(BASE)), tmp_path / "a file" / "model", torch.bfloat16)


@pytest.mark.usefixtures("group")
def test_a_run_that_diverges_stops_and_names_the_last_good_checkpoint(tmp_path: Path, rows: list[EncodedRow]) -> None:
    with pytest.raises(
        TrainingError, match=r"diverged: loss \S+, gradient norm \S+ at step [2-6]\. Lower learning_rate"
    ):
        train(tmp_path, with_settings(learning_rate=1e4, warmup_ratio=0.0), rows)
    good = [line.loss for line in read_metrics(tmp_path)]
    assert all(loss < highest_sane_loss(8.0, 1024) for loss in good) and len(good) < STEPS
    with pytest.raises(TrainingError, match=r"The last good checkpoint is checkpoints/step-000002"):
        check_health(3, math.nan, 1.0, 15.0, SETTINGS, "checkpoints/step-000002")
    with pytest.raises(TrainingError, match=r"loss 2, gradient norm inf at step 3"):
        check_health(3, 2.0, math.inf, 15.0, SETTINGS, "")
    with pytest.raises(TrainingError, match=r"loss 2, gradient norm 0 at step 3"):
        check_health(3, 2.0, 0.0, 15.0, SETTINGS, "")
    check_health(3, 0.0, 0.0, 15.0, SETTINGS, "")  # nothing is left to learn
    check_health(3, 14.9, 1e6, 15.0, SETTINGS, "")


def test_out_of_memory_names_the_settings_to_change() -> None:
    with (
        pytest.raises(
            TrainingError,
            match=r"cpu is out of memory: set training_options to activation_checkpointing, .*max_tokens_per_pack",
        ),
        out_of_memory_in_words(SETTINGS, CPU),
    ):
        torch.empty(1 << 60)
    with (
        pytest.raises(TrainingError, match=r"cuda:1 is out of memory: lower max_tokens_per_pack \(150\).*more GPUs"),
        out_of_memory_in_words(with_settings(activation_checkpointing=True), torch.device("cuda", 1)),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
    with pytest.raises(RuntimeError, match="shape"), out_of_memory_in_words(SETTINGS, CPU):
        raise RuntimeError("shape mismatch")


def test_too_small_a_disk_is_refused_before_the_first_step(tmp_path: Path) -> None:
    check_disk(tmp_path, weights=1000, keep=1)
    with pytest.raises(TrainingError, match=r"28000000\.0 GB may be needed .*\(2 checkpoints of 12000000\.0 GB"):
        check_disk(tmp_path, weights=10**15, keep=1)


def test_what_earlier_checkpoints_take_counts_as_free_for_the_run_that_goes_on(tmp_path: Path) -> None:
    there = tmp_path / "checkpoints" / "step-000002"
    there.mkdir(parents=True)
    with (there / "__0_0.distcp").open("wb") as file:
        file.truncate(1 << 40)  # a terabyte with nothing in it takes no room
    weights = (shutil.disk_usage(tmp_path).free + (1 << 39)) // 28
    assert check_disk(tmp_path, weights, keep=1) > 1 << 40
    with pytest.raises(TrainingError, match="may be needed"):
        check_disk(tmp_path / "another", weights, keep=1)


def test_metrics_are_cut_back_to_the_checkpoint(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        append_metrics(tmp_path, StepMetrics(step, 1.0, 1.0, 1.0, 1, 1, 1.0))
    with (tmp_path / METRICS_FILE).open("a") as file:
        file.write('{"step": 4, "lo')
    cut_metrics(tmp_path, 2)
    assert [one.step for one in read_metrics(tmp_path)] == [1, 2]
    with pytest.raises(InputFileError, match="2 lines, the checkpoint is of step 5"):
        cut_metrics(tmp_path, 5)


def test_the_same_run_is_known_again_whoever_computes_it(tmp_path: Path, rows: list[EncodedRow]) -> None:
    base = model_folder(BASE)
    one = fingerprint_of(SETTINGS, rows[:8], rows[8:], base)
    other_machine = with_settings(
        number_of_processes=8, nodes=4, compile_layers=True, max_tokens_per_pack=4096, epochs=3.0
    )
    assert fingerprint_of(other_machine, rows[:8], rows[8:], base).digest == one.digest
    changed = fingerprint_of(with_settings(learning_rate=2e-3, seed=18), rows[:7], rows[8:], base)
    assert differences(one, changed) == ["learning_rate 0.001 → 0.002", "seed 17 → 18", "the training rows"]
    other_base = fingerprint_of(SETTINGS, rows[:8], rows[8:], model_folder(BASE, seed=18))
    assert differences(one, other_base) == ["base_model"] and other_base.digest != one.digest


@pytest.mark.usefixtures("group")
def test_a_changed_configuration_begins_anew_and_says_so(tmp_path: Path, rows: list[EncodedRow]) -> None:
    folder = tmp_path / "finetuning"
    assert prepare_folder(folder, SETTINGS, rows, rows[:2]) == "training begins"
    digest = fingerprint_of(SETTINGS, rows, rows[:2], model_folder(BASE)).digest
    train(folder, SETTINGS, rows, Checkpoint(0, digest, 8.0))
    again = prepare_folder(folder, with_settings(number_of_processes=1), rows, rows[:2])
    assert again == "this run was broken off: it goes on from finetuning/checkpoints/step-000006"
    assert json.loads((folder / "settings.json").read_text())["number_of_processes"] == 1
    (folder / "result.json").write_text("{}")  # what a run leaves last
    ended = prepare_folder(folder, SETTINGS, rows, rows[:2])
    assert ended == "this run had ended: it is measured and saved again from finetuning/checkpoints/step-000006"
    assert not (folder / "result.json").exists()
    anew = prepare_folder(folder, with_settings(epochs=4), rows, rows[:2])
    assert anew == "training begins anew; changed since the last run: epochs 3.0 → 4.0"
    assert not (folder / "checkpoints").exists() and not (folder / METRICS_FILE).exists()
