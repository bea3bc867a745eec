"""The quality report: its numbers, its figures, the files it reads, and the command `alpaca-nb inspect`."""

import dataclasses
import json
from pathlib import Path

import pytest
from quality_rows import GOOD, inspect_file, row

from alpaca_nb.errors import InputFileError
from alpaca_nb.quality.figures import lengths, sunburst
from alpaca_nb.quality.reading import read_any
from alpaca_nb.quality.report import inspect_rows
from alpaca_nb.quality.verbs import RULES, VerbCounts, count_verbs
from alpaca_nb.records import Example


def test_lengths_shares_and_first_words() -> None:
    rows = [GOOD, row("one two three", "a b"), Example("Name it.", "", "")]
    report = inspect_rows(rows, count_tokens=len)
    assert (report.rows, report.with_input, report.distinct_first_words) == (3, 1, 2)
    assert report.first_words == {"name": 2, "do": 1} == report.verbs
    words = next(each for each in report.lengths if (each.field, each.unit) == ("output", "words"))
    assert (words.mean, words.median, words.longest, words.counts) == (3.5, 3.5, 4, {4: 2})
    assert {each.unit for each in report.lengths} == {"words", "tokens"}
    assert report.sample("empty_output") == "2: empty"
    assert report.metrics() == {"empty_output": 1}


def test_figures_say_their_numbers() -> None:
    report = inspect_rows([GOOD, row("one two three", "a b")])
    figure, alt = lengths([("mine", report.lengths), ("yours", report.lengths)])
    assert len(figure.axes) == 3
    assert "outputs of mine: median 3.5, longest 4" in alt
    asked = ["What is the capital of Peru?", "Which two cities are meant?", "Why is it far?"]
    told = ["Write a poem.", "Write a short poem about rain.", "Name two cities.", "Explain why."]
    counted = count_verbs(told + asked)
    figure, alt = sunburst(counted, "title")
    assert RULES in alt and RULES in figure.axes[0].get_title()
    assert "3 of 7 instructions (43%)" in alt and "write 2 (poem 2)" in alt and "2 different pairs" in alt
    assert "3 questions are left out" in alt and "3 questions left out" in figure.axes[0].get_title()
    assert "what" not in {label.get_text() for label in figure.axes[0].texts}
    assert "left out" not in sunburst(count_verbs(told), "title")[1]
    sunburst(VerbCounts({}, 0, "nothing"), "an empty set is no crash")


def test_tasks_with_instances_are_read_and_faults_named_by_line(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    task = {"instruction": "Say yes.", "instances": [{"input": "", "output": "Yes."}, {"input": "b", "output": "Yes!"}]}
    file.write_text(json.dumps(task) + "\n", encoding="utf-8")
    assert read_any(file) == [Example("Say yes.", "", "Yes."), Example("Say yes.", "b", "Yes!")]
    file.write_text(
        json.dumps(task) + "\n" + json.dumps({"instruction": "x", "instances": []}) + "\n", encoding="utf-8"
    )
    with pytest.raises(InputFileError, match="line 2"):
        read_any(file)


def test_the_command_prints_a_table_and_writes_every_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, report = tmp_path / "data.jsonl", tmp_path / "report.json"
    rows = [GOOD, row("2 + 2 = 5"), row(""), row("3 + 3 = 7", instruction="Do another task.")]
    source.write_text("".join(json.dumps(dataclasses.asdict(each)) + "\n" for each in rows), encoding="utf-8")
    assert inspect_file(source, "--json", report, "--eval-file", source) == 0
    printed = capsys.readouterr().out
    assert "data.jsonl: 4 rows, 0 with input (0.0%)" in printed
    assert "wrong_arithmetic             2   50.00%" in printed
    assert printed.splitlines()[-3].startswith("first verbs, by a light rule of thumb, no parser: do ")
    assert "1: 2 + 2 = 5 (is 4)" in printed and "3 + 3" not in printed
    assert "eval_same_task               4  100.00%" in printed
    written = json.loads(report.read_text(encoding="utf-8"))
    assert [f["row"] for f in written["findings"] if f["defect"] == "wrong_arithmetic"] == [1, 3]
    first = report.read_bytes()
    for taken in (source, report):
        assert inspect_file(source, "--json", taken) == 2
        assert f"{taken} exists already and --json overwrites nothing" in capsys.readouterr().err
    assert report.read_bytes() == first
    out = tmp_path / "mended.json"
    for written in (out, tmp_path / "mended.changes.jsonl"):
        assert inspect_file(source, "--fix", out, "--json", written) == 2 and not written.exists()
    with pytest.raises(SystemExit):
        inspect_file(source, "--samples", -1)
    assert "must be 0 or a positive whole number" in capsys.readouterr().err
    assert inspect_file(tmp_path / "none.json") == 2
    assert "does not exist" in capsys.readouterr().err
