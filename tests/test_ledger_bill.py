"""The teacher's bill from its ledger: line by line, to the cent, through faults, retries and a crash in the middle."""

import asyncio
import itertools
import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from killed_generation import settings_for

from alpaca_nb.costs.accounting import Rates, finished_stages
from alpaca_nb.costs.ledger_bill import CENT, LedgerBill, bill_of_ledger, in_cents
from alpaca_nb.costs.stage import analyse
from alpaca_nb.costs.tables import bill_rows
from alpaca_nb.costs.teacher_bills import teacher_bills
from alpaca_nb.errors import BudgetError, InputFileError
from alpaca_nb.files import write_jsonl
from alpaca_nb.generation.seeds import read_seed_tasks
from alpaca_nb.generation.stage import Generated, generate
from alpaca_nb.prices import Price
from alpaca_nb.runs import KIT_FOLDER, begin_stage
from alpaca_nb.teacher.ledger import Record, encode, scan
from alpaca_nb.teacher.local_server import running_offline_teacher

PRICE = Price("stub-1", 1.0, 2.0, "2026-01-01", "test", 0.1, 1.25, 0.5, 0.5)  # cached a tenth, written a quarter more
DOLLARS = st.decimals(0, 1000, places=7, allow_nan=False)
WORST = "0.5"
FAULTS = """
faults:
  - {fault: [rate-limit, "500", "503", cut-body, usage-missing, usage-huge], share: 0.4, attempts: [1]}
  - {fault: reasoning-tokens, share: 0.1}
  - {fault: [cut-body, bad-json], share: 0.1}
"""


def ledger_of(path: Path, *records: Record, configuration: dict[str, str] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    header: Record = {"kind": "header", "version": 1, "configuration": configuration or {}}  # type: ignore[dict-item]
    new = [] if path.exists() else [header]
    with path.open("ab+") as file:
        file.seek(0)
        numbers = itertools.count(1 + len(file.readlines()))
        file.write(b"".join(map(encode, [*new, *records], numbers)))
    return path


def sent(request: int, attempt: int = 1) -> Record:
    return {"kind": "sent", "request": request, "attempt": attempt, "worst_usd": WORST}


def answered(request: int, usage: dict[str, object] | None, **more: object) -> Record:
    choices = [{"message": {"content": "words"}, "finish_reason": "stop"}]
    body = json.dumps({"choices": choices, "usage": usage, **more})
    return {"kind": "answer", "request": request, "prompt_sha256": "", "id": "", "body": body}


def failed(request: int, *, maybe_billed: bool) -> Record:
    return {"kind": "failed", "request": request, "maybe_billed": maybe_billed, "message": ""}


def usage(prompt: int, completion: int, cached: int = 0, reasoning: int = 0) -> dict[str, object]:
    details = {"prompt_tokens_details": {"cached_tokens": cached}}
    details |= {"completion_tokens_details": {"reasoning_tokens": reasoning}}
    return {"prompt_tokens": prompt, "completion_tokens": completion, **details}


def lines_of(bill: LedgerBill) -> dict[str, tuple[int, Decimal]]:
    return {line.name.split(" (")[0]: (line.count, line.usd) for line in bill.lines}


def test_every_kind_of_token_and_attempt_has_its_own_line(tmp_path: Path) -> None:
    path = ledger_of(
        tmp_path / "ledger.jsonl",
        sent(0),
        answered(0, usage(1_000, 300, cached=400, reasoning=100)),
        sent(1),
        failed(1, maybe_billed=False),
        sent(1, 2),
        failed(1, maybe_billed=True),
        sent(1, 3),
        answered(1, usage(1_000, 300), service_tier="flex"),
        sent(2),  # the process died
        sent(2, 2),
        answered(2, None),
        sent(3),  # and died again
    )
    bill = bill_of_ledger(path, PRICE, useful_requests=frozenset({0}))
    assert lines_of(bill) == {  # at $1 a million in (cached 0.10) and $2 out, flex half
        "prompt tokens": (600 + 1_000, Decimal("0.0006") + Decimal("0.0005")),
        "prompt tokens from the cache": (400, Decimal("0.00004")),
        "answer tokens": (200 + 300, Decimal("0.0004") + Decimal("0.0003")),
        "reasoning tokens": (100, Decimal("0.0002")),
        "answers without a credible usage, at their worst": (1, Decimal(WORST)),
        "failed attempts that may be billed, at their worst": (1, Decimal(WORST)),
        "attempts lost in a crash, at their worst": (2, 2 * Decimal(WORST)),
    }
    assert bill.usd == Decimal("0.00204") + 4 * Decimal(WORST)
    assert (bill.requests, bill.attempts, bill.retries, bill.free_failures) == (3, 7, 4, 1)
    assert bill.by_tier == {"standard": 2, "flex": 1}
    # one answer at flex and one without usage brought no row; failed and lost attempts never do
    assert bill.wasted_answers == 2 and bill.wasted_usd == Decimal("0.0008") + 4 * Decimal(WORST)


def test_the_ledgers_own_price_counts_from_where_it_stands(tmp_path: Path) -> None:
    dearer = {"kind": "price", "model": "stub-1", "usd_per_million_input": 10.0, "usd_per_million_output": 20.0}
    dearer |= {"as_of": "2026-02-01", "source": "test"}
    asked = [sent(0), answered(0, usage(100, 50)), dearer, sent(1), answered(1, usage(100, 50))]
    bill = bill_of_ledger(ledger_of(tmp_path / "ledger.jsonl", *asked), PRICE)
    assert bill.usd == Decimal("0.0002") + Decimal("0.002") and bill.price.as_of == "2026-02-01"


@given(st.lists(DOLLARS, max_size=30))
def test_rounded_cents_add_up_to_the_rounded_total(parts: list[Decimal]) -> None:
    cents = in_cents(parts)
    total = sum(parts, Decimal(0))
    assert abs(sum(cents, Decimal(0)) - total) <= CENT / 2
    for part, cent in zip(parts, cents, strict=True):
        assert cent == cent.quantize(CENT) and abs(cent - part) < CENT


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), max_size=12))
def test_bills_are_additive(tmp_path_factory: pytest.TempPathFactory, usages: list[tuple[int, int]]) -> None:
    records = [record for place, one in enumerate(usages) for record in (sent(place), answered(place, usage(*one)))]
    cheap = replace(PRICE, usd_per_million_output=0.1)  # so that nothing passes its worst price
    folder = tmp_path_factory.mktemp("ledgers")
    whole = bill_of_ledger(ledger_of(folder / "whole.jsonl", *records), cheap)
    half = len(usages) // 2 * 2
    a, b = (ledger_of(folder / name, *part) for name, part in (("a", records[:half]), ("b", records[half:])))
    assert whole.usd == bill_of_ledger(a, cheap).usd + bill_of_ledger(b, cheap).usd


def test_a_run_with_faults_retries_and_crashes_adds_up_to_the_cent(tmp_path: Path) -> None:
    run_dir, script = tmp_path / "run", Path(__file__).with_name("killed_generation.py")
    (tmp_path / "faults.yaml").write_text(FAULTS)
    with running_offline_teacher(17, "--fault-script", str(tmp_path / "faults.yaml"), "--latency", "0.05") as url:
        command = [sys.executable, str(script), str(run_dir), url, "40", "4", "3", "5"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr
        stage = begin_stage("02_generate_data", str(run_dir), seed=17)
        settings = settings_for(url, 40, 4)
        seeds = read_seed_tasks(KIT_FOLDER / "alpaca_nb" / "seed_tasks" / "seed_tasks.jsonl")
        made: Generated = asyncio.run(generate(stage, settings, settings.way(seeds)))
    stage.finish(metrics=made.metrics(settings))

    (bill,) = teacher_bills(run_dir, finished_stages(run_dir))["02_generate_data"]
    kinds = [str(record["kind"]) for record in scan((run_dir / "generation" / "ledger.jsonl").read_bytes(), "").records]
    lines = lines_of(bill)
    assert kinds.count("failed") >= 3 and bill.retries >= 5 and bill.free_failures >= 1, "faults and retries happened"
    assert {"attempts lost in a crash, at their worst", "reasoning tokens"} <= lines.keys()
    assert {name.split(",")[0] for name in lines} >= {"failed attempts that may be billed"}
    assert bill.attempts == kinds.count("sent") and bill.requests == kinds.count("answer")

    analysis = analyse(run_dir, Rates(0.0, 65.0, 4.59), 1_000)  # no price of electricity: the teacher's dollars alone
    shown = [Decimal(row[3]) for row in bill_rows(analysis.teachers) if row[3]]
    assert Decimal(str(analysis.usd_here)).quantize(CENT) == bill.usd.quantize(CENT) > CENT
    assert Decimal(str(made.usd)).quantize(CENT) == bill.usd.quantize(CENT)
    assert sum(shown[:-1], Decimal(0)) == shown[-1] == bill.usd.quantize(CENT)


def test_a_ledger_changed_after_its_stage_is_told(tmp_path: Path) -> None:
    configuration = {"teacher_base_url": "https://api.openai.com/v1", "teacher_model": "gpt-6-luna"}
    path = tmp_path / "generation" / "ledger.jsonl"
    ledger_of(path, sent(0), answered(0, usage(100_000, 100_000)), configuration=configuration)
    stage = begin_stage("02_generate_data", str(tmp_path))
    stage.finish(metrics={"usd": 0.06})
    (bill,) = teacher_bills(tmp_path, finished_stages(tmp_path))["02_generate_data"]
    assert bill.usd == Decimal("0.06")
    ledger_of(path, sent(1), answered(1, usage(100_000, 100_000)), configuration=configuration)
    with pytest.raises(InputFileError, match=r"02_stage\.json says \$0\.06.*add up to \$0\.12"):
        teacher_bills(tmp_path, finished_stages(tmp_path))


def test_a_row_that_took_two_requests_wastes_neither(tmp_path: Path) -> None:
    configuration = {"teacher_base_url": "https://api.openai.com/v1", "teacher_model": "gpt-6-luna"}
    asked = [record for place in range(4) for record in (sent(place), answered(place, usage(100, 50)))]
    ledger_of(tmp_path / "generation" / "ledger.jsonl", *asked, configuration=configuration)
    for way, wasted in (("list", 2), ("numbered", 3)):
        write_jsonl(tmp_path / "generation" / "provenance.jsonl", [{"request_index": 2, "asked_for": way}])
        (bill,) = teacher_bills(tmp_path, {})["02_generate_data"]
        assert bill.wasted_answers == wasted


def test_a_ledger_of_a_model_without_a_price_is_refused(tmp_path: Path) -> None:
    configuration = {"teacher_base_url": "https://example.org/v1", "teacher_model": "gpt-99"}
    ledger_of(tmp_path / "comparison" / "judge_ledger.jsonl", sent(0), configuration=configuration)
    with pytest.raises(BudgetError, match="gpt-99"):
        teacher_bills(tmp_path, {})
