"""Two hundred deaths in one run of generation: nothing recorded is lost or asked again, and the files are the same."""

import json
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from killed_generation import run_once, settings_for

from alpaca_nb.prices import given_price
from alpaca_nb.teacher.ledger import scan
from alpaca_nb.teacher.local_server import running_offline_teacher
from alpaca_nb.teacher.totals import read_totals

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="forks and kills as POSIX has it"),
]
ROWS, CONCURRENCY, KILLS = 320, 16, 200
SCRIPT = str(Path(__file__).with_name("killed_generation.py"))
FINAL_FILES = ("dataset.json", "rejected.jsonl", "generation/provenance.jsonl")


def tally_of(url: str) -> dict[str, Any]:
    """What the teacher says it was asked."""
    return json.load(urlopen(f"{url.removesuffix('/v1')}/tally"))  # type: ignore[no-any-return]


def test_a_death_with_sixteen_on_their_way_asks_those_again_and_no_others(tmp_path: Path) -> None:
    """The first answers open the window; then all that may be on their way hang, however fast the machine is."""
    faults = [{"fault": "reasoning-tokens", "times": CONCURRENCY}, {"fault": "hang", "times": CONCURRENCY}]
    (tmp_path / "faults.yaml").write_text(json.dumps({"faults": faults}))
    with running_offline_teacher(17, "--fault-script", str(tmp_path / "faults.yaml")) as url:
        life = subprocess.Popen(
            [sys.executable, SCRIPT, str(tmp_path / "killed"), url, "60", str(CONCURRENCY), "0", "5"],
            stdout=subprocess.DEVNULL,
        )
        while tally_of(url)["faults"].get("hang", 0) < CONCURRENCY:
            assert life.poll() is None
            time.sleep(0.01)
        life.kill()
        life.wait()
        answered = {record["request"] for record in answers_in(tmp_path / "killed")}
        assert len(answered) == CONCURRENCY
        run_once(tmp_path / "killed", settings_for(url, 60, CONCURRENCY))
        after = tally_of(url)
    hung = [count for count in after["prompts"].values() if "hang" in count["faults"]]
    assert [count["asked"] for count in hung] == [2] * CONCURRENCY
    assert after["asked"] - len(after["prompts"]) == CONCURRENCY, "and nothing else was asked twice"
    with running_offline_teacher(17) as url:
        run_once(tmp_path / "whole", settings_for(url, 60, CONCURRENCY))
    for name in FINAL_FILES[:2]:  # the hidden tokens of the first answers stand in the provenance
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def answers_in(folder: Path) -> list[dict[str, Any]]:
    """The recorded answers of a run folder."""
    data = (folder / "generation" / "ledger.jsonl").read_bytes()
    return [record for record in scan(data, "ledger").records if record["kind"] == "answer"]


def test_two_hundred_kills_lose_nothing_and_change_no_byte(tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    options = [str(ROWS), str(CONCURRENCY), str(KILLS), "5"]
    with running_offline_teacher(17, "--latency", "0.03") as url:
        ran = subprocess.run(
            [sys.executable, SCRIPT, str(killed), url, *options], capture_output=True, text=True, timeout=3600
        )
        assert ran.returncode == 0, ran.stderr
        tally = tally_of(url)
    with running_offline_teacher(17) as url:
        run_once(whole, settings_for(url, ROWS, CONCURRENCY))
        undisturbed = tally_of(url)
    report = json.loads(ran.stdout.splitlines()[-1])

    # the run that was killed is a run of some 400 requests, and died all along it
    assert 380 <= len(undisturbed["prompts"]) == undisturbed["asked"] <= 440
    assert len(report["answers"]) == KILLS
    assert report["answers"][-1] > 250 and len(set(report["answers"])) > 10
    assert sum(report["on_their_way"]) > 0

    # nothing recorded is lost
    assert sum(report["lost_bytes"]) == 0
    assert report["answers"] == sorted(report["answers"])

    # nothing recorded is asked again; at most what was on its way is
    assert max(report["on_their_way"]) <= CONCURRENCY
    assert tally["asked"] - len(tally["prompts"]) <= sum(report["on_their_way"])
    sent: dict[object, int] = {}
    answered: dict[object, str] = {}
    ledger = killed / "generation" / "ledger.jsonl"
    for record in scan(ledger.read_bytes(), "ledger").records:
        if record["kind"] == "sent":
            assert record["request"] not in answered, "sent although its answer was recorded"
            sent[record["request"]] = sent.get(record["request"], 0) + 1
        elif record["kind"] == "answer":
            assert record["request"] not in answered, "two answers to one request"
            answered[record["request"]] = str(record["prompt_sha256"])
    for request, prompt in answered.items():
        assert tally["prompts"][prompt]["asked"] <= sent[request]

    # the bill holds whatever was truly used
    price = given_price("offline", "1,2")
    used = tally["tokens"]["standard"]
    truth = price.usd(used["prompt_tokens"], used["completion_tokens"])
    booked = read_totals(ledger, price)
    assert truth <= booked.usd <= Decimal(100)
    assert booked.answers == len(answered) and booked.lost == sum(sent.values()) - len(answered)

    for name in FINAL_FILES:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
