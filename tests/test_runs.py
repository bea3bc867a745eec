"""The stage record is the proof that a stage is done, and it stops being one when anything it names changes."""

from pathlib import Path

import pytest

from alpaca_nb import plots, runs
from alpaca_nb.errors import InputFileError


def finished_stage(run_dir: Path) -> runs.StageRecord:
    stage = runs.begin_stage("02_generate_data", str(run_dir), seed=17, number_of_rows=3)
    stage.path("seed_tasks.jsonl").write_text("in")
    stage.path("generation", "ledger.jsonl").write_text("out")
    return stage.finish(
        inputs=[stage.path("seed_tasks.jsonl")],
        outputs=[stage.path("generation", "ledger.jsonl")],
        metrics={"rows": 3, "rejected": {"too_long": 1}},
    )


def test_a_record_round_trips_and_holds_no_absolute_path(tmp_path: Path) -> None:
    record = finished_stage(tmp_path)
    assert runs.read_record(tmp_path, "02_generate_data") == record
    assert record.status == "done" and record.parameters == {"seed": 17, "number_of_rows": 3}
    assert set(record.inputs) == {"seed_tasks.jsonl"} and set(record.outputs) == {"generation/ledger.jsonl"}
    assert str(tmp_path) not in (tmp_path / "02_stage.json").read_text()


def test_the_record_names_the_device_that_did_the_work(tmp_path: Path) -> None:
    assert finished_stage(tmp_path).device == runs.device_description()
    stage = runs.begin_stage("03_finetune_fsdp", str(tmp_path))
    assert stage.finish(device="2 x NVIDIA H200").device == "2 x NVIDIA H200"
    assert runs.read_record(tmp_path, "03_finetune_fsdp").device == "2 x NVIDIA H200"  # type: ignore[union-attr]
    assert runs.device_description(gpus=0).startswith("CPU, ")


def test_beginning_again_takes_the_proof_away(tmp_path: Path) -> None:
    finished_stage(tmp_path)
    runs.begin_stage("02_generate_data", str(tmp_path), seed=17)
    assert runs.read_record(tmp_path, "02_generate_data") is None


def test_why_a_stage_must_run_again(tmp_path: Path) -> None:
    same = {"seed": 17, "number_of_rows": 3, "run_dir": "elsewhere"}
    assert runs.why_not_current(None, tmp_path, same) == "not run yet"
    record = finished_stage(tmp_path)
    assert runs.why_not_current(record, tmp_path, same) == ""
    assert runs.why_not_current(record, tmp_path, {**same, "seed": 18}) == "changed: seed"
    (tmp_path / "seed_tasks.jsonl").write_text("other")
    assert runs.why_not_current(record, tmp_path, same) == "input seed_tasks.jsonl has changed"
    (tmp_path / "seed_tasks.jsonl").write_text("in")
    (tmp_path / "generation" / "ledger.jsonl").unlink()
    assert runs.why_not_current(record, tmp_path, same) == "output generation/ledger.jsonl is gone"


def test_opening_a_finished_stage_leaves_it_finished_until_something_changes(tmp_path: Path) -> None:
    same = {"seed": 17, "number_of_rows": 3}
    record = finished_stage(tmp_path)
    runs.begin_stage("02_generate_data", str(tmp_path), **same)
    assert runs.read_record(tmp_path, "02_generate_data") == record
    (tmp_path / "generation" / "ledger.jsonl").write_text("other")
    assert runs.why_not_current(record, tmp_path, same) == "output generation/ledger.jsonl has changed"
    runs.record_path(tmp_path, "02_generate_data").write_text("{}")
    runs.begin_stage("02_generate_data", str(tmp_path), **same)
    assert not runs.record_path(tmp_path, "02_generate_data").exists()  # damaged, as one about other parameters


def test_a_missing_input_names_the_notebook_that_makes_it(tmp_path: Path) -> None:
    stage = runs.begin_stage("03_finetune_fsdp", str(tmp_path))
    with pytest.raises(
        InputFileError, match=r"dataset\.json is not in the run folder .*: run notebook 02.*or set run_dir"
    ):
        stage.need("dataset.json", made_by="02_generate_data")


def test_a_damaged_record_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "02_stage.json").write_text('{"stage": "02_generate_data"}')
    with pytest.raises(InputFileError, match="delete it"):
        runs.read_record(tmp_path, "02_generate_data")


def test_a_figure_is_kept_with_its_alt_text(tmp_path: Path) -> None:
    stage = runs.begin_stage("01_seed_tasks", str(tmp_path))
    figure, axes = plots.new_figure()
    axes.plot([1, 2], [3, 4])
    with pytest.raises(ValueError, match="alt text"):
        stage.show(figure, "line", " ")
    stage.show(figure, "line", 'A line from 3 to 4, "rising"')
    record = stage.finish()
    assert record.figures == {"figures/01_line.png": 'A line from 3 to 4, "rising"'}
    assert (tmp_path / "figures" / "01_line.png").read_bytes().startswith(b"\x89PNG")
    assert 'alt="A line from 3 to 4, &quot;rising&quot;"' in plots.figure_html(b"", 'A line from 3 to 4, "rising"')
