"""Nothing of the machine in what a run leaves: folders become words, keys become <key>."""

import json
import sys
from pathlib import Path

import pytest

from alpaca_nb.runs import KIT_FOLDER
from alpaca_nb.scrub import scrub_logs, scrubber


def test_folders_become_words_and_the_longest_wins(tmp_path: Path) -> None:
    scrub = scrubber(KIT_FOLDER / "papermill_runs" / "output" / "tiny")
    assert scrub(f"in {KIT_FOLDER}/papermill_runs/output/tiny/model") == "in <run>/model"
    assert scrub(f"{KIT_FOLDER}/papermill_runs/output/tiny-2") == "<kit>/papermill_runs/output/tiny-2"
    assert scrub(f"{KIT_FOLDER}/papermill_runs/output/tiny.jsonl") == "<kit>/papermill_runs/output/tiny.jsonl"
    assert scrub(f"not in {KIT_FOLDER}/papermill_runs/output/tiny.") == "not in <run>."
    assert scrub(f'File "{sys.prefix}/lib/x.py", line 3') == 'File "<python>/lib/x.py", line 3'
    assert scrub(f"\x1b[32m{Path.home()}/x\x1b[0m") == "\x1b[32m~/x\x1b[0m"
    assert scrub(json.dumps(f"a\n{KIT_FOLDER}/b")) == json.dumps("a\n<kit>/b")


def test_relative_paths_that_climb_to_the_top_are_the_same_folders(tmp_path: Path) -> None:
    scrub = scrubber(tmp_path / "run")
    assert scrub(f"run_dir = '../../..{tmp_path}/run'") == "run_dir = '<run>'"
    assert scrub("../papermill_runs/output/tiny") == "../papermill_runs/output/tiny"


def test_logs_of_a_run_are_scrubbed_and_results_are_not(tmp_path: Path) -> None:
    for name in ("logs/01.log", "finetuning/logs/a/0/error.json", "dataset.json", "logs/picture.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"in {tmp_path}/x")
    scrub_logs(tmp_path, scrubber(tmp_path))
    assert (tmp_path / "logs" / "01.log").read_text() == "in <run>/x"
    assert (tmp_path / "finetuning" / "logs" / "a" / "0" / "error.json").read_text() == "in <run>/x"
    assert (tmp_path / "dataset.json").read_text() == f"in {tmp_path}/x"
    assert (tmp_path / "logs" / "picture.png").read_text() == f"in {tmp_path}/x"


def test_keys_of_the_environment_never_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-0123456789")
    monkeypatch.setenv("HF_TOKEN", "canary-token-99")
    monkeypatch.setenv("SHORT_TOKEN", "the")
    scrub = scrubber(tmp_path)
    assert scrub("Bearer canary-0123456789, canary-token-99, the end") == "Bearer <key>, <key>, the end"
