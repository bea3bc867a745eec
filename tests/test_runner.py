"""The runner on small notebooks with real kernels: order, resuming, refusing, and every way a stage can fail."""

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import psutil
import pytest
from small_notebooks import FINISH, SEED, write_notebook, write_stage

from alpaca_nb import leftovers, recipes, runner, runs
from alpaca_nb.errors import InputFileError, RecipeError, StageError
from alpaca_nb.evaluation_sets import downloads
from alpaca_nb.files import write_text
from alpaca_nb.models.cache import CACHE_VARIABLE

ONE, TWO, THREE, FOUR = runs.STAGES[:4]
SIX = runs.STAGES[-1]
TRACE = "open(stage.path('trace.txt'), 'a').write(stage.name[:2])"  # which stages really ran


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three well-behaved stages, one recipe, and a foreign working folder."""
    for stage, more in ((ONE, ()), (TWO, ("rate: float = 1.0",)), (THREE, ('dataset_path: str = ""',))):
        write_stage(tmp_path / "notebooks", stage, TRACE, more=more)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "plain.yaml").write_text("seed: 5\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def run(kit: Path, *options: str, **chosen: object) -> str:
    """Run stages 01 to 03 into kit/run; returns what was printed."""
    recipe = load(kit, *options)
    out = io.StringIO()
    settings = {"last": THREE, "notebooks_folder": kit / "notebooks", **chosen}
    runner.run(recipe, kit / "run", runner.Options(**settings), out)  # type: ignore[arg-type]
    return out.getvalue()


def load(kit: Path, *options: str) -> recipes.Recipe:
    return recipes.load("plain", options, notebooks_folder=kit / "notebooks", recipes_folder=kit / "recipes")


def trace(kit: Path) -> str:
    file = kit / "run" / "trace.txt"
    return file.read_text() if file.exists() else ""


def run_file(kit: Path) -> dict[str, object]:
    return json.loads((kit / "run" / "run.json").read_text())  # type: ignore[no-any-return]


def test_runs_in_order_then_skips_then_reruns_what_changed(kit: Path) -> None:
    printed = run(kit)
    assert trace(kit) == "010203"
    record = runs.read_record(kit / "run", TWO)
    assert record is not None
    assert record.parameters == {"seed": 5, "rate": 1.0}
    assert record.wall_seconds is not None and record.wall_seconds > record.seconds, "a notebook takes time to start"
    assert run_file(kit)["stages"][TWO]["seconds"] >= record.wall_seconds
    assert [line.split()[:2] for line in printed.splitlines()[-3:]] == [[stage, "done"] for stage in (ONE, TWO, THREE)]
    assert run_file(kit)["status"] == "done"
    assert run_file(kit)["parameters"] == {"seed": 5, "rate": 1.0, "dataset_path": ""}

    again = run(kit)
    assert trace(kit) == "010203"
    assert again.count("skipped: done before, nothing changed") == 3
    assert (
        run_file(kit)["stages"][TWO]["seconds"]
        == record.wall_seconds
        == runs.read_record(kit / "run", TWO).wall_seconds
    )

    write_stage(kit / "notebooks", ONE, TRACE, "# a new thought")
    assert f"{ONE} · skipped: done before, but its code has changed (--force" in run(kit)

    changed = run(kit, "rate=2")
    assert trace(kit) == "01020302"
    assert f"{TWO} · runs again: changed: rate" in changed

    (kit / "run" / "seed_tasks.jsonl").write_text("")
    run(kit, "rate=2", first=TWO, last=TWO, force=True)
    assert trace(kit) == "0102030202"


def test_executed_copy_is_clean(kit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    show = "import os, sys\nprint(stage.run_dir, sys.prefix, os.environ['OPENAI_API_KEY'], os.path.expanduser('~/x'))"
    write_stage(kit / "notebooks", ONE, show)
    run(kit, last=ONE)
    text = (kit / "run" / f"{ONE}.ipynb").read_text()
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    outputs = [output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output]
    assert outputs[0] == "<run> <python> <key> ~/x\n"
    everything = text + (kit / "run" / "logs" / f"{ONE}.log").read_text() + (kit / "run" / "run.json").read_text()
    for secret in ("sk-canary", str(kit), str(runs.KIT_FOLDER), sys.prefix, "papermill", str(Path.home()) + "/"):
        assert secret not in everything
    injected = next(cell for cell in notebook.cells if "injected-parameters" in cell.metadata.get("tags", []))
    assert 'run_dir = "."' in injected.source
    assert "seed = 5" in injected.source


def test_noise_stays_out_of_log(kit: Path) -> None:
    run(kit, last=ONE)
    assert "encryption" not in (kit / "run" / "logs" / f"{ONE}.log").read_text()


def test_from_and_until(kit: Path) -> None:
    run(kit, last=ONE)
    assert trace(kit) == "01"
    (kit / "run" / "seed_tasks.jsonl").write_text("")
    run(kit, first=TWO, last=TWO)
    assert trace(kit) == "0102"
    with pytest.raises(RecipeError, match="--from 03 comes after --until 01"):
        run(kit, first=THREE, last=ONE)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (TWO, r"stage 02_generate_data reads seed_tasks\.jsonl.*start --from 01"),
        (THREE, r"reads dataset\.json.*start --from 02 or give -p dataset_path=FILE"),
    ],
)
def test_missing_input_is_said_before_anything_runs(kit: Path, first: str, message: str) -> None:
    with pytest.raises(InputFileError, match=message):
        run(kit, first=first)
    assert not (kit / "run").exists()


def test_dataset_path_stands_in_for_the_dataset(kit: Path) -> None:
    (kit / "elsewhere" / "mine.json").write_text("[]")
    run(kit, "dataset_path=mine.json", first=THREE)
    record = runs.read_record(kit / "run", THREE)
    assert record is not None
    assert record.parameters["dataset_path"] == "../elsewhere/mine.json"


def test_a_set_that_cannot_be_had_stops_a_run_before_its_first_stage(
    kit: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloads, "SOURCE", "http://127.0.0.1:9")
    write_stage(kit / "notebooks", FOUR, TRACE, more=('evaluation_set: str = ""',))
    chosen = "evaluation_set=self_instruct"
    with pytest.raises(RecipeError, match=r"cannot be fetched .* put it at .* evaluation_set=FILE"):
        run(kit, chosen, last=FOUR)
    assert not (kit / "run").exists()
    run(kit, chosen, last=ONE)  # needs no questions
    assert trace(kit) == "01"
    row = {"id": "a", "motivation_app": "Gmail", "instruction": "Say it.", "instances": [{"input": "", "output": "x"}]}
    pinned = replace(downloads.PINNED["self_instruct"], sha256=None)
    monkeypatch.setitem(downloads.PINNED, "self_instruct", pinned)
    write_text(pinned.cached, json.dumps(row))
    run(kit, chosen, last=FOUR)
    pinned.cached.unlink()
    assert "skipped" in run(kit, chosen, last=FOUR), "what is done needs it no longer"
    with pytest.raises(RecipeError, match="cannot be fetched"):
        run(kit, chosen, "rate=3", last=FOUR)  # stage 02 runs again, so stage 04 may as well


def test_a_key_is_asked_for_only_where_stage_02_will_run(kit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = ("rate: float = 1.0", 'teacher_base_url: str = ""')
    write_stage(kit / "notebooks", TWO, TRACE, more=more)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    elsewhere = "teacher_base_url=https://teacher.example/v1"
    with pytest.raises(RecipeError, match="OPENAI_API_KEY"):
        run(kit, elsewhere)
    assert not (kit / "run").exists()
    run(kit, elsewhere, last=ONE)
    monkeypatch.setenv("OPENAI_API_KEY", "any-word")
    run(kit, elsewhere)
    monkeypatch.delenv("OPENAI_API_KEY")
    assert run(kit, elsewhere).count("· skipped") == 3
    assert trace(kit) == "010203"


def test_unknown_parameter_runs_nothing(kit: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean 'rate'"):
        run(kit, "ratte=2")
    assert not (kit / "run").exists()


def test_missing_notebook_runs_nothing(kit: Path) -> None:
    (kit / "notebooks" / f"{THREE}.ipynb").unlink()
    with pytest.raises(InputFileError, match=r"03_finetune_fsdp\.ipynb is missing"):
        run(kit)
    assert not (kit / "run").exists()


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


def test_one_runner_a_folder(kit: Path) -> None:
    (kit / "run").mkdir()
    with runner._locked(kit / "run"), pytest.raises(InputFileError, match="another alpaca-nb run is at work"):
        run(kit)
    assert trace(kit) == ""
    run(kit, last=ONE)
    assert trace(kit) == "01"


def test_folder_with_braces_and_spaces(kit: Path) -> None:
    folder = kit / "my {run} %s"
    runner.run(load(kit), folder, runner.Options(last=ONE, notebooks_folder=kit / "notebooks"), io.StringIO())
    assert runs.read_record(folder, ONE) is not None


def test_report_runs_again_when_a_stage_was_added(kit: Path) -> None:
    read_all = "from alpaca_nb.runs import record_path\nrecords = sorted(stage.run_dir.glob('0[1-5]_stage.json'))"
    begin = f"from alpaca_nb.runs import begin_stage\nstage = begin_stage({SIX!r}, run_dir, seed=seed)"
    write_notebook(kit / "notebooks", SIX, SEED, [begin, read_all, TRACE, "_ = stage.finish(inputs=records)"])
    run(kit, last=ONE)
    run(kit, first=SIX, last=SIX)
    assert "skipped" in run(kit, first=SIX, last=SIX)
    (kit / "run" / "seed_tasks.jsonl").write_text("")
    run(kit, first=TWO, last=TWO)
    assert f"{SIX} · runs again: new: 02_stage.json" in run(kit, first=SIX, last=SIX)
    assert trace(kit) == "01060206"


def test_stage_names() -> None:
    assert {runner.stage_named(text) for text in ("3", "03", THREE, "finetune_fsdp")} == {THREE}
    with pytest.raises(RecipeError, match="unknown stage '7'"):
        runner.stage_named("7")


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
