"""The accounts: the same sums while asking, after a restart, and from the ledger alone; to the cent."""

import asyncio
import random
from decimal import Decimal
from pathlib import Path

import pytest
from manual_clock import ManualClock
from stub_endpoint import StubReply, completion, error, stub_endpoint

from alpaca_nb.costs.ledger_bill import bill_of_ledger
from alpaca_nb.errors import BudgetError, TeacherError
from alpaca_nb.prices import Price
from alpaca_nb.teacher.ledger import scan
from alpaca_nb.teacher.recorded import RecordedTeacher, open_teacher, recorded_answers
from alpaca_nb.teacher.settings import TeacherSettings
from alpaca_nb.teacher.totals import Totals, read_totals

PRICE = Price("stub-1", 1.0, 2.0, "2026-01-01", "test", flex_factor=0.5)
WORST = Decimal("0.000224")  # (8 + 16) in, 100 out


def settings_for(base_url: str, **changes: object) -> TeacherSettings:
    return TeacherSettings(
        base_url, "stub-1", 1.0, 100, 1.0, 17, first_wait_seconds=0.001, max_attempts=3, **changes  # type: ignore[arg-type]
    )  # fmt: skip


def ask(settings: TeacherSettings, ledger: Path, *indices: int, price: Price = PRICE) -> RecordedTeacher:
    async def run() -> RecordedTeacher:
        async with open_teacher(settings, ledger, {}, price=price, clock=ManualClock()) as teacher:
            for index in indices:
                await teacher.answer(index, f"prompt {index}")
            return teacher

    return asyncio.run(run())


def test_attempts_are_told_apart(tmp_path: Path) -> None:
    replies = [
        completion("a"),
        error(500, "free"),
        error(429, "free too", headers={"Retry-After": "0"}),
        StubReply(200, completion("b").body, cut_after=30),  # maybe billed
        completion("b", usage=None),
    ]
    ledger = tmp_path / "ledger.jsonl"
    with stub_endpoint(lambda number, prompt: replies[number]) as stub:
        live = ask(settings_for(stub.base_url), ledger, 0, 1).totals
    assert live.failed == {"server_error": 1, "busy": 1, "connection": 1}
    assert (live.answers, live.unclear_usage, live.maybe_billed, live.lost) == (2, 1, 1, 0)
    assert live.answers_usd == Decimal("0.0002") + WORST and live.maybe_billed_usd == WORST
    assert read_totals(ledger, PRICE) == live


@pytest.mark.parametrize("usage", [(10**9, 50), (100, 10**9), (0, 50), (100, 0)], ids=str)
def test_a_usage_that_cannot_be_is_charged_at_the_worst_case(tmp_path: Path, usage: tuple[int, int]) -> None:
    with stub_endpoint(lambda number, prompt: completion("a", usage=usage)) as stub:
        teacher = ask(settings_for(stub.base_url), tmp_path / "ledger.jsonl", 0)
    assert teacher.totals.usd == teacher.budget.spent_usd == WORST and teacher.totals.unclear_usage == 1


def test_flex_is_charged_as_the_endpoint_says_it_worked(tmp_path: Path) -> None:
    bodies = [completion("a").body, completion("a").body.replace(b'"usage"', b'"service_tier": "flex", "usage"')]
    with stub_endpoint(lambda number, prompt: StubReply(200, bodies[number])) as stub:
        teacher = ask(settings_for(stub.base_url, service_tier="flex"), tmp_path / "ledger.jsonl", 0, 1)
        assert all(request["service_tier"] == "flex" for request in stub.requests)
    assert teacher.totals.usd == Decimal("0.0002") + Decimal("0.0001")


def test_a_tier_of_unknown_price_counts_at_the_worst_case(tmp_path: Path) -> None:
    priority = completion("a").body.replace(b'"usage"', b'"service_tier": "priority", "usage"')
    with stub_endpoint(lambda number, prompt: StubReply(200, priority)) as stub:
        teacher = ask(settings_for(stub.base_url), tmp_path / "ledger.jsonl", 0)
    assert teacher.totals.usd == teacher.budget.spent_usd == WORST and teacher.totals.unclear_usage == 1
    assert bill_of_ledger(tmp_path / "ledger.jsonl", PRICE).usd == WORST


def test_a_refusal_sent_as_a_success_is_recorded_and_costs_nothing(tmp_path: Path) -> None:
    bodies = [b'{"error": {"message": "overloaded", "code": 502}}', completion("a").body]
    with stub_endpoint(lambda number, prompt: StubReply(200, bodies[number])) as stub:
        teacher = ask(settings_for(stub.base_url), tmp_path / "ledger.jsonl", 0, 1)
    first, _ = recorded_answers(tmp_path / "ledger.jsonl")
    assert first.fault == "error_instead" and "overloaded" in first.text
    assert (teacher.totals.answers, teacher.totals.unclear_usage) == (2, 0)
    assert teacher.totals.usd == teacher.budget.spent_usd == Decimal("0.0002")
    assert read_totals(tmp_path / "ledger.jsonl", PRICE) == teacher.totals
    assert bill_of_ledger(tmp_path / "ledger.jsonl", PRICE).usd == Decimal("0.0002")


def test_a_new_price_counts_from_its_own_day_on(tmp_path: Path) -> None:
    ledger, dearer = tmp_path / "ledger.jsonl", Price("stub-1", 10.0, 20.0, "2026-02-01", "test")
    with stub_endpoint(lambda number, prompt: completion("a")) as stub:
        ask(settings_for(stub.base_url), ledger, 0)
        ask(settings_for(stub.base_url), ledger, price=dearer)
        teacher = ask(settings_for(stub.base_url), ledger, 0, 1, price=dearer)
    assert teacher.totals.usd == teacher.budget.spent_usd == Decimal("0.0002") + Decimal("0.002")
    assert [r["kind"] for r in scan(ledger.read_bytes(), "").records].count("price") == 2


@pytest.mark.parametrize("seed", range(4))
def test_with_faults_crashes_and_restarts_spent_is_the_sum_of_the_ledger_and_below_the_wall(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    ledger = tmp_path / "ledger.jsonl"

    def reply(number: int, prompt: str) -> StubReply:
        return chance.choice(
            [
                completion("a", usage=(chance.randrange(1, 30), chance.randrange(1, 100))),
                completion("a", usage=(10**9, 10**9)),
                completion("a", usage=None),
                error(503, "busy"),
                error(429, "slow", headers={"Retry-After": "0"}),
                StubReply(200, completion("a").body, cut_after=chance.randrange(1, 60)),
                StubReply(200, b"<html>"),
            ]
        )

    limit = 0.004
    with stub_endpoint(reply) as stub:
        settings = TeacherSettings(stub.base_url, "stub-1", 1.0, 100, limit, 17, first_wait_seconds=0.001)

        async def some(indices: range) -> RecordedTeacher:
            async with open_teacher(settings, ledger, {}, price=PRICE, clock=ManualClock()) as teacher:
                results = await asyncio.gather(
                    *(teacher.answer(i, f"prompt {i}") for i in indices), return_exceptions=True
                )
                assert all(
                    not isinstance(r, BaseException) or isinstance(r, BudgetError | TeacherError) for r in results
                )
                assert teacher.budget.spent_usd <= Decimal(str(limit)) and teacher.budget.reserved_usd == 0
                return teacher

        for last in (6, 12, 40):
            spent = asyncio.run(some(range(last))).budget.spent_usd
            assert read_totals(ledger, PRICE).usd == spent
            ledger.write_bytes(cut_behind_a_sent(ledger.read_bytes(), chance))
    assert read_totals(ledger, PRICE).usd <= Decimal(str(limit))


def cut_behind_a_sent(data: bytes, chance: random.Random) -> bytes:
    """What a crash would have left: the ledger up to a request on its way."""
    lines = data.split(b"\n")[:-1]
    places = [number for number, line in enumerate(lines) if b'"kind":"sent"' in line]
    return b"".join(line + b"\n" for line in lines[: chance.choice(places[-4:]) + 1])


def test_totals_are_plain_sums() -> None:
    totals = Totals(PRICE)
    totals.take({"kind": "sent", "request": 0, "attempt": 1, "worst_usd": "0.5"})
    assert totals.usd == 0
    totals.take_over()
    assert (totals.lost, totals.usd) == (1, Decimal("0.5"))
