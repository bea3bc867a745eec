"""A run whose processes were killed goes on with the same bits, however its processes are started."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training_rows import SETTINGS, STEPS, make_rows, with_settings

from alpaca_nb import processes
from alpaca_nb.errors import TrainingError
from alpaca_nb.finetuning.encode import EncodedRow
from alpaca_nb.finetuning.launch import run_torchrun
from alpaca_nb.finetuning.results import LOG_FOLDER, read_metrics, read_result
from alpaca_nb.finetuning.stage import command_of_machine, drop_checkpoints, prepare_folder, train_in_processes

Rows = tuple[list[EncodedRow], list[EncodedRow]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    """(training, held out)"""
    made = make_rows(16)
    return made[:12], made[12:]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, rows: Rows) -> Path:
    """The folder of a run that nothing disturbed, without checkpoints."""
    folder = tmp_path_factory.mktemp("whole") / "finetuning"
    train_in_processes(folder, with_settings(checkpoint_every=0), *rows)
    assert not (folder / "checkpoints").exists()
    return folder


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, rows: Rows) -> Path:
    """The folder of a run that was killed twice: process 1 while a checkpoint is written, then process 0 in a step."""
    folder = tmp_path_factory.mktemp("broken") / "finetuning"
    break_off(folder, rows, rank=1, at="4 writing")
    assert newest_step(folder) in (2, 4)
    break_off(folder, rows, rank=0, at="5 loss")
    assert newest_step(folder) == 4
    (folder / "checkpoints" / "step-000006").mkdir(exist_ok=True)  # what a crash leaves half-written
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "lo')  # and a torn line
    return folder


def newest_step(folder: Path) -> object:
    return json.loads((folder / "checkpoints" / "latest.json").read_text())["step"]


def break_off(folder: Path, rows: Rows, rank: int, at: str) -> None:
    """Train until a line of progress begins with `at`, and kill process `rank` there."""
    pids = folder.parent / "pids"
    pids.mkdir(exist_ok=True)
    prepare_folder(folder, SETTINGS, *rows)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("PIDS", pids), ("DYING_RANK", rank), ("DEADLY_LINE", at)):
            patch.setenv(name, str(value))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
        with pytest.raises(TrainingError, match=f"process {rank}: killed"):
            options = ["--finetuning-folder", str(folder)]
            run_torchrun("killed_training", options, number_of_processes=2, log_folder=folder / LOG_FOLDER)


def copy_of(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to / "finetuning")
    return to / "finetuning"


def numbers(folder: Path) -> list[tuple[int, float, float]]:
    return [(line.step, line.loss, line.grad_norm) for line in read_metrics(folder)]


def assert_same_bits(folder: Path, whole: Path) -> None:
    assert numbers(folder) == numbers(whole) and [step for step, _, _ in numbers(whole)] == [1, 2, 3, 4, 5, 6]
    got, wanted = read_result(folder), read_result(whole)
    assert got.held_out_loss_before == wanted.held_out_loss_before and got.steps == STEPS and got.world_size == 2
    assert got.held_out_loss_after == wanted.held_out_loss_after
    saved, expected = (load_file(one.parent / "model" / "model.safetensors") for one in (folder, whole))
    assert saved.keys() == expected.keys() and all(torch.equal(saved[name], expected[name]) for name in expected)
    drop_checkpoints(folder, keep=0)
    assert not (folder / "checkpoints").exists()


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_same_bits_on_two_machines(
    tmp_path: Path, rows: Rows, whole: Path, broken: Path, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # on a machine with one GPU both "machines" would want it
    folder = copy_of(broken, tmp_path)
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(free_port))
    settings = with_settings(number_of_processes=1, nodes=2)
    command = [sys.executable, *command_of_machine(folder, settings, 1).split()[1:]]
    log = tmp_path / "other_machine.log"
    with log.open("w") as file:
        other_machine = processes.start(command, output=file.fileno())  # it waits for the first one
    try:
        result = train_in_processes(folder, settings, *rows)
        assert other_machine.wait(300) == 0, log.read_text()
    finally:
        processes.stop(other_machine)
    assert result.world_size == 2
    assert_same_bits(folder, whole)


@pytest.mark.slow
def test_accelerate_launches_the_same_run(
    tmp_path: Path, rows: Rows, whole: Path, broken: Path, free_port: int
) -> None:
    folder = copy_of(broken, tmp_path)
    assert "goes on from finetuning/checkpoints/step-00000" in prepare_folder(folder, SETTINGS, *rows)
    accelerate = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", "--multi_gpu"]
    accelerate += ["--num_machines", "1", "--num_processes", "2", "--mixed_precision", "no", "--dynamo_backend", "no"]
    accelerate += ["--main_process_port", str(free_port)]
    run([*accelerate, "-m", "alpaca_nb.finetuning.train", "--finetuning-folder", str(folder)])
    assert_same_bits(folder, whole)


@pytest.mark.slow
def test_the_stop_button_leaves_the_last_checkpoint_usable(tmp_path: Path, rows: Rows, whole: Path) -> None:
    folder = tmp_path / "finetuning"

    def stop_button(step: int, steps: int, note: str) -> None:
        if f"{step} {note}".startswith("3 loss"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_in_processes(folder, SETTINGS, *rows, stop_button)
    # The notebook hears of a step a moment after it was taken, so the run may have come further than step 3.
    assert newest_step(folder) in (2, 4, 6)
    train_in_processes(folder, SETTINGS, *rows)
    assert_same_bits(folder, whole)


@pytest.mark.slow
def test_another_number_of_processes_goes_on_to_rounding(tmp_path: Path, rows: Rows, whole: Path, broken: Path) -> None:
    folder = copy_of(broken, tmp_path)
    prepare_folder(folder, with_settings(number_of_processes=1), *rows)
    run([sys.executable, "-m", "alpaca_nb.finetuning.train", "--finetuning-folder", str(folder)])  # without torchrun
    assert read_result(folder).world_size == 1
    for got, wanted in zip(numbers(folder), numbers(whole), strict=True):
        assert got == pytest.approx(wanted, rel=1e-2)  # bfloat16
