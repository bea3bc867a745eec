"""Files appear whole or not at all, and a fault is named with its line."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpaca_nb import files
from alpaca_nb.errors import InputFileError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(values=st.lists(json_values, max_size=5))
def test_jsonl_round_trip_even_with_line_separators_inside_text(
    values: list[files.Json], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "values.jsonl"
    files.write_jsonl(path, [{"value": value} for value in values])
    assert [value for _, value in files.read_jsonl(path)] == [{"value": value} for value in values]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_list_is_written_item_by_item_as_it_is_at_once(count: int, tmp_path: Path) -> None:
    values = [{"text": 'two\nlines and "quotes"', "more": [1, {"deep": []}]}, {}, "ü\u2028"][:count]
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    assert files.write_json_list(one, iter(values)) == one
    files.write_json(other, values)
    assert one.read_bytes() == other.read_bytes()


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "values.jsonl"
    path.write_text('{"a": 1}\n\n{"a": \n', encoding="utf-8")
    with pytest.raises(InputFileError, match=r"values\.jsonl, line 3: not valid JSON"):
        list(files.read_jsonl(path))
    with pytest.raises(InputFileError, match="line 3"):
        files.read_json(path)
    with pytest.raises(InputFileError, match=r"absent\.json does not exist"):
        files.read_json(tmp_path / "absent.json")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputFileError, match="not UTF-8"):
        files.read_json(path)


def test_a_writer_killed_at_any_moment_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    versions = [{"n": n, "padding": "x" * 50_000} for n in range(2)]
    files.write_json(path, versions[0])
    code = (
        "import sys; from pathlib import Path; from alpaca_nb.files import write_json\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    for n in (0, 1): write_json(Path(sys.argv[1]), {'n': n, 'padding': 'x' * 50_000})\n"
    )
    for _ in range(8):
        writer = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
        assert json.loads(path.read_text(encoding="utf-8")) in versions


def test_a_failed_write_leaves_the_old_file_and_no_debris(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    files.write_json(path, {"n": 0})
    with pytest.raises(UnicodeEncodeError):
        files.write_text(path, "\ud800")
    assert files.read_json(path) == {"n": 0}
    assert [p.name for p in tmp_path.iterdir()] == ["value.json"]


def test_the_digest_of_a_folder_sees_content_and_names(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = files.sha256_of(folder)
    (folder / "a").write_text("2")
    changed = files.sha256_of(folder)
    (folder / "a").rename(folder / "b")
    assert len({before, changed, files.sha256_of(folder)}) == 3
