"""The recipe `smoke` from end to end, as a user runs it: another process, another working folder, a key in the air."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from whole_runs import CANARY, WholeRun, command, environment

from alpaca_nb.leftovers import MARK_VARIABLE
from alpaca_nb.runs import KIT_FOLDER, STAGES, read_record, record_path

pytestmark = pytest.mark.slow
TEXT_SUFFIXES = {".json", ".jsonl", ".md", ".html", ".ipynb", ".log", ".txt", ".yaml", ".csv"}


def test_ends_well_with_all_records(whole_run: WholeRun) -> None:
    assert whole_run.status == 0, whole_run.printed + whole_run.errors
    assert whole_run.errors == ""
    for stage in STAGES:
        record = read_record(whole_run.folder, stage)
        assert record is not None
        assert record.status == "done"
    assert json.loads((whole_run.folder / "run.json").read_text())["status"] == "done"
    assert (whole_run.folder / "report.html").stat().st_size > 1000
    assert f"Report: {whole_run.folder / 'report.html'}" in whole_run.printed
    assert list(whole_run.elsewhere.iterdir()) == []


def test_executed_notebooks_have_no_errors_and_run_to_the_end(whole_run: WholeRun) -> None:
    for stage in STAGES:
        notebook = nbformat.read(whole_run.folder / f"{stage}.ipynb", as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
        outputs = [output for cell in code for output in cell.outputs]
        assert [output for output in outputs if output.output_type == "error"] == []
        warnings = [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]
        assert warnings == [], stage
        assert "widgets" not in notebook.metadata


def text_files(folder: Path) -> Iterator[tuple[Path, str]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix in TEXT_SUFFIXES:
            yield file.relative_to(folder), file.read_text(encoding="utf-8", errors="replace")


def test_nothing_of_the_machine_and_no_key_in_any_file(whole_run: WholeRun) -> None:
    folders = {str(KIT_FOLDER), str(Path.home()) + "/", str(whole_run.folder), sys.prefix, tempfile.gettempdir() + "/"}
    files = list(text_files(whole_run.folder))
    assert len(files) > 20
    found = [
        (name.as_posix(), text[max(0, text.index(word) - 60) : text.index(word) + 80])
        for name, text in files
        for word in sorted({*folders, CANARY})
        if word in text
    ]
    assert found == []
    assert CANARY not in whole_run.printed + whole_run.errors


def test_nothing_is_left_running(whole_run: WholeRun) -> None:
    assert processes_of(whole_run.folder) == []


def test_second_call_skips_all(whole_run: WholeRun) -> None:
    before = {stage: record_path(whole_run.folder, stage).read_bytes() for stage in STAGES}
    answer = subprocess.run(
        command(whole_run.folder), capture_output=True, text=True, cwd=whole_run.elsewhere, env=environment()
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.count("skipped: done before, nothing changed") == len(STAGES)
    assert {stage: record_path(whole_run.folder, stage).read_bytes() for stage in STAGES} == before


@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker by its environment as Linux shows it")
def test_killed_training_process_is_an_error(whole_run: WholeRun, tmp_path: Path) -> None:
    """Train again with more steps, in a copy of the run, and kill one worker of torchrun at work."""
    folder = Path(shutil.copytree(whole_run.folder, tmp_path / "smoke"))
    again = [*command(folder, "--from", "03", "--until", "03"), "-p", "epochs=500"]
    process = subprocess.Popen(
        again, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=whole_run.elsewhere, env=environment()
    )
    try:
        worker = first_worker_at_work(process, folder)
        family = psutil.Process(process.pid).children(recursive=True)
        worker.send_signal(signal.SIGKILL)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "03_finetune_fsdp.ipynb failed in cell " in errors
    assert "TrainingError" in errors
    assert "log: " in errors
    assert "Traceback" not in errors
    assert not record_path(folder, STAGES[2]).exists()
    assert [member for member in family if is_alive(member)] == []


def first_worker_at_work(process: subprocess.Popen[str], folder: Path, seconds: float = 180) -> psutil.Process:
    """Wait until training has written a step, then return one of torchrun's workers."""
    end = time.time() + seconds
    metrics, started = folder / "finetuning" / "metrics.jsonl", time.time()
    while not (metrics.exists() and metrics.stat().st_mtime > started and metrics.stat().st_size > 0):
        assert process.poll() is None, process.communicate()
        assert time.time() < end
        time.sleep(0.1)
    for child in psutil.Process(process.pid).children(recursive=True):
        if child.environ().get("LOCAL_RANK") == "1":
            return child
    raise AssertionError("no worker of torchrun found")


def processes_of(folder: Path) -> list[psutil.Process]:
    """Living processes that a stage of this test's run started (they carry a mark) and that name its folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if MARK_VARIABLE in process.environ() and str(folder) in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
