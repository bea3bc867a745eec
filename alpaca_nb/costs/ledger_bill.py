"""A teacher's bill, read from the ledger alone: what every token and every attempt cost, line by line.

It is an audit of the sum that stage 02 kept while it asked, written without that code: the two must agree. An attempt
ends in one of four ways: an answer that names its usage, an answer that names none, a failure that may have been
billed, or nothing at all, because the process died. The last three count at their worst price. Questions of a batch
that has not ended are neither; they stand beside the bill. Sums are exact decimals; cents are rounded once, at the end.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from pathlib import Path

from alpaca_nb.files import Json
from alpaca_nb.prices import Price, Tier
from alpaca_nb.records import Usage
from alpaca_nb.teacher.answers import TIERS, TeacherAnswer, read_answer
from alpaca_nb.teacher.ledger import Record, scan

CENT = Decimal("0.01")
_FRESH, _CACHED, _WRITTEN = "prompt tokens", "prompt tokens from the cache", "prompt tokens put into the cache"
_SHOWN, _THOUGHT = "answer tokens", "reasoning tokens (paid for, never shown)"
_UNCOUNTED = "answers without a credible usage, at their worst"
_FAILED, _LOST = "failed attempts that may be billed, at their worst", "attempts lost in a crash, at their worst"
_LINES = (_FRESH, _CACHED, _WRITTEN, _SHOWN, _THOUGHT, _UNCOUNTED, _FAILED, _LOST)


@dataclass(frozen=True)
class BillLine:
    """One line of the bill: `count` tokens, or attempts where the name says so."""

    name: str
    count: int
    usd: Decimal


@dataclass(frozen=True)
class LedgerBill:
    """A teacher's whole bill; `lines` add up to `usd`, `wasted_usd` is the part that brought no row."""

    price: Price
    lines: tuple[BillLine, ...]
    requests: int  # answered
    attempts: int  # sent
    usage: Usage  # of all answers together
    by_tier: Mapping[str, int]  # answers by service tier
    free_failures: int  # attempts that failed and cost nothing
    wasted_answers: int
    wasted_usd: Decimal
    in_batches_usd: Decimal  # at worst, of batches that have not ended; not part of `usd`

    @property
    def usd(self) -> Decimal:
        """All dollars."""
        return sum((line.usd for line in self.lines), Decimal(0))

    @property
    def retries(self) -> int:
        """Attempts beyond the first of each request that was answered."""
        return max(0, self.attempts - self.requests)


def bill_of_ledger(path: Path, price: Price, useful_requests: frozenset[int] | None = None) -> LedgerBill:
    """Read a ledger and price it; `useful_requests` are those that brought a row (None: all did).

    `price` counts until the ledger names one itself: what was in force when the tokens were bought is what they cost.
    Raises `InputFileError` for a damaged file. Asks nobody and changes nothing.
    """
    account = _Account(price, useful_requests)
    for record in scan(path.read_bytes(), path.name).records[1:]:
        account.take(record)
    return account.closed()


def in_cents(parts: Sequence[Decimal]) -> list[Decimal]:
    """Round dollars to cents so that the rounded parts still add up to the rounded total (largest remainder)."""
    total = sum(parts, Decimal(0)).quantize(CENT, ROUND_HALF_UP)
    down = [part.quantize(CENT, ROUND_FLOOR) for part in parts]
    missing = int((total - sum(down, Decimal(0))) / CENT)
    by_remainder = sorted(range(len(parts)), key=lambda place: down[place] - parts[place])
    for place in by_remainder[:missing]:
        down[place] += CENT
    return down


class _Account:
    """The running sums while a ledger is read, one record after the other."""

    def __init__(self, price: Price, useful: frozenset[int] | None) -> None:
        self.price, self.useful = price, useful
        self.usd: dict[str, Decimal] = dict.fromkeys(_LINES, Decimal(0))
        self.counts: dict[str, int] = dict.fromkeys(_LINES, 0)
        self.usage, self.by_tier = Usage(0, 0), dict[str, int]()
        self.open_attempts: dict[int, Decimal] = {}  # the worst price of each attempt without an outcome, by request
        self.batches: dict[str, dict[int, Decimal]] = {}  # the same for the questions of each batch
        self.requests = self.attempts = self.free_failures = self.wasted_answers = 0
        self.wasted_usd = Decimal(0)

    def take(self, record: Record) -> None:
        kind = record["kind"]
        if kind == "price":
            self.price = Price(**{name: value for name, value in record.items() if name != "kind"})  # type: ignore[arg-type]
        elif kind == "batch":
            self._batch(record)
        elif kind == "sent":
            index = int(str(record["request"]))
            self._lose(index)  # sent again: the attempt before has no outcome
            self.open_attempts[index] = Decimal(str(record["worst_usd"]))
            self.attempts += 1
        elif kind == "failed":
            worst = self._worst(record) or Decimal(0)
            if record["maybe_billed"]:
                self._add(_FAILED, worst, 1)
            else:
                self.free_failures += 1
        elif kind == "answer":
            self._answered(int(str(record["request"])), record)

    def closed(self) -> LedgerBill:
        for index in list(self.open_attempts):
            self._lose(index)
        return LedgerBill(
            price=self.price,
            lines=tuple(BillLine(name, self.counts[name], self.usd[name]) for name in _LINES if self.counts[name]),
            requests=self.requests,
            attempts=self.attempts,
            usage=self.usage,
            by_tier=self.by_tier,
            free_failures=self.free_failures,
            wasted_answers=self.wasted_answers,
            wasted_usd=self.wasted_usd + self.usd[_FAILED] + self.usd[_LOST],
            in_batches_usd=sum((usd for batch in self.batches.values() for usd in batch.values()), Decimal(0)),
        )

    def _answered(self, index: int, record: Record) -> None:
        worst = self._worst(record)
        answer, tier = read_answer(index, _body(record)), _tier(record)
        usage = answer.usage if _credible(answer) else None
        priced = tier == "batch" or answer.service_tier in TIERS
        cost = self.price.cost(usage, tier=tier) if usage is not None and priced else None
        if answer.fault == "error_instead" and answer.usage is None:
            cost = Decimal(0)
        elif usage is None or cost is None or (worst is not None and cost > worst):
            cost = worst or Decimal(0)
            self._add(_UNCOUNTED, cost, 1)
        else:
            for name, part in _parts(usage):
                self._add(name, self.price.cost(part, tier=tier), _tokens(part))
            self.usage = Usage(*(a + b for a, b in zip(astuple(self.usage), astuple(usage), strict=True)))
        self.requests += 1
        self.by_tier[tier] = self.by_tier.get(tier, 0) + 1
        if self.useful is not None and index not in self.useful:
            self.wasted_answers += 1
            self.wasted_usd += cost

    def _batch(self, record: Record) -> None:
        """A batch planned holds its questions with their worst prices; what is left when it ends was not worked on."""
        key, questions = str(record["key"]), record.get("questions")
        if isinstance(questions, list):
            self.batches[key] = {int(row[0]): Decimal(str(row[3])) for row in questions}  # type: ignore[index,arg-type]
            self.attempts += len(questions)
        elif record["state"] == "ended":
            self.batches.pop(key, None)

    def _worst(self, record: Record) -> Decimal | None:
        """The worst price of the attempt that has its outcome here; a batch's outcomes say it themselves."""
        index = int(str(record["request"]))
        if "batch" not in record:
            return self.open_attempts.pop(index, None)
        planned = self.batches.get(str(record["batch"]), {}).pop(index, None)
        return Decimal(str(record["worst_usd"])) if "worst_usd" in record else planned

    def _lose(self, index: int) -> None:
        if (worst := self.open_attempts.pop(index, None)) is not None:
            self._add(_LOST, worst, 1)

    def _add(self, name: str, usd: Decimal, count: int) -> None:
        self.usd[name] += usd
        self.counts[name] += count


def _parts(usage: Usage) -> list[tuple[str, Usage]]:
    """One request's usage in parts that are priced one by one and add up to the whole."""
    fresh = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
    parts = [
        (_FRESH, Usage(fresh, 0)),
        (_CACHED, Usage(usage.cached_tokens, 0, cached_tokens=usage.cached_tokens)),
        (_WRITTEN, Usage(usage.cache_write_tokens, 0, cache_write_tokens=usage.cache_write_tokens)),
        (_SHOWN, Usage(0, usage.completion_tokens - usage.reasoning_tokens)),
        (_THOUGHT, Usage(0, usage.reasoning_tokens, reasoning_tokens=usage.reasoning_tokens)),
    ]
    return [(name, part) for name, part in parts if _tokens(part)]


def _tokens(part: Usage) -> int:
    return part.prompt_tokens + part.completion_tokens


def _body(record: Record) -> bytes:
    if "body" in record:
        return str(record["body"]).encode()
    return base64.b64decode(str(record["body_base64"]))


def _tier(record: Record) -> Tier:
    """The tier that was charged: a batch is known by its record; flex by the answer, which tells a downgrade."""
    if "batch" in record:
        return "batch"
    try:
        value: Json = json.loads(_body(record))
    except (ValueError, RecursionError):
        return "standard"
    return "flex" if isinstance(value, dict) and value.get("service_tier") == "flex" else "standard"


def _credible(answer: TeacherAnswer) -> bool:
    """Whether there is a usage that does not say that words cost nothing."""
    usage = answer.usage
    return usage is not None and usage.prompt_tokens > 0 and (usage.completion_tokens > 0 or not answer.text)
