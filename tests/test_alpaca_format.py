"""Reading Alpaca's format: both forms of file, and every bad row named with its line and reason."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpaca_nb.alpaca_format import read_examples
from alpaca_nb.errors import InputFileError
from alpaca_nb.records import Example

GOOD = {"instruction": "Add.", "input": "2, 3", "output": "5"}


def written(folder: Path, text: str | bytes, name: str = "rows.json") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def message_of(path: Path) -> str:
    with pytest.raises(InputFileError) as caught:
        read_examples(path)
    return str(caught.value)


@pytest.mark.parametrize("indent", [None, 0, 4])
def test_a_list_and_lines_give_the_same_rows(tmp_path: Path, indent: int | None) -> None:
    rows = [GOOD, {"instruction": "Say ü\u2028.", "output": ""}]
    wanted = [Example("Add.", "2, 3", "5"), Example("Say ü\u2028.", "", "")]
    assert read_examples(written(tmp_path, json.dumps(rows, indent=indent))) == wanted
    lines = "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert read_examples(written(tmp_path, "\n\n" + lines + "\n")) == wanted
    assert read_examples(written(tmp_path, b"\xef\xbb\xbf" + lines.encode())) == wanted


def test_every_bad_row_of_a_list_is_reported_with_its_line(tmp_path: Path) -> None:
    rows: list[object] = [
        GOOD,
        {"instruction": "x"},
        GOOD,
        {**GOOD, "input": None},
        ["no"],
        {**GOOD, "instruction": " "},
    ]
    text = "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"
    message = message_of(written(tmp_path, text))
    assert "4 bad rows (2 good ones)" in message
    assert "line 3: output is missing (the row has instruction)" in message
    assert "line 5: input must be text, not null" in message
    assert "line 6: an object with instruction, input and output was expected, not a list" in message
    assert "line 7: the instruction is empty" in message


def test_a_row_over_several_lines_is_named_by_its_first(tmp_path: Path) -> None:
    text = json.dumps([GOOD, {**GOOD, "output": 7}], indent=2)
    assert "line 7: output must be text, not a number" in message_of(written(tmp_path, text))


def test_only_the_first_ten_bad_rows_are_listed(tmp_path: Path) -> None:
    message = message_of(written(tmp_path, "{}\n" * 25, "rows.jsonl"))
    assert "25 bad rows" in message and message.count("instruction is missing") == 10 and "and 15 more" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no rows"),
        ("[ ]", "no rows"),
        ('[{"instruction": "a", "output": "b"},\n{"instruction": }]', "line 2: not valid JSON"),
        ('[{"instruction": "a", "output": "b"}\n', "line 1: a comma or the list's closing bracket is missing"),
        ('[{"instruction": "a", "output": "b"}]\nmore', "line 2: something follows the end of the list"),
        ('{"instruction": "a", "output": "b"}\n{"instruction": "a"', "line 2: not valid JSON"),
        ("3", "line 1: an object with instruction, input and output was expected, not a number"),
        (b'{"instruction": "a",\n "\xff"', "line 2: not UTF-8 text (byte 23)"),
    ],
)
def test_damaged_files(tmp_path: Path, text: str | bytes, words: str) -> None:
    assert words in message_of(written(tmp_path, text))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "does not exist" in message_of(tmp_path / "none.json")
    assert "is a folder" in message_of(tmp_path)


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.lists(st.builds(Example, TEXT.filter(str.strip), TEXT, TEXT), min_size=1, max_size=8), st.booleans())
def test_what_is_written_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[Example], lines: bool) -> None:
    values = [vars(row) for row in rows]
    text = "\n".join(json.dumps(v, ensure_ascii=False) for v in values) if lines else json.dumps(values, indent=1)
    assert read_examples(written(tmp_path_factory.getbasetemp(), text)) == rows


def test_real_files(upstream_data: Path) -> None:
    assert len(read_examples(upstream_data / "rasbt_instruction_data_1100.json")) == 1100
