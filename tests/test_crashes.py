"""Two hundred deaths in one run of generation: nothing recorded is lost or asked again, and the files are the same."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
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
FINAL_FILES = ("dataset.json", "rejected.jsonl", "generation/provenance.jsonl")


def test_two_hundred_kills_lose_nothing_and_change_no_byte(tmp_path: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    options = [str(ROWS), str(CONCURRENCY), str(KILLS), "5"]
    with running_offline_teacher(17, "--latency", "0.03") as url:
        script = Path(__file__).with_name("killed_generation.py")
        ran = subprocess.run(
            [sys.executable, str(script), str(killed), url, *options], capture_output=True, text=True, timeout=300
        )
        assert ran.returncode == 0, ran.stderr
        tally = json.load(urlopen(f"{url.removesuffix('/v1')}/tally"))
    with running_offline_teacher(17) as url:
        run_once(whole, settings_for(url, ROWS, CONCURRENCY))
        undisturbed = json.load(urlopen(f"{url.removesuffix('/v1')}/tally"))
    report = json.loads(ran.stdout.splitlines()[-1])

    # the run that was killed is a run of some 400 requests, and died all along it
    assert 380 <= len(undisturbed["prompts"]) == undisturbed["asked"] <= 440
    assert len(report["answers"]) == KILLS
    assert report["answers"][KILLS // 4] < report["answers"][KILLS // 2] < report["answers"][-1] > 250
    assert max(report["on_their_way"]) > 4, "some deaths should find more on their way than a life begins with"

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
