"""Against a server that counts: how many refusals a limit costs us; one clock, turned by hand, for both sides."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from manual_clock import ManualClock
from served_teacher import SEED, served_teacher
from stub_endpoint import StubReply, completion, error, stub_endpoint

from alpaca_nb.errors import TeacherError
from alpaca_nb.offline_teacher.rate_limits import RateLimits
from alpaca_nb.offline_teacher.text_endpoint import TextEndpoint
from alpaca_nb.prices import Price
from alpaca_nb.teacher.recorded import RecordedTeacher, open_teacher
from alpaca_nb.teacher.settings import TeacherSettings

FREE = Price("offline", 0.0, 0.0, "2026-01-01", "test")


def settings_for(url: str, model: str = "offline", **changes: object) -> TeacherSettings:
    return replace(TeacherSettings(url, model, 1.0, 100, 1.0, 17), **changes)  # type: ignore[arg-type]


def ask(settings: TeacherSettings, folder: Path, count: int, clock: ManualClock) -> RecordedTeacher:
    async def run() -> RecordedTeacher:
        async with open_teacher(settings, folder / "ledger.jsonl", {}, price=FREE, clock=clock) as teacher:
            await asyncio.gather(*(teacher.answer(index, f"prompt {index}") for index in range(count)))
            return teacher

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("limits", "per_minute"),
    [({"requests_per_minute": 60}, 60), ({"tokens_per_minute": 6000}, 6000 / 103)],
    ids=["requests", "tokens"],
)
def test_a_limit_is_kept_at_full_speed_with_hardly_a_refusal(
    tmp_path: Path, limits: dict[str, int], per_minute: float
) -> None:
    clock = ManualClock()
    text = TextEndpoint(SEED, limits=RateLimits(**limits, clock=clock.now))
    with served_teacher(text) as url:
        teacher = ask(settings_for(url), tmp_path, 240, clock)
    minutes = (clock.seconds - 1000) / 60
    at_best = 240 / per_minute - 1  # the bucket was full at the beginning
    assert teacher.totals.answers == 240
    assert teacher.totals.failed["busy"] <= 12, "some learn of the limit by a refusal; then nobody runs into it"
    assert minutes <= 1.5 * at_best + 0.3, "and the time is not slept away either"


def test_no_request_leaves_before_the_longest_retry_after_is_over(tmp_path: Path) -> None:
    clock, arrived = ManualClock(), []

    def reply(number: int, prompt: str) -> StubReply:
        arrived.append(clock.seconds)
        return error(429, "slow down", headers={"Retry-After": "30"}) if number == 2 else completion("yes")

    with stub_endpoint(reply) as stub:
        ask(settings_for(stub.base_url), tmp_path, 40, clock)
    refused = arrived[2]
    later = [seconds for seconds in arrived if seconds > refused]
    assert len(arrived) == 41 and min(later) >= refused + 30


@pytest.mark.parametrize(("status", "slower"), [(429, True), (503, True), (529, True), (500, False)])
def test_an_overloaded_endpoint_is_asked_by_fewer_at_a_time(tmp_path: Path, status: int, slower: bool) -> None:
    with stub_endpoint(lambda number, prompt: error(status, "no") if number == 2 else completion("yes")) as stub:
        teacher = ask(settings_for(stub.base_url), tmp_path, 8, ManualClock())
    assert teacher.totals.answers == 8
    assert teacher.pace.window.doubling is not slower, "the window was cut, and grows slowly from there"
    assert (teacher.pace.not_before > 0) is slower, "and everybody waited for a moment"


def test_an_endpoint_that_falls_silent_is_probed_and_then_waited_for(tmp_path: Path) -> None:
    """It is away for ten minutes: far longer than six attempts last, less than our patience."""
    clock, during = ManualClock(), []

    def reply(number: int, prompt: str) -> StubReply:
        if number >= 20 and clock.seconds < 1600:
            during.append(number)
            return error(503, "overloaded")
        return completion("yes")

    with stub_endpoint(reply) as stub:
        teacher = ask(settings_for(stub.base_url), tmp_path, 60, clock)
    assert teacher.totals.answers == 60
    assert len(during) < 50, "a few failures open the breaker, then one probe every half a minute"


def test_an_endpoint_that_stays_silent_ends_the_run_when_patience_does(tmp_path: Path) -> None:
    clock = ManualClock()
    with (
        stub_endpoint(lambda number, prompt: completion("yes") if number < 5 else error(503, "overloaded")) as stub,
        pytest.raises(TeacherError, match=r"failed at every attempt for 15 minutes. Recorded answers are safe"),
    ):
        ask(settings_for(stub.base_url), tmp_path, 20, clock)
    assert 900 < clock.seconds - 1000 < 1100


def test_an_endpoint_that_never_answered_is_given_up_soon(tmp_path: Path) -> None:
    clock = ManualClock()
    with (
        stub_endpoint(lambda number, prompt: error(503, "overloaded")) as stub,
        pytest.raises(TeacherError, match="given up after 6 attempts"),
    ):
        ask(settings_for(stub.base_url), tmp_path, 20, clock)
    assert len(stub.requests) <= 20 * 6
    assert sorted(clock.slept)[-1] <= 8, "no wait is longer than our own longest"


def test_a_key_error_stops_all_at_once(tmp_path: Path) -> None:
    with (
        stub_endpoint(lambda number, prompt: error(401, "no")) as stub,
        pytest.raises(TeacherError, match="refuses the key"),
    ):
        ask(settings_for(stub.base_url), tmp_path, 200, ManualClock())
    assert len(stub.requests) <= 4, "those that were on their way together, not one for each question"


def test_budget_and_pace_together_do_not_lock_up(tmp_path: Path) -> None:
    price = Price("offline", 1.0, 2.0, "2026-01-01", "test")

    async def run(settings: TeacherSettings) -> Decimal:
        async with open_teacher(settings, tmp_path / "l.jsonl", {}, price=price, clock=ManualClock()) as teacher:
            asked = (teacher.answer(index, "prompt") for index in range(50))
            await asyncio.gather(*asked, return_exceptions=True)
            return teacher.budget.spent_usd

    with stub_endpoint(lambda number, prompt: completion("yes", usage=(5, 50))) as stub:
        spent = asyncio.run(asyncio.wait_for(run(settings_for(stub.base_url, budget_usd=0.003)), 60))
    assert Decimal("0.0026") < spent <= Decimal("0.003")
