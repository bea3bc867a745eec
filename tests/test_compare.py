"""Comparing runs: what differed, what it did, and nothing invented where a run stopped early."""

import json
from pathlib import Path

import pytest
from run_folders import make_record

from alpaca_nb import cli
from alpaca_nb.costs.accounting import finished_stages
from alpaca_nb.costs.claims import check_claims
from alpaca_nb.costs.compare import comparison_table, differing, read_runs
from alpaca_nb.costs.compare_page import compare_runs, panels
from alpaca_nb.errors import InputFileError
from alpaca_nb.files import read_json, write_json

STAGES = ("01_seed_tasks", "02_generate_data", "03_finetune_fsdp", "05_blind_comparison")


def make_run(folder: Path, stages: tuple[str, ...] = STAGES, **parameters: object) -> Path:
    for stage in stages:
        make_record(folder, stage)
        if stage == "03_finetune_fsdp":
            change(folder, stage, "parameters", parameters)
    return folder


def change(folder: Path, stage: str, part: str, values: dict[str, object]) -> None:
    path = folder / f"{stage[:2]}_stage.json"
    record = read_json(path)
    assert isinstance(record, dict) and isinstance(record[part], dict)
    record[part] |= values
    write_json(path, record)


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    base, other = make_run(tmp_path / "base", learning_rate=1e-4), make_run(tmp_path / "other", learning_rate=2e-4)
    change(other, "03_finetune_fsdp", "metrics", {"held_out_loss_after": 0.6, "tokens_per_second": 150.0})
    return [base, other]


def test_only_what_differs_is_named(two: list[Path]) -> None:
    summaries = read_runs(two)
    assert differing(summaries) == ["learning_rate"]
    change(two[1], "02_generate_data", "versions", {"torch": "2.99"})
    assert differing(read_runs(two)) == ["learning_rate", "torch"]


def test_the_table_by_hand(two: list[Path]) -> None:
    header, rows = comparison_table(read_runs(two))
    table = {row[0]: row[1:] for row in rows}
    assert header == ("", "base", "other")
    assert table["learning_rate"] == ("0.0001", "0.0002")
    assert table["held-out loss (nats per token)"] == ("0.500", "0.600 (+20%)")
    assert table["training speed (tokens a second)"] == ("300", "150 (-50%)")
    assert table["rows kept per request (rows)"] == ("10.0", "10.0")
    assert table["candidates rejected (share)"] == ("33.3%", "33.3%")  # 700 of 1,050 kept
    assert table["right answers, lenient (share)"] == ("75.0%", "75.0%")
    assert table["gain over untuned, lenient (points)"] == ("+50.0 [+40.0, +60.0]", "+50.0 [+40.0, +60.0]")
    # four stages of an hour each at 65 W and $0.17, and the teacher's $1.25
    assert table["cost (dollars)"][0] == f"${1.25 + 4 * 0.065 * 0.17:.4f}"


def test_a_judges_opinion_is_shown_with_its_interval(two: list[Path]) -> None:
    opinion = {"rival": "untuned", "wins": 90, "losses": 89, "ties": 0, "win_share": 0.503, "win_range": [0.43, 0.575]}
    change(two[1], "05_blind_comparison", "metrics", {"model": opinion})
    _, rows = comparison_table(read_runs(two))
    assert {row[0]: row[1:] for row in rows}["won, by a judge model (share)"] == ("–", "50.3% [43.0%, 57.5%]")
    said = {item.claim.id: item.this_run for item in check_claims(finished_stages(two[1]))}
    assert said["ninety_to_eighty_nine"] == "tuned 90 : 89 untuned, 0 ties (a judge model)"


def test_the_runs_own_rates_price_it(two: list[Path]) -> None:
    make_record(two[0], "04_inference")
    path = two[0] / "06_stage.json"
    record = json.loads((two[0] / "04_stage.json").read_text())
    write_json(path, {**record, "stage": "06_cost_analysis", "parameters": {"usd_per_kwh": 1.0, "watts": 1000.0}})
    (two[0] / "04_stage.json").unlink()
    cost = read_runs(two)[0].outcomes["cost"].value
    assert cost == pytest.approx(1.25 + 4 * 1.0)


def test_a_run_that_stopped_early_has_dashes(two: list[Path], tmp_path: Path) -> None:
    early = make_run(tmp_path / "early", STAGES[:2])
    _, rows = comparison_table(read_runs([*two, early]))
    table = {row[0]: row[1:] for row in rows}
    assert table["held-out loss (nats per token)"][2] == table["right answers, lenient (share)"][2] == "–"
    assert table["stages done"] == ("01, 02, 03, 05", "01, 02, 03, 05", "01, 02")
    figure, alt = panels(read_runs([*two, early]))
    assert "0.0001 75.0%" in alt and "early" not in alt.split("cost")[0] and len(figure.axes) == 4


def test_the_page_needs_nothing_and_its_twin_says_the_same(two: list[Path], tmp_path: Path) -> None:
    hostile = make_run(tmp_path / "<script>alert(1)", learning_rate=3e-4)
    summaries, page = compare_runs([*two, hostile], tmp_path / "out")
    html = page.read_text()
    assert "<script" not in html and "http" not in html.replace("http-equiv", "") and 'src="data:image/png' in html
    assert "learning_rate = 0.0003" in html and html.count('scope="row"') >= 9
    twin = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert twin["differing"] == ["learning_rate"] and len(twin["runs"]) == len(summaries) == 3
    assert str(tmp_path) not in html


@pytest.mark.parametrize("names", [["base"], ["base", "base"], ["base", "empty"], ["base", "nowhere"]])
def test_bad_folders_are_refused(two: list[Path], tmp_path: Path, names: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputFileError, match=r"two run folders or more|no stage has finished"):
        read_runs([tmp_path / name for name in names])


def test_the_command(two: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", *map(str, two)]) == 0
    assert "Comparison: " in capsys.readouterr().out and (two[0].parent / "compare.html").exists()
    assert cli.main(["compare", str(two[0])]) == 2
    assert "two run folders or more" in capsys.readouterr().err
