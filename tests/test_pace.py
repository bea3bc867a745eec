"""Holding back: buckets told by headers, a window that grows and halves, a breaker that probes. No test waits."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manual_clock import ManualClock

from alpaca_nb.teacher.pace import FAILURES_IN_A_ROW, MOST_ON_THEIR_WAY, Breaker, Pace, Window
from alpaca_nb.teacher.rate_limits import Bucket, seconds_of, tell


def headers(limit: int, remaining: int, reset: str, what: str = "requests") -> dict[str, str]:
    start = "x-ratelimit"
    return {
        f"{start}-limit-{what}": str(limit),
        f"{start}-remaining-{what}": str(remaining),
        f"{start}-reset-{what}": reset,
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6m0s", 360), ("1s", 1), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("2d", 172800), ("7", 7), ("", None), ("x", None)],
)  # fmt: skip
def test_reset_in_each_form(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


def test_without_headers_nothing_is_held_back() -> None:
    bucket = Bucket()
    bucket.take(10**9, now=0.0)
    assert bucket.seconds_until(10**9, now=0.0) == 0


def test_a_bucket_by_hand() -> None:
    requests, tokens = Bucket(), Bucket()
    buckets, nothing = {"requests": requests, "tokens": tokens}, {"requests": 0, "tokens": 0}
    tell(buckets, headers(60, 2, "58s"), 0.0, nothing)  # 60 a minute, 2 left: one a second
    assert tokens.capacity is None
    requests.take(1, 0.0)
    requests.take(1, 0.0)
    assert requests.seconds_until(1, 0.0) == pytest.approx(1.0)
    assert requests.seconds_until(1, 1.0) == 0
    assert requests.seconds_until(1000, 1.0) == pytest.approx(59.0), "more than a bucket holds waits for a full one"


def test_a_limit_a_day_fills_slowly_though_its_header_looks_the_same() -> None:
    bucket = Bucket()
    bucket.told(10_000, 0, 86_400, now=0.0)
    assert bucket.seconds_until(1, 0.0) == pytest.approx(8.64)


def test_our_level_stays_between_the_endpoints_with_and_without_what_is_on_its_way() -> None:
    bucket = Bucket()
    bucket.told(100, 100, 0, now=0.0)
    for _ in range(90):
        bucket.take(1, 0.0)
    bucket.told(100, 95, 3, now=0.0, on_their_way=85)  # most of the 90 had not arrived when it said so
    assert bucket.level == 10
    bucket.told(100, 4, 58, now=0.0, on_their_way=3)  # somebody else uses the same account
    assert bucket.level == 4
    bucket.told(100, 50, 30, now=0.0, on_their_way=10)  # it gives back what was not used
    assert bucket.level == 40


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 30)), max_size=60))
def test_no_minute_sees_more_than_the_limit_and_one_bucket_full(steps: list[tuple[float, int]]) -> None:
    """In any stretch of time the bucket lets pass at most what it held plus what flowed in."""
    bucket, now, passed = Bucket(), 0.0, 0
    bucket.told(60, 60, 0, now)
    for pause, amount in steps:
        now += pause
        now += bucket.seconds_until(amount, now)
        bucket.take(amount, now)
        passed += amount
        assert passed <= 60 + now + 1e-6


def test_the_window_doubles_until_the_first_refusal_then_creeps() -> None:
    window = Window(4.0)
    for _ in range(4):
        window.answered()
    assert window.size == 8
    window.refused(sent_at=10.0, now=11.0)
    window.refused(sent_at=10.5, now=11.1)  # on its way together with the first
    assert window.size == 4
    for _ in range(4):
        window.answered()
    assert 4.8 < window.size < 5.0
    window.refused(sent_at=12.0, now=13.0)
    assert 2.4 < window.size < 2.5
    for time in range(20):
        window.refused(sent_at=20.0 + time, now=20.5 + time)
    assert window.size == 1
    for _ in range(10_000):
        window.answered()
    assert window.size == MOST_ON_THEIR_WAY


def test_the_breaker_opens_after_failures_in_a_row_and_only_if_there_was_an_answer() -> None:
    never, once = Breaker(), Breaker()
    once.answered(0.0)
    for time in range(FAILURES_IN_A_ROW):
        assert not once.open
        never.failed(float(time))
        once.failed(float(time))
    assert once.open and not never.open
    assert once.seconds_failing(100.0) == 100
    waits = []
    for _ in range(8):
        waits.append(once.probe_at - 7.0)
        once.failed(7.0)
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    once.answered(200.0)
    assert not once.open and once.seconds_failing(300.0) == 0


def run_through(pace: Pace, clock: ManualClock, count: int, service_seconds: float) -> list[float]:
    """Send `count` requests that each take `service_seconds`, one after another; returns when each left."""

    async def run() -> list[float]:
        left = []
        for _ in range(count):
            admission = await pace.admit(1)
            left.append(admission.at)
            clock.seconds += service_seconds
            pace.answered(admission, {})
        return left

    return asyncio.run(run())


def test_retry_after_holds_everybody_back() -> None:
    async def run() -> list[float]:
        clock = ManualClock()
        pace = Pace(4, clock)
        first, second, third = [await pace.admit(1) for _ in range(3)]
        pace.failed(first, {}, busy=True, wait_seconds=20.0)
        pace.failed(second, {}, busy=True, wait_seconds=7.0)
        pace.answered(third, {})
        return [(await pace.admit(1)).at - first.at for _ in range(2)]

    assert asyncio.run(run()) == [20, 20]


def test_the_rate_of_requests_settles_at_the_limit_told() -> None:
    clock = ManualClock()
    pace = Pace(4, clock)
    run_through(pace, clock, 1, 0.0)
    tell(pace.buckets, headers(120, 0, "60s"), clock.now(), pace.on_their_way)
    left = run_through(pace, clock, 20, 0.1)
    gaps = [later - earlier for earlier, later in pairwise(left)]
    assert gaps == pytest.approx([0.5] * 19)


def test_no_more_are_on_their_way_than_the_window_holds() -> None:
    async def run() -> tuple[int, int]:
        pace = Pace(1, ManualClock())
        waiting = [asyncio.create_task(pace.admit(1)) for _ in range(10)]
        await asyncio.sleep(0)
        before = pace.on_their_way["requests"]
        pace.answered(await waiting[0], {})  # one answered: room for two
        for _ in range(5):
            await asyncio.sleep(0)
        after = pace.on_their_way["requests"]
        for task in waiting:
            task.cancel()
        return before, after

    assert asyncio.run(run()) == (1, 2)


def test_an_open_breaker_sends_one_probe_at_a_time() -> None:
    async def run() -> tuple[int, float]:
        clock = ManualClock()
        pace = Pace(64, clock)
        pace.answered(await pace.admit(1), {})
        for _ in range(FAILURES_IN_A_ROW):
            pace.failed(await pace.admit(1), {}, busy=False, wait_seconds=None)
        failed_at = clock.now()
        waiting = [asyncio.create_task(pace.admit(1)) for _ in range(10)]
        for _ in range(5):
            await asyncio.sleep(0)
        on_their_way = pace.on_their_way["requests"]
        for task in waiting[1:]:
            task.cancel()
        return on_their_way, (await waiting[0]).at - failed_at

    assert asyncio.run(run()) == (1, 1.0)


def test_a_cancelled_waiter_leaves_the_line_open() -> None:
    async def run() -> bool:
        pace = Pace(1, ManualClock())
        admission = await pace.admit(1)
        first, second = asyncio.create_task(pace.admit(1)), asyncio.create_task(pace.admit(1))
        await asyncio.sleep(0)
        first.cancel()
        pace.ended(admission)
        await second
        return True

    assert asyncio.run(run())
