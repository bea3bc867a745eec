"""Sweeps on small notebooks with real kernels: what is shared runs once, points resume, and the end is a comparison."""

import io
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from small_notebooks import write_stage
from stub_schedulers import environment_with_schedulers

from alpaca_nb import runner, runs, sweep
from alpaca_nb.errors import RecipeError, StageError
from alpaca_nb.sweep_commands import commands_for

ONE, TWO, THREE = runs.STAGES[:3]
TRACE = "open('../trace.txt', 'a').write(stage.name[:2])"  # of all points together: notebooks run in their own folder
CHECK = "assert size < 9, 'too large'"


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three stages; the second knows `size`, the third `rate` and `label`."""
    write_stage(tmp_path / "notebooks", ONE, TRACE, "stage.path('seeds.txt').write_text('x')")
    write_stage(tmp_path / "notebooks", TWO, TRACE, CHECK, more=("size: int = 1",))
    write_stage(tmp_path / "notebooks", THREE, TRACE, more=("rate: float = 1.0", 'label: str = ""'))
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "plain.yaml").write_text("seed: 5\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(kit: Path, *options: str, last: str = THREE) -> sweep.Sweep:
    chosen = runner.Options(last=last, notebooks_folder=kit / "notebooks")
    return sweep.plan("plain", options, kit / "out", chosen, recipes_folder=kit / "recipes")


def run(kit: Path, *options: str, only: str = "", last: str = THREE) -> str:
    out = io.StringIO()
    sweep.run(planned(kit, *options, last=last), only, out)
    return out.getvalue()


def trace(kit: Path) -> str:
    return (kit / "trace.txt").read_text() if (kit / "trace.txt").exists() else ""


def test_shared_stages_run_once_and_a_second_call_runs_nothing(kit: Path) -> None:
    run(kit, "rate=1,2", "size=4")
    assert trace(kit) == "0102" + "0303"
    for value in (1, 2):
        folder = kit / "out" / f"rate={value}"
        record, shared = runs.read_record(folder, THREE), runs.read_record(folder, TWO)
        assert record is not None and record.parameters["rate"] == value
        assert shared is not None and shared.parameters["size"] == 4
        assert (folder / "seeds.txt").read_text() == "x"
    again = run(kit, "rate=1,2", "size=4")
    assert trace(kit) == "01020303" and again.count("· skipped") == 2 + 2 * 3
    run(kit, "rate=1,2,3", "size=4")  # one more value: one more run
    assert trace(kit) == "0102030303"


def test_all_combinations_share_what_comes_before_the_first_that_differs(kit: Path) -> None:
    both = planned(kit, "rate=1,2", "size=1,2")
    assert both.shared_stages == (ONE,)
    assert [point.name for point in both.points] == [f"rate={r},size={s}" for r in (1, 2) for s in (1, 2)]
    assert [point.recipe.stages[THREE]["rate"] for point in both.points] == [1, 1, 2, 2]
    assert planned(kit, "rate=1,2").shared_stages == (ONE, TWO)
    assert planned(kit, "seed=1,2").shared_stages == ()


def test_a_failing_point_leaves_the_others_done_and_can_be_mended(kit: Path) -> None:
    with pytest.raises(StageError, match=r"1 of 2 points failed: size=9\b"):
        run(kit, "size=9,2", last=TWO)
    assert trace(kit) == "01" + "0202"
    write_stage(kit / "notebooks", TWO, TRACE, more=("size: int = 1",))
    run(kit, "size=9,2", last=TWO)
    assert trace(kit) == "01" + "0202" + "02"


def test_points_run_alone_as_the_jobs_of_a_cluster_do(kit: Path) -> None:
    with pytest.raises(StageError, match=r"01_stage\.json is not there.*--only shared"):
        run(kit, "rate=1,2", only="1")
    run(kit, "rate=1,2", only="shared")
    assert trace(kit) == "0102"
    run(kit, "rate=1,2", only="1")
    assert trace(kit) == "010203" and not (kit / "out" / "rate=1").exists()
    with pytest.raises(RecipeError, match="--only is '2'; it must be shared, or a point from 0 to 1"):
        run(kit, "rate=1,2", only="2")


def test_a_point_can_never_write_into_what_it_was_given(tmp_path: Path) -> None:
    shared, point = tmp_path / "shared", tmp_path / "point"
    (shared / "model").mkdir(parents=True)
    (shared / "model" / "weights.bin").write_bytes(b"x" * (1 << 20))
    (shared / "ledger.jsonl").write_bytes(b"x" * (1 << 20))
    for name in ("01_stage.json", "figure.png", "run.json"):
        (shared / name).write_text("1")
    sweep.share(shared, point, [ONE])
    assert (shared / "model" / "weights.bin").samefile(point / "model" / "weights.bin"), "large files are not copied"
    for name in ("ledger.jsonl", "01_stage.json", "figure.png"):
        assert (shared / name).read_bytes() == (point / name).read_bytes()
        assert not (shared / name).samefile(point / name)
    assert not (point / "run.json").exists()
    (shared / "01_stage.json").write_text("2")  # the shared stages ran again
    (shared / "figure.png").write_text("2")
    sweep.share(shared, point, [ONE])
    assert (point / "figure.png").read_text() == (point / "01_stage.json").read_text() == "2"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["rate=1"], "several values"),
        (["rate=1,fast"], "'fast' is not a number"),
        (["rate=1,1.0", "rte=1"], "did you mean 'rate'"),
        (["rate=1,2", "rate=3,4"], "given twice"),
        (["rate=1,1"], "same values"),
        (["rate=1,1.0"], "same values"),
        (["openai_api_key=a,b"], "secret"),
    ],
)
def test_a_bad_sweep_is_refused_before_anything_runs(kit: Path, options: list[str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        planned(kit, *options)
    assert not (kit / "out").exists()


def test_a_parameter_of_a_later_stage_alone_is_refused(kit: Path) -> None:
    with pytest.raises(RecipeError, match="the first that does is 03_finetune_fsdp"):
        planned(kit, "rate=1,2", last=TWO)


def test_values_may_hold_commas_and_any_signs(kit: Path) -> None:
    found = planned(kit, 'label="a,b",c/d,')
    assert [point.recipe.stages[THREE]["label"] for point in found.points] == ["a,b", "c/d", ""]
    names = [point.name for point in found.points]
    assert len(set(names)) == 3 and not any("/" in name for name in names)


@pytest.mark.parametrize("kind", ["shell", "slurm", "skypilot"])
def test_printed_commands_are_whole_shell_words(kit: Path, kind: str) -> None:
    found = planned(kit, "rate=1,2", 'label="a b",c')
    options = ["rate=1,2", 'label="a b",c']
    text = commands_for(found, kind, "plain", options)
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    words = [word for line in text.splitlines() for word in shlex.split(line, comments=True)]
    inner = [word for job in words for word in (shlex.split(job) if job.startswith("alpaca-nb ") else [job])]
    assert inner.count("sweep") == {"shell": 5, "slurm": 2, "skypilot": 5}[kind] and inner.count("compare") == 1
    assert 'label="a b",c' in inner and text.count("--only shared") == 1
    if kind == "slurm":
        assert "--array=0-3" in words and text.count("--only $SLURM_ARRAY_TASK_ID") == 1


@pytest.mark.parametrize(("kind", "jobs"), [("slurm", 3), ("skypilot", 3)])
def test_the_printed_commands_do_the_whole_sweep(kit: Path, kind: str, jobs: int) -> None:
    """Handed to schedulers that run each job at once: the shared stage first and once, each point, the comparison."""
    (kit / "plain.yaml").write_text("seed: 5\n")
    environment = environment_with_schedulers(kit / "bin")
    command = [sys.executable, "-m", "alpaca_nb.cli", "sweep", "plain.yaml", "-p", "size=1,2", "--until", "02"]
    command += ["--run-dir", "a sweep", "--notebooks", "notebooks", "--print", kind]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    ran = subprocess.run(["bash", "-e", "-c", printed], capture_output=True, text=True, timeout=300, env=environment)
    assert ran.returncode == 0, ran.stderr
    assert trace(kit) == "01" + "0202"
    statuses = [job.read_text() for job in (kit / "bin" / "jobs").iterdir()]
    assert statuses == ["0"] * jobs
    for value in (1, 2):
        record = runs.read_record(kit / "a sweep" / f"size={value}", TWO)
        assert record is not None and record.parameters["size"] == value
    assert (kit / "a sweep" / "compare.html").exists()


def test_the_command_sweeps_and_compares(kit: Path) -> None:
    (kit / "plain.yaml").write_text("seed: 5\n")
    command = [sys.executable, "-m", "alpaca_nb.cli", "sweep", "plain.yaml", "-p", "size=1,2", "--until", "02"]
    command += ["--run-dir", "out", "--notebooks", "notebooks"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    table = ran.stdout[ran.stdout.rindex("size=1  ") :].splitlines()
    assert table[1].split() == ["size", "1", "2"]
    assert ran.stdout.rstrip().endswith("Comparison: out/compare.html") and (kit / "out" / "compare.json").exists()
    printed = subprocess.run([*command, "--print", "slurm"], capture_output=True, text=True, timeout=60)
    assert printed.returncode == 0 and "sbatch --parsable" in printed.stdout
