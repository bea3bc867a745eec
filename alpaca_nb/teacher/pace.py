"""When may the next request leave? One object decides for all workers of a process.

It holds back for four reasons: the endpoint asked everybody to wait (`Retry-After`), a bucket of requests or tokens a
minute is empty, as many requests are on their way as the endpoint has been seen to bear (AIMD, as in TCP: one more for
each answer until the first refusal, then slowly; half at a refusal), or the breaker is open: after some failures in a
row only one request at a time is sent, as a probe. The clock is passed in, so that tests need not wait.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from alpaca_nb.teacher.rate_limits import Bucket, tell

MOST_ON_THEIR_WAY = 64
FAILURES_IN_A_ROW = 8  # that open the breaker
LONGEST_PROBE_WAIT_SECONDS = 30.0


class Clock(Protocol):
    """Monotonic seconds, and waiting for some of them."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class LoopClock:
    """The event loop's own clock."""

    def now(self) -> float:
        """Seconds of the running loop."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Sleep for real."""
        await asyncio.sleep(seconds)


@dataclass
class Window:
    """How many requests may be on their way: additive increase, multiplicative decrease."""

    size: float
    doubling: bool = True  # before the first refusal each answer makes room for one more
    cut_at: float = float("-inf")

    def answered(self) -> None:
        """Grow: by one, or by one for each window full of answers."""
        self.size = min(MOST_ON_THEIR_WAY, self.size + (1 if self.doubling else 1 / self.size))

    def refused(self, sent_at: float, now: float) -> None:
        """Halve, once for all requests that were on their way together."""
        if sent_at >= self.cut_at:
            self.size, self.doubling, self.cut_at = max(1.0, self.size / 2), False, now


@dataclass
class Breaker:
    """Open after failures in a row, if the endpoint answered before; then one probe at a time."""

    in_a_row: int = 0
    answered_at: float | None = None  # last success; None: never yet
    failing_since: float | None = None
    probe_at: float = 0.0

    @property
    def open(self) -> bool:
        """Whether only probes are sent. An endpoint that never answered is not waited for."""
        return self.answered_at is not None and self.in_a_row >= FAILURES_IN_A_ROW

    def answered(self, now: float) -> None:
        """Close."""
        self.in_a_row, self.answered_at, self.failing_since = 0, now, None

    def failed(self, now: float) -> None:
        """Count; plan the next probe, twice as far away each time."""
        self.in_a_row += 1
        self.failing_since = now if self.failing_since is None else self.failing_since
        self.probe_at = now + min(LONGEST_PROBE_WAIT_SECONDS, 2.0 ** max(0, self.in_a_row - FAILURES_IN_A_ROW))

    def seconds_failing(self, now: float) -> float:
        """How long every attempt has failed."""
        return 0.0 if self.failing_since is None else now - self.failing_since


@dataclass(frozen=True)
class Admission:
    """The leave of one request: when, and how many tokens it may take."""

    at: float
    tokens: int


class Pace:
    """Admits requests one by one: `await admit`, and at the end exactly one of `answered`, `failed`, `ended`."""

    def __init__(self, first_window: int, clock: Clock | None = None) -> None:
        self.clock = clock or LoopClock()
        self.window, self.breaker = Window(float(first_window)), Breaker()
        self.buckets = {"requests": Bucket(), "tokens": Bucket()}
        self.on_their_way = {"requests": 0, "tokens": 0}
        self.not_before = float("-inf")  # until then the endpoint asked everybody to wait
        self._line = asyncio.Lock()  # those who wait stand in line
        self._changed = asyncio.Event()

    async def admit(self, tokens: int) -> Admission:
        """Wait until one more request of about `tokens` tokens may leave."""
        async with self._line:
            while True:
                if self.on_their_way["requests"] >= (1 if self.breaker.open else int(self.window.size)):
                    self._changed.clear()
                    await self._changed.wait()
                elif (seconds := self._seconds_to_wait(tokens)) > 0:
                    await self.clock.sleep(seconds)
                else:
                    break
            now = self.clock.now()
            for name, amount in (("requests", 1), ("tokens", tokens)):
                self.buckets[name].take(amount, now)
                self.on_their_way[name] += amount
            return Admission(now, tokens)

    def _seconds_to_wait(self, tokens: int) -> float:
        now = self.clock.now()
        probe = self.breaker.probe_at if self.breaker.open else now
        until = max(self.not_before, probe) - now
        requests, tokens_ = self.buckets["requests"], self.buckets["tokens"]
        return max(until, requests.seconds_until(1, now), tokens_.seconds_until(tokens, now))

    def answered(self, admission: Admission, headers: Mapping[str, str]) -> None:
        """An answer came."""
        self.window.answered()
        self.breaker.answered(self.clock.now())
        self._learn(admission, headers)

    def failed(
        self, admission: Admission, headers: Mapping[str, str], *, busy: bool, wait_seconds: float | None
    ) -> None:
        """An attempt failed; where the endpoint is `busy` or says how long to wait, everybody waits."""
        now = self.clock.now()
        self.breaker.failed(now)
        if busy:
            self.window.refused(admission.at, now)
        if wait_seconds is not None:
            self.not_before = max(self.not_before, now + wait_seconds)
        self._learn(admission, headers)

    def ended(self, admission: Admission) -> None:
        """A request is no longer on its way, whatever became of it."""
        self.on_their_way["requests"] -= 1
        self.on_their_way["tokens"] -= admission.tokens
        self._changed.set()

    def _learn(self, admission: Admission, headers: Mapping[str, str]) -> None:
        self.ended(admission)
        tell(self.buckets, headers, self.clock.now(), self.on_their_way)
