"""The ledger: whole records survive, torn tails are repaired, damage and mixing are refused."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from alpaca_nb.errors import InputFileError, LedgerError
from alpaca_nb.teacher.ledger import Ledger, decode, encode

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


def test_a_flipped_byte_anywhere_in_a_line_is_seen() -> None:
    line = encode({"kind": "answer", "body": "forty-two"})[:-1]
    assert decode(line) == {"kind": "answer", "body": "forty-two"}
    for place in range(len(line)):
        damaged = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        assert decode(damaged) is None, f"byte {place} was changed unseen"


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
