"""Limits of requests and tokens a minute, with the headers in which OpenAI tells them.

Each limit is a bucket that fills evenly; a request takes one of the one, and its prompt and longest answer of the
other. Source: OpenAI's guide to rate limits ("Rate limits in headers").
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from alpaca_nb.offline_teacher.refusals import ApiError


@dataclass
class _Bucket:
    per_minute: int
    left: float
    at: float  # seconds of the clock, when `left` was right

    def fill(self, now: float) -> None:
        self.left = min(self.per_minute, self.left + (now - self.at) * self.per_minute / 60)
        self.at = now

    def seconds_until(self, amount: float) -> float:
        return max(0.0, (amount - self.left) * 60 / self.per_minute)


@dataclass
class RateLimits:
    """The limits of one server; 0 is none."""

    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    clock: Callable[[], float] = time.monotonic
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for name, limit in (("requests", self.requests_per_minute), ("tokens", self.tokens_per_minute)):
            if limit:
                self._buckets[name] = _Bucket(limit, limit, self.clock())

    def admit(self, tokens: int) -> dict[str, str]:
        """Take one request of so many tokens; returns the headers, or raises `ApiError` (429) with them."""
        amounts = {"requests": 1.0, "tokens": float(tokens)}
        with self._lock:
            for bucket in self._buckets.values():
                bucket.fill(self.clock())
            wait = max((bucket.seconds_until(amounts[name]) for name, bucket in self._buckets.items()), default=0.0)
            if wait == 0:
                for name, bucket in self._buckets.items():
                    bucket.left -= amounts[name]
            headers = self._headers()
        if wait > 0:
            headers |= {"retry-after-ms": f"{1000 * wait:.0f}", "Retry-After": f"{max(1, round(wait))}"}
            raise ApiError(429, "Rate limit reached.", "requests", code="rate_limit_exceeded", headers=headers)
        return headers

    def _headers(self) -> dict[str, str]:
        headers = {}
        for name, bucket in self._buckets.items():
            headers[f"x-ratelimit-limit-{name}"] = str(bucket.per_minute)
            headers[f"x-ratelimit-remaining-{name}"] = str(int(max(0, bucket.left)))
            headers[f"x-ratelimit-reset-{name}"] = f"{bucket.seconds_until(bucket.per_minute):.3f}s"
        return headers
