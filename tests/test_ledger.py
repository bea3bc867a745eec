"""The ledger: whole records survive, torn tails are repaired, damage and mixing are refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import pytest

from alpaca_nb.errors import InputFileError, LedgerError
from alpaca_nb.teacher.ledger import Ledger, Record, decode, encode

CONFIGURATION = {"model": "offline", "seed": 17}


def ledger_with(path: Path, count: int) -> bytes:
    with Ledger(path, CONFIGURATION) as ledger:
        for index in range(count):
            ledger.append({"kind": "answer", "request": index, "body": f'Zeile {index}: ü\u2028 "quoted"\n'})
    return path.read_bytes()


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    ledger_with(tmp_path / "a" / "ledger.jsonl", 5)
    with Ledger(tmp_path / "a" / "ledger.jsonl", CONFIGURATION) as again:
        assert [record["request"] for record in again.recorded] == [0, 1, 2, 3, 4]
        assert again.recorded[3]["body"] == 'Zeile 3: ü\u2028 "quoted"\n'
        assert again.notice == ""


def encode_as_before(record: Record) -> bytes:
    """A line as version 1 wrote it: without a number."""
    payload = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    return b'{"crc32":"%08x","record":%s}\n' % (zlib.crc32(payload), payload)


@pytest.mark.parametrize("line", [encode({"body": "forty-two"}, 12), encode_as_before({"body": "forty-two"})])
def test_a_flipped_byte_anywhere_in_a_line_is_seen(line: bytes) -> None:
    line = line[:-1]
    assert decode(line) == {"body": "forty-two"}
    for place in range(len(line)):
        damaged = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        assert decode(damaged) is None, f"byte {place} was changed unseen"


@pytest.mark.parametrize("first", range(1, 5))
def test_a_whole_line_that_is_missing_twice_there_or_elsewhere_is_an_error_with_its_line(
    first: int, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = ledger_with(path, 6).splitlines(keepends=True)
    less = [*lines[:first], *lines[first + 1 :]]
    twice = [*lines[: first + 1], *lines[first:]]
    swapped = [*lines[:first], lines[first + 1], lines[first], *lines[first + 2 :]]
    for changed, at in ((less, first + 1), (twice, first + 2), (swapped, first + 1)):
        path.write_bytes(b"".join(changed))
        with pytest.raises(InputFileError, match=rf"line {at}: it says that it is line \d, so the file is not whole"):
            Ledger(path, CONFIGURATION)
        assert path.read_bytes() == b"".join(changed), "nothing is repaired by leaving paid answers out"


def test_a_ledger_of_version_1_is_read_and_carried_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    header: Record = {"kind": "header", "version": 1, "configuration": dict(CONFIGURATION)}
    before = [encode_as_before({"kind": "answer", "request": n}) for n in range(3)]
    path.write_bytes(b"".join([encode_as_before(header), *before]) + b'{"crc32":"torn')
    with Ledger(path, CONFIGURATION) as ledger:
        ledger.append({"kind": "answer", "request": 3})
    with Ledger(path, CONFIGURATION) as ledger:
        ledger.append({"kind": "answer", "request": 4})
        assert [record["request"] for record in ledger.recorded] == [0, 1, 2, 3, 4]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    with pytest.raises(InputFileError, match="line 4: it says that it is line 5"):
        Ledger(path, CONFIGURATION)
    path.write_bytes(b"".join([*lines, before[2]]))
    with pytest.raises(InputFileError, match="line 7: it has no number"):
        Ledger(path, CONFIGURATION)


def test_every_possible_torn_tail_is_repaired_and_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    whole = ledger_with(path, 3)
    last_line_starts = whole[:-1].rindex(b"\n") + 1
    for end in range(last_line_starts + 1, len(whole) - 1):
        path.write_bytes(whole[:end])
        with Ledger(path, CONFIGURATION) as ledger:
            assert [record["request"] for record in ledger.recorded] == [0, 1]
            assert f"{end - last_line_starts} bytes" in ledger.notice
            ledger.append({"kind": "answer", "request": 7})
        with Ledger(path, CONFIGURATION) as ledger:
            assert [record["request"] for record in ledger.recorded] == [0, 1, 7]
    assert whole[last_line_starts : len(whole) - 2] in (tmp_path / "ledger.jsonl.torn").read_bytes()


def test_a_record_without_its_line_end_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(ledger_with(path, 3)[:-1])
    with Ledger(path, CONFIGURATION) as ledger:
        ledger.append({"kind": "answer", "request": 3})
    with Ledger(path, CONFIGURATION) as ledger:
        assert [record["request"] for record in ledger.recorded] == [0, 1, 2, 3]


def test_a_torn_header_starts_the_ledger_anew(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(ledger_with(path, 0)[:20])
    with Ledger(path, CONFIGURATION) as ledger:
        assert ledger.recorded == []
    assert b'"header"' in path.read_bytes()


def test_damage_in_the_middle_is_an_error_with_its_line_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    lines = ledger_with(path, 4).split(b"\n")
    lines[2] = lines[2].replace(b"Zeile", b"Zelle")
    path.write_bytes(b"\n".join(lines))
    before = path.read_bytes()
    with pytest.raises(InputFileError, match=r"line 3: damaged"):
        Ledger(path, CONFIGURATION)
    assert path.read_bytes() == before


def test_another_configuration_is_refused_and_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger_with(path, 1)
    with pytest.raises(LedgerError, match=r"seed was 17 and is now 18.*another --run-dir"):
        Ledger(path, {**CONFIGURATION, "seed": 18})
    with Ledger(path, CONFIGURATION) as ledger:
        assert len(ledger.recorded) == 1


@pytest.mark.skipif(os.name == "nt", reason="the lock is POSIX's flock")
def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path, CONFIGURATION), pytest.raises(LedgerError, match="another process is writing"):
        Ledger(path, CONFIGURATION)
    with Ledger(path, CONFIGURATION):
        pass  # free again


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_clear_error_and_nothing_more_is_written(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path, CONFIGURATION)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, ledger._file)
    os.close(full)
    with pytest.raises(LedgerError, match="No space left"):
        ledger.append({"kind": "answer", "request": 0})
    with pytest.raises(LedgerError, match="could not be written earlier"):
        ledger.append({"kind": "answer", "request": 1})
    ledger.close()


def on_a_small_disk(folder: Path, mount_options: str, program: str) -> str:
    """Run `program` where `folder` is a file system of its own (in a mount namespace); returns what it printed."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (Linux)")
    mount = f"mount -t tmpfs -o {mount_options} none {folder}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("this machine lets no test mount a file system in a namespace of its own")
    command = ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c"]
    done = subprocess.run([*command, textwrap.dedent(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_on_a_full_disk_the_answers_on_their_way_still_fit_and_nothing_more_is_asked(tmp_path: Path) -> None:
    program = f"""
        from pathlib import Path
        from alpaca_nb.errors import LedgerError
        from alpaca_nb.teacher.ledger import Ledger
        path = Path({str(tmp_path)!r}) / "ledger.jsonl"
        path.with_name("ballast").write_bytes(bytes(5 << 20))
        ledger = Ledger(path, {{}})
        written = 0
        while not ledger.full:
            ledger.check_room()
            ledger.append({{"kind": "answer", "request": written, "body": "x" * 50_000}})
            written += 1
        for _ in range(63):  # so many more may be on their way
            ledger.append({{"kind": "answer", "request": written, "body": "x" * 50_000}})
            written += 1
        try:
            ledger.check_room()
        except LedgerError as error:
            print(error)
        try:
            while True:
                ledger.append({{"kind": "answer", "request": written, "body": "x" * 50_000}})
                written += 1
        except LedgerError as error:
            print(error)
        ledger.close()
        try:
            Ledger(path, {{}})
        except LedgerError as error:
            print(error)
        path.with_name("ballast").unlink()
        with Ledger(path, {{}}) as again:
            print([record["request"] for record in again.recorded] == list(range(written)), again.notice == "")
    """
    said = on_a_small_disk(tmp_path, "size=10m", program).splitlines()
    assert "is full. The answers that were on their way are recorded" in said[0]
    assert "cannot be written (No space left on device)" in said[1]
    assert "cannot be opened for writing (No space left on device). Nothing was asked" in said[2]
    assert said[3] == "True True", "nothing that was acknowledged is lost, and no line is torn"


def test_a_read_only_folder_is_a_clear_error(tmp_path: Path) -> None:
    program = f"""
        from pathlib import Path
        from alpaca_nb.errors import LedgerError
        from alpaca_nb.teacher.ledger import Ledger
        try:
            Ledger(Path({str(tmp_path)!r}) / "generation" / "ledger.jsonl", {{}})
        except LedgerError as error:
            print(error)
    """
    assert "Read-only file system). Nothing was asked." in on_a_small_disk(tmp_path, "ro", program)


def test_a_file_where_the_folder_should_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "generation").write_text("no folder")
    with pytest.raises(LedgerError, match="cannot be opened for writing"):
        Ledger(tmp_path / "generation" / "ledger.jsonl", CONFIGURATION)


def test_one_record_is_read_again_from_its_place_and_a_change_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path, CONFIGURATION) as ledger:
        entries = ledger.append_all([{"kind": "answer", "request": n, "body": "ü" * n} for n in range(4)])
        assert [entry.record for entry in ledger.entries()] == [entry.record for entry in entries]
        for entry in reversed(entries):
            assert ledger.read(entry.start, entry.length) == entry.record
        path.write_bytes(path.read_bytes().replace("üü".encode(), b"abcd"))
        with pytest.raises(LedgerError, match="was changed by something else"):
            ledger.read(entries[3].start, entries[3].length)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["ledger.jsonl"], "the spare room is given up at the end"


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_records_acknowledged_before_sigkill_are_all_there(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    program = f"""
        from pathlib import Path
        from alpaca_nb.teacher.ledger import Ledger
        with Ledger(Path({str(path)!r}), {CONFIGURATION!r}) as ledger:
            for index in range(100000):
                ledger.append({{"kind": "answer", "request": index, "body": "x" * 5000}})
                print(index, flush=True)
    """
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    while int(writer.stdout.readline()) < 50:
        pass
    writer.send_signal(signal.SIGKILL)
    acknowledged = [50, *map(int, writer.stdout.read().split())][-1]
    writer.wait()
    with Ledger(path, CONFIGURATION) as ledger:
        found = [record["request"] for record in ledger.recorded]
    assert found == list(range(len(found)))
    assert len(found) >= acknowledged + 1
