"""What the teacher has done and cost in a run folder, counted from the ledger's records alone.

Each record is counted once, when it is written or, after a restart, when it is read; so a restart remembers to the
cent. Attempts fall into four: answered (charged by usage), failed (the endpoint refused: nothing), maybe billed (the
connection broke when it may have worked already: the worst case), lost (the process ended while it was on its way: the
worst case).
"""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from alpaca_nb.prices import Price, Tier
from alpaca_nb.records import Usage
from alpaca_nb.teacher.answers import TIERS, TeacherAnswer, read_answer
from alpaca_nb.teacher.ledger import Record, walk
from alpaca_nb.teacher.ledger_records import body_of, index_in, price_in, stop_of


@dataclass
class Totals:
    """The running sums. `prompt_tokens` to `reasoning_tokens` are as the endpoint counted them."""

    price: Price
    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    answers_usd: Decimal = Decimal(0)
    unclear_usage: int = 0  # answers without a usage, or with one that cannot be priced; charged at the worst case
    failed: Counter[str] = field(default_factory=Counter)  # attempts by cause, those that may be billed included
    maybe_billed: int = 0
    maybe_billed_usd: Decimal = Decimal(0)
    lost: int = 0
    lost_usd: Decimal = Decimal(0)
    _on_their_way: dict[int, Decimal] = field(default_factory=dict)  # worst case of each attempt without outcome
    _in_batches: dict[str, dict[int, Decimal]] = field(default_factory=dict)  # the same, by batch

    @property
    def usd(self) -> Decimal:
        """All dollars, those included that may not have been billed."""
        return self.answers_usd + self.maybe_billed_usd + self.lost_usd

    def take(self, record: Record) -> Decimal:
        """Count one record; returns the dollars that it adds."""
        before, kind = self.usd, record["kind"]
        if kind == "price":
            self.price = price_in(record)
        elif kind == "batch":
            self._batch(record)
        elif kind == "sent":
            index = index_in(record)
            self._lose(index)  # a second "sent": the first has no outcome
            self._on_their_way[index] = Decimal(str(record["worst_usd"]))
        elif kind == "answer":
            self._answered(record)
        elif kind == "failed":
            worst = self._reserved_for(record) or Decimal(0)
            self.failed[str(record.get("cause", "refused"))] += 1
            if record["maybe_billed"]:
                self.maybe_billed += 1
                self.maybe_billed_usd += worst
        return self.usd - before

    def on_their_way_in(self, key: str) -> dict[int, Decimal]:
        """The worst case of each request of a batch that has no outcome yet."""
        return dict(self._in_batches.get(key, {}))

    @property
    def batched_usd(self) -> Decimal:
        """The worst case of all that is on its way in batches."""
        return sum((sum(batch.values(), Decimal(0)) for batch in self._in_batches.values()), Decimal(0))

    def take_over(self) -> None:
        """Count as lost what an earlier process left without an outcome; batches go on at the endpoint."""
        for index in list(self._on_their_way):
            self._lose(index)

    def _batch(self, record: Record) -> None:
        """What is left of a batch when it ends was not worked on, so it costs nothing."""
        key, questions = str(record["key"]), record.get("questions")
        if isinstance(questions, list):
            self._in_batches[key] = {row[0]: Decimal(row[3]) for row in questions}  # type: ignore[index,arg-type,misc]
        elif record["state"] == "ended":
            self._in_batches.pop(key, None)

    def _reserved_for(self, record: Record) -> Decimal | None:
        """The worst case that was reserved for a request which now has its outcome."""
        if "batch" in record:
            return self._in_batches.get(str(record["batch"]), {}).pop(index_in(record), None)
        return self._on_their_way.pop(index_in(record), None)

    def _lose(self, index: int) -> None:
        if (worst := self._on_their_way.pop(index, None)) is not None:
            self.lost += 1
            self.lost_usd += worst

    def _answered(self, record: Record) -> None:
        index = index_in(record)
        worst = self._reserved_for(record)
        answer = read_answer(index, body_of(record), stop_of(record))
        usage = _believable(answer)
        tier: Tier = "batch" if "batch" in record else "flex" if answer.service_tier == "flex" else "standard"
        priced = tier == "batch" or answer.service_tier in TIERS
        cost = self.price.cost(usage, tier=tier) if usage is not None and priced else None
        self.answers += 1
        if answer.fault == "error_instead" and answer.usage is None:
            cost = Decimal(0)  # nothing was written, so there is nothing to pay for
        elif usage is None or cost is None or (worst is not None and cost > worst):
            self.unclear_usage += 1
            cost = worst or Decimal(0)
        self.answers_usd += cost
        known = answer.usage or Usage(0, 0)
        self.prompt_tokens += known.prompt_tokens
        self.completion_tokens += known.completion_tokens
        self.cached_tokens += known.cached_tokens
        self.cache_write_tokens += known.cache_write_tokens
        self.reasoning_tokens += known.reasoning_tokens


def _believable(answer: TeacherAnswer) -> Usage | None:
    """The usage, unless it says that words cost nothing."""
    usage = answer.usage
    nothing = usage is not None and (usage.prompt_tokens == 0 or (answer.text and usage.completion_tokens == 0))
    return None if nothing else usage


def read_totals(ledger_path: Path, price: Price) -> Totals:
    """The sums of a ledger that nobody is writing; `price` counts where the ledger names none (before version 0.2)."""
    totals = Totals(price)
    with ledger_path.open("rb") as file:
        for entry in walk(file, str(ledger_path)):
            totals.take(entry.record)
    totals.take_over()
    return totals
