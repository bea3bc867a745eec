"""The engine: resumable, append-only, blind to names, and never counting what is no verdict."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from alpaca_nb.comparison.engine import VerdictFile, compare
from alpaca_nb.comparison.judge import Ruling
from alpaca_nb.comparison.pairing import BlindPair, Contest
from alpaca_nb.record_files import read_records
from alpaca_nb.records import Measure, Verdict

SEED = 17


class ScriptedJudge:
    """Says what `script` says of the pair; counts how often it was asked."""

    measure: Measure = "model"
    name = "scripted"

    def __init__(self, script) -> None:
        self.script, self.asked = script, 0

    async def rule(self, shown: BlindPair) -> Ruling:
        self.asked += 1
        return self.script(shown)


def contests(count: int) -> list[Contest]:
    return [Contest(f"q{i}", f"Task {i}", "", ("alpha", "beta"), (f"weak {i}", f"strong {i}")) for i in range(count)]


def strong(shown: BlindPair) -> Ruling:
    return Ruling("A" if "strong" in shown.answer_a else "B")


def run(judge, what, path: Path, **options):
    file = VerdictFile(path)
    return asyncio.run(compare(judge, what, SEED, file, **options)), file


def test_the_better_answer_wins_on_whichever_side_it_stands(tmp_path: Path) -> None:
    judged, _ = run(ScriptedJudge(strong), contests(60), tmp_path / "c.jsonl")
    assert {verdict.winner for verdict in judged.verdicts} == {"beta"}
    assert 15 < sum(verdict.shown_first == "beta" for verdict in judged.verdicts) < 45
    assert [verdict.question_id for verdict in judged.verdicts] == [f"q{i}" for i in range(60)]


def test_a_second_run_asks_nothing_and_another_text_is_asked_anew(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    first, _ = run(ScriptedJudge(strong), contests(5), path)
    again = ScriptedJudge(strong)
    second, _ = run(again, contests(5), path)
    assert again.asked == 0 and second == first
    changed = [*contests(4), Contest("q4", "Task 4", "", ("alpha", "beta"), ("strong 4", "weak"))]
    third, file = run(again, changed, path)
    assert again.asked == 1 and third.verdicts[4].winner == "alpha"
    assert len(path.read_text().splitlines()) == 6, "the file only grows while judging"
    file.settle(third.verdicts)
    assert read_records(path, Verdict) == third.verdicts


def test_identical_answers_tie_without_asking(tmp_path: Path) -> None:
    judge = ScriptedJudge(strong)
    same = [Contest("q", "Task", "", ("alpha", "beta"), ("word", " word\n"))]
    judged, _ = run(judge, same, tmp_path / "c.jsonl")
    assert judge.asked == 0 and judged.verdicts[0].winner == "tie"


def test_what_is_no_verdict_is_named_and_never_written(tmp_path: Path) -> None:
    def moody(shown: BlindPair) -> Ruling:
        return Ruling(None, reason="no verdict in: 'hm'") if shown.question_id == "q1" else strong(shown)

    judged, file = run(ScriptedJudge(moody), contests(3), tmp_path / "c.jsonl", concurrency=2)
    assert judged.undecided == {"q1": "no verdict in: 'hm'"}
    assert {verdict.question_id for verdict in read_records(file.path, Verdict)} == {"q0", "q2"}


def test_an_error_stops_the_asking_and_keeps_what_was_judged(tmp_path: Path) -> None:
    class BrokeError(Exception):
        pass

    def until_broke(shown: BlindPair) -> Ruling:
        if judge.asked > 3:
            raise BrokeError
        return strong(shown)

    judge = ScriptedJudge(until_broke)
    with pytest.raises(BrokeError):
        run(judge, contests(50), tmp_path / "c.jsonl")
    assert judge.asked == 4
    assert len(read_records(tmp_path / "c.jsonl", Verdict)) == 3


def test_a_torn_last_line_is_cut_and_judged_again(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    first, _ = run(ScriptedJudge(strong), contests(4), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    again = ScriptedJudge(strong)
    second, _ = run(again, contests(4), path)
    assert (again.asked, second) == (1, first)
    assert path.read_bytes() == whole


SLOW = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_comparison_engine import ScriptedJudge, contests, strong, SEED
from alpaca_nb.comparison.engine import VerdictFile, compare
def tell():
    print("one more", flush=True)
asyncio.run(compare(ScriptedJudge(strong), contests(5000), SEED, VerdictFile(Path({path!r})), report=tell))
"""


def test_a_killed_comparison_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    code = SLOW.format(tests=str(Path(__file__).parent), path=str(path))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = 0
    while told < 25:
        assert process.stdout.readline() == "one more\n"
        told += 1
    os.kill(process.pid, signal.SIGKILL)
    told += process.stdout.read().count("one more\n")
    process.wait()
    left = len([line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")])
    assert told <= left <= told + 1, "all that was reported is there, and at most the one in flight beyond"
    judge = ScriptedJudge(strong)
    judged, _ = run(judge, contests(left + 3), path)
    assert judge.asked == 3 and len(judged.verdicts) == left + 3
    assert json.loads(path.read_text().splitlines()[-1])["winner"] == "beta"
