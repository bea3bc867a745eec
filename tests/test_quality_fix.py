"""`alpaca-nb inspect --fix`: safe mends only, each in a log, and no file overwritten."""

import dataclasses
import json
from pathlib import Path

import pytest
from quality_rows import GOOD, inspect_file, row

from alpaca_nb.errors import InputFileError
from alpaca_nb.quality.fix import fix_rows, write_fixed
from alpaca_nb.records import Example


def test_safe_mends_are_made_and_logged_and_nothing_else_is_touched() -> None:
    rows = [
        GOOD,
        row(input="<noinput>"),
        row(""),
        row("N/A"),
        row("a\u200bb\x0bc"),
        GOOD,
        row("That makes 2 + 2 = 5."),
        row("<noinput>\nFour."),
        dataclasses.replace(GOOD, output="Cyan, magenta, yellow."),
    ]
    kept, changes = fix_rows(rows)
    assert [index for index, _ in kept] == [0, 1, 4, 6, 7, 8]
    assert [new.output for _, new in kept[2:5]] == ["ab\nc", "That makes 2 + 2 = 5.", "Four."]
    assert kept[1][1].input == ""
    assert [(c.row, c.what, c.field, c.after) for c in changes] == [
        (1, "marker_left", "input", ""),
        (2, "empty_output", None, None),
        (3, "no_answer", None, None),
        (4, "control_characters", "output", "ab\nc"),
        (5, "exact_duplicate as row 0", None, None),
        (7, "marker_left", "output", "Four."),
    ]
    assert changes[1].before == dataclasses.asdict(rows[2])


def test_fix_drops_a_repeated_row_only_where_every_sign_is_the_same() -> None:
    rows = [
        Example("What is 2 + 2?", "", "4"),
        Example("What is 2 * 2?", "", "4"),
        Example("Give the absolute value.", "5", "5"),
        Example("Give the absolute value.", "-5", "5"),
        Example("Which language?", "C", "C"),
        Example("Which language?", "C++", "C++"),
        Example("What is  2 + 2?", "", "4\n"),
    ]
    kept, changes = fix_rows(rows)
    assert [index for index, _ in kept] == [0, 1, 2, 3, 4, 5]
    assert [(c.row, c.what) for c in changes] == [(6, "exact_duplicate as row 0")]


def test_fix_writes_a_new_file_with_other_keys_kept_and_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out, log = tmp_path / "data.json", tmp_path / "mended.json", tmp_path / "mended.changes.jsonl"
    bad = {"instruction": "Do it.", "input": "noinput", "output": "Done.", "id": 7}
    source.write_text(json.dumps([bad, {"instruction": "Do it again.", "output": ""}]), encoding="utf-8")
    before = source.read_bytes()
    assert inspect_file(source, "--fix", out) == 0
    assert json.loads(out.read_text(encoding="utf-8")) == [{**bad, "input": ""}]
    changes = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [(change["row"], change["what"]) for change in changes] == [(0, "marker_left"), (1, "empty_output")]
    assert source.read_bytes() == before
    assert "1 mended: marker_left; 1 dropped: empty_output" in capsys.readouterr().out

    kept = out.read_bytes()
    assert inspect_file(source, "--fix", out) == 2
    assert "overwrites nothing" in capsys.readouterr().err
    assert inspect_file(source, "--fix", source) == 2
    assert "overwrites nothing" in capsys.readouterr().err
    out.unlink()
    assert inspect_file(source, "--fix", out) == 2, "the log of the first mend is still there"
    assert not out.exists()
    out.write_bytes(kept)
    assert source.read_bytes() == before


def test_fix_writes_lines_where_lines_are_asked_for_and_leaves_no_half_file(tmp_path: Path) -> None:
    out = tmp_path / "mended.jsonl"
    write_fixed([(GOOD, {}), (row("ok"), {})], out)
    assert [Example(**json.loads(line)) for line in out.read_text(encoding="utf-8").splitlines()] == [GOOD, row("ok")]
    folder = tmp_path / "is_a_folder.json"
    folder.mkdir()
    with pytest.raises(InputFileError, match="exists already"):
        write_fixed([(GOOD, {})], folder)
    assert not (tmp_path / "is_a_folder.changes.jsonl").exists()
