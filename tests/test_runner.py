"""The runner on small notebooks with real kernels: order, resuming, and refusing before anything runs."""

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from small_kit import FOUR, ONE, SIX, THREE, TRACE, TWO, load, make_kit, run, run_file, trace
from small_notebooks import SEED, write_notebook, write_stage

from alpaca_nb import recipes, runner, runs
from alpaca_nb.errors import InputFileError, RecipeError
from alpaca_nb.evaluation_sets import downloads
from alpaca_nb.files import write_text
from alpaca_nb.models.cache import CACHE_VARIABLE


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small kit, seen from a foreign working folder."""
    made = make_kit(tmp_path)
    monkeypatch.chdir(made / "elsewhere")
    return made


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


def test_another_recipes_run_is_not_written_over(kit: Path) -> None:
    run(kit)
    (kit / "recipes" / "other.yaml").write_text("seed: 6\n")
    other = recipes.load("other", [], notebooks_folder=kit / "notebooks", recipes_folder=kit / "recipes")
    options = runner.Options(last=THREE, notebooks_folder=kit / "notebooks")
    with pytest.raises(RecipeError, match=rf"a run of the recipe plain, whose {ONE} would be lost.*--run-dir.*--force"):
        runner.run(other, kit / "run", options, io.StringIO())
    assert trace(kit) == "010203" and run_file(kit)["recipe"] == "plain"
    runner.run(other, kit / "run", replace(options, force=True), io.StringIO())
    assert trace(kit) == "010203010203" and run_file(kit)["recipe"] == "other"


def test_a_report_of_before_is_called_that(kit: Path) -> None:
    read_all = "records = sorted(stage.run_dir.glob('0[1-5]_stage.json'))\nstage.path('report.html').write_text('')"
    begin = f"from alpaca_nb.runs import begin_stage\nstage = begin_stage({SIX!r}, run_dir, seed=seed)"
    write_notebook(kit / "notebooks", SIX, SEED, [begin, read_all, "_ = stage.finish(inputs=records)"])
    run(kit, last=ONE)
    assert "\nReport: " in run(kit, first=SIX, last=SIX)
    assert "\nReport: " in run(kit, last=ONE)
    assert "\nReport, of what was there before this run" in run(kit, "seed=7", last=ONE)


def test_stage_names() -> None:
    assert {runner.stage_named(text) for text in ("3", "03", THREE, "finetune_fsdp")} == {THREE}
    with pytest.raises(RecipeError, match="unknown stage '7'"):
        runner.stage_named("7")
