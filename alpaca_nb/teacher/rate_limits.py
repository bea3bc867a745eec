"""Requests and tokens a minute: two buckets that fill with time, told by the endpoint's own headers.

OpenAI's rate-limit page names the headers: `x-ratelimit-limit-requests`, `-remaining-requests`, `-reset-requests`, and
the same for tokens; a reset reads `6m0s`, `1s` or `20ms`. An endpoint that sends none is not held back here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_ROUNDING = 1e-9  # of a request or token: what floating-point sums may leave
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass
class Bucket:
    """A bucket of `capacity`, filled at `per_second`; the level may fall below nothing, which makes the next wait."""

    capacity: float | None = None  # None: no limit is known
    per_second: float = 0.0
    level: float = 0.0
    filled_at: float = 0.0

    def seconds_until(self, amount: float, now: float) -> float:
        """How long until `amount` is there; an amount above the capacity waits for a full bucket."""
        if self.capacity is None:
            return 0.0
        self._fill(now)
        missing = min(amount, self.capacity) - self.level
        return missing / self.per_second if missing > _ROUNDING and self.per_second else 0.0

    def take(self, amount: float, now: float) -> None:
        """Take `amount` out."""
        if self.capacity is not None:
            self._fill(now)
            self.level -= amount

    def told(
        self, limit: float, remaining: float | None, reset_seconds: float | None, now: float, on_their_way: float = 0.0
    ) -> None:
        """Believe the endpoint: about the limit, and about what is left.

        It may or may not have counted what is on its way yet, so our own level stands between its level and its level
        without that. The time until the bucket is full tells how fast it fills: a limit a day has the same header.
        """
        self._fill(now)
        if self.capacity is None:
            self.level, self.filled_at = limit, now
        self.capacity, self.per_second = limit, limit / 60
        if remaining is not None:
            self.level = min(remaining, max(self.level, remaining - on_their_way))
            if reset_seconds and remaining < limit:
                self.per_second = min(self.per_second, (limit - remaining) / reset_seconds)

    def _fill(self, now: float) -> None:
        if self.capacity is not None:
            self.level = min(self.capacity, self.level + self.per_second * max(0.0, now - self.filled_at))
            self.filled_at = now


def tell(
    buckets: Mapping[str, Bucket], headers: Mapping[str, str], now: float, on_their_way: Mapping[str, int]
) -> None:
    """Tell the buckets of `requests` and `tokens` what the headers say; what cannot be read is passed over."""
    for name, bucket in buckets.items():
        limit = _number(headers.get(f"x-ratelimit-limit-{name}"))
        if limit:
            remaining = _number(headers.get(f"x-ratelimit-remaining-{name}"))
            bucket.told(
                limit, remaining, seconds_of(headers.get(f"x-ratelimit-reset-{name}", "")), now, on_their_way[name]
            )


def seconds_of(text: str) -> float | None:
    """Read `1h2m3s`, `20ms` or a bare number of seconds; None for anything else."""
    if (bare := _number(text)) is not None:
        return bare
    parts = _PARTS.findall(text)
    return sum(float(n) * _SECONDS[unit] for n, unit in parts) if _PARTS.sub("", text) == "" and parts else None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
