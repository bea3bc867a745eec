"""The runner where a stage fails or is stopped: what it says, what it leaves on the disk, and that no process stays."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
import pytest
from small_kit import ONE, TWO, make_kit, run, run_file, trace
from small_notebooks import FINISH, SEED, write_notebook, write_stage

from alpaca_nb import leftovers, runs
from alpaca_nb.errors import StageError


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small kit, seen from a foreign working folder."""
    made = make_kit(tmp_path)
    monkeypatch.chdir(made / "elsewhere")
    return made


def assert_failed(kit: Path, message: str, *parts: str) -> None:
    """Stage 02 failed with a message that names notebook, cell and log; 01 is done, 03 did not run."""
    for part in (f"{TWO}.ipynb failed in cell ", "In [", f"log: {kit / 'run' / 'logs' / TWO}.log", *parts):
        assert part in message
    assert not runs.record_path(kit / "run", TWO).exists()
    assert run_file(kit)["status"] == "failed"
    assert run_file(kit)["stages"][TWO]["status"] == "failed"  # type: ignore[index]
    assert trace(kit).startswith("01")
    assert "03" not in trace(kit)
    assert (kit / "run" / f"{TWO}.ipynb").exists()


def test_failing_cell(kit: Path) -> None:
    run(kit)  # an earlier record must not survive the failure
    (kit / "run" / "trace.txt").write_text("01")
    write_stage(kit / "notebooks", TWO, "number = 0", "# why\nshare = 1 / number", "print('never')")
    with pytest.raises(StageError) as error:
        run(kit, force=True)
    assert_failed(
        kit, str(error.value), "cell 6 of 8, In [5]: share = 1 / number", "ZeroDivisionError: division by zero"
    )
    log = (kit / "run" / "logs" / f"{TWO}.log").read_text()
    assert "ZeroDivisionError" in log
    assert "\x1b[" not in log
    cells = nbformat.read(kit / "run" / f"{TWO}.ipynb", as_version=4).cells
    assert cells[5].outputs[-1].ename == "ZeroDivisionError"
    assert cells[6].execution_count is None


def test_killed_kernel_takes_its_children_along(kit: Path) -> None:
    cell = f"""
    import os, signal, subprocess, sys
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)
    open({str(kit / "child")!r}, 'w').write(str(child.pid))
    os.kill(os.getpid(), signal.SIGKILL)
    """
    write_stage(kit / "notebooks", TWO, textwrap.dedent(cell))
    with pytest.raises(StageError) as error:
        run(kit)
    assert_failed(kit, str(error.value), "the kernel died")
    assert is_gone(int((kit / "child").read_text()))
    cells = nbformat.read(kit / "run" / f"{TWO}.ipynb", as_version=4).cells
    assert cells[4].outputs[-1].ename == "DeadKernelError"


def test_cell_over_its_time(kit: Path) -> None:
    stuck = f"""
    import os, signal, time
    open({str(kit / "child")!r}, 'w').write(str(os.getpid()))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)
    """
    write_stage(kit / "notebooks", TWO, textwrap.dedent(stuck))
    with pytest.raises(StageError) as error:
        run(kit, seconds_per_cell=5)
    assert_failed(kit, str(error.value), "took more than 5 s")
    assert is_gone(int((kit / "child").read_text()))


def test_forgotten_child_of_a_good_stage_is_ended(kit: Path) -> None:
    cell = f"""
    import subprocess, sys
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)
    open({str(kit / "child")!r}, 'w').write(str(child.pid))
    """
    write_stage(kit / "notebooks", ONE, textwrap.dedent(cell))
    run(kit, last=ONE)
    assert is_gone(int((kit / "child").read_text()))


def test_notebook_without_record_is_a_failure(kit: Path) -> None:
    write_notebook(kit / "notebooks", TWO, SEED, ["print('all good, says papermill')"])
    with pytest.raises(StageError, match=r"02_generate_data\.ipynb ran to its end but left no 02_stage\.json"):
        run(kit)
    assert run_file(kit)["status"] == "failed"


def test_leaving_early_by_exit_is_a_failure(kit: Path) -> None:
    write_stage(kit / "notebooks", TWO, "import sys\nsys.exit(0)")
    with pytest.raises(StageError):
        run(kit)
    assert not runs.record_path(kit / "run", TWO).exists()


def test_record_about_other_parameters_is_a_failure(kit: Path) -> None:
    begin = f"from alpaca_nb.runs import begin_stage\nstage = begin_stage({TWO!r}, run_dir)"
    write_notebook(kit / "notebooks", TWO, SEED, [begin, FINISH])
    with pytest.raises(StageError, match="recorded other parameters than it was given: seed"):
        run(kit)
    assert not runs.record_path(kit / "run", TWO).exists()


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_runner_leaves_nothing_behind(kit: Path, number: int, status: int) -> None:
    """A long cell with a child through `processes` and a plain one; the runner's own process gets the signal."""
    cell = """
    import subprocess, sys, time
    from alpaca_nb import processes
    sleep = [sys.executable, '-c', 'import time; time.sleep(600)']
    ours = processes.start([sys.executable, '-c', 'import subprocess; subprocess.run(' + repr(sleep) + ')'])
    plain = subprocess.Popen(sleep)
    print('started', flush=True)
    stage.path('ready').write_text('')
    time.sleep(600)
    """
    write_stage(kit / "notebooks", TWO, textwrap.dedent(cell))
    folders = ["--notebooks", str(kit / "notebooks"), "--run-dir", str(kit / "run")]
    command = [sys.executable, "-m", "alpaca_nb.cli", "run", str(kit / "recipes" / "plain.yaml"), "--until", "03"]
    process = subprocess.Popen(
        [*command, *folders],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell starts background jobs with SIGINT ignored, and children inherit that: here Ctrl-C must count
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        wait_until((kit / "run" / "ready").exists, process)
        runner_process = psutil.Process(process.pid)
        # the kernel, our child, its child and the plain one
        wait_until(lambda: len(runner_process.children(recursive=True)) >= 4, process)
        family = runner_process.children(recursive=True)
        process.send_signal(number)
        printed, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == status
    assert all(is_gone(member.pid) for member in family)
    assert "Traceback" not in printed + errors
    assert f"{TWO}.ipynb stopped in cell 5 of 6, In [4]: import subprocess, sys, time" in errors
    assert f"log: {kit / 'run' / 'logs' / TWO}.log" in errors
    assert not runs.record_path(kit / "run", TWO).exists()
    assert runs.read_record(kit / "run", ONE) is not None
    assert run_file(kit)["status"] == "stopped"
    assert "started" in (kit / "run" / f"{TWO}.ipynb").read_text()
    assert "stopped" in printed


def test_mark_finds_only_its_own() -> None:
    mark = leftovers.new_mark()
    mine = subprocess.Popen(["sleep", "600"], env={**os.environ, leftovers.MARK_VARIABLE: mark})
    other = subprocess.Popen(["sleep", "600"], env={**os.environ, leftovers.MARK_VARIABLE: leftovers.new_mark()})
    try:
        threading.Thread(target=mine.wait, daemon=True).start()
        assert leftovers.end(mark) == 1
        assert is_gone(mine.pid)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def is_gone(pid: int) -> bool:
    """No such process, or only its entry is left because nobody has collected its status."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 90) -> None:
    """Poll for a state of another process; fails the test with its output where that process ends first."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)
