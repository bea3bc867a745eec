"""The price book: what a teacher's tokens cost, each row with its date and source.

`prices.csv` is the table: history, and the fallback for today. For today's prices the package genai-prices comes first
where it knows the model (`live_prices`). `price_of` answers with the row in force, or refuses: a budget built on a
guessed price is no budget. Prices are US dollars per million tokens, in and out; reasoning tokens are billed as output.
The Batch API and most models' flex tier cost half; tokens read from a prompt cache cost less, and models from GPT-5.6
on charge a quarter more for what they write into it. Models that are shut down stand here too, because the cost report
compares the run with the past.
"""

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from alpaca_nb.errors import BudgetError
from alpaca_nb.records import Usage

OFFLINE_MODEL = "offline"
LOCAL_MODELS = ("smollm2-135m",)  # real models that the kit serves itself (`local_teacher`)
PRICES_FILE = Path(__file__).with_name("prices.csv")
NEWEST = "9999-12-31"  # a day on which the newest price holds

Tier = Literal["standard", "batch", "flex"]


@dataclass(frozen=True)
class Price:
    """One row: `as_of` is the day from which it holds, or (`seen` in the source) the day it was last checked.

    A discount that no source states is none.
    """

    model: str
    usd_per_million_input: float
    usd_per_million_output: float
    as_of: str  # ISO date
    source: str
    usd_per_million_cached: float | None = None  # None: no discount for tokens read from the cache
    usd_per_million_cache_write: float | None = None  # None: writing into the cache costs nothing more
    batch_factor: float = 1.0  # of the Batch API; 1: no discount is known
    flex_factor: float = 1.0
    until: str = ""  # ISO date, the last day on which it holds; empty: still in force

    def usd(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        """Exact price of one request in dollars, at the standard tier and without a cache."""
        return self.cost(Usage(prompt_tokens, completion_tokens))

    def cost(self, usage: Usage, *, tier: Tier = "standard") -> Decimal:
        """Exact price of one request in dollars, cache and tier counted."""
        plain = Decimal(str(self.usd_per_million_input))
        cached, written = (
            plain if special is None else Decimal(str(special))
            for special in (self.usd_per_million_cached, self.usd_per_million_cache_write)
        )
        uncached = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
        per_million = plain * uncached + cached * usage.cached_tokens + written * usage.cache_write_tokens
        per_million += Decimal(str(self.usd_per_million_output)) * usage.completion_tokens
        return per_million * self.factor(tier) / 1_000_000

    def worst_usd(self, prompt_tokens: int, completion_tokens: int, *, tier: Tier = "standard") -> Decimal:
        """The most that so many tokens can cost: each of the prompt's may be written into the cache."""
        return max(
            self.cost(Usage(prompt_tokens, completion_tokens, 0, written), tier=tier) for written in (0, prompt_tokens)
        )

    def factor(self, tier: Tier) -> Decimal:
        """What a tier's price is multiplied by: 1 for `standard`, and where a model has no such discount."""
        return Decimal(str({"standard": 1.0, "batch": self.batch_factor, "flex": self.flex_factor}[tier]))

    @property
    def origin(self) -> str:
        """Source and age in words, to stand beside every figure that rests on this price."""
        return f"{self.source} ({', '.join(filter(None, (self.as_of, age(self.as_of))))})"


def age(as_of: str, today: date | None = None) -> str:
    """How old a dated figure is: days up to two months, then months and years; empty for what has no date."""
    if as_of[:1] not in "12":
        return ""
    days = ((today or date.today()) - date.fromisoformat(as_of)).days
    if days <= 0:
        return "today"
    if days < 60:
        return f"{days} day{'s' if days > 1 else ''} old"
    return f"{days // 30} months old" if days < 730 else f"{days / 365.25:.1f} years old"


def _read_table(path: Path) -> tuple[Price, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(_row(row) for row in csv.DictReader(file))


def _row(row: dict[str, str]) -> Price:
    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return Price(
        model=row["model"],
        usd_per_million_input=float(row["usd_per_million_input"]),
        usd_per_million_output=float(row["usd_per_million_output"]),
        as_of=row["from"],
        source=row["source"],
        usd_per_million_cached=number("usd_per_million_cached"),
        usd_per_million_cache_write=number("usd_per_million_cache_write"),
        batch_factor=number("batch_factor") or 1.0,
        flex_factor=number("flex_factor") or 1.0,
        until=row["until"],
    )


PRICES: tuple[Price, ...] = _read_table(PRICES_FILE)


def price_of(model: str, *, base_url: str = "", on: str = NEWEST) -> Price:
    """Return the price of `model` in force `on` a day (ISO date; default: the newest, shut down or not).

    The offline teacher, and whatever answers on this very machine, cost nothing per token.
    Raises `BudgetError` for a model or a day without a row: an unknown price is never taken for zero.
    """
    if model == OFFLINE_MODEL and not base_url:
        return Price(model, 0.0, 0.0, "2026-11-22", "the kit's own offline teacher")
    if model in LOCAL_MODELS and not base_url:
        return Price(model, 0.0, 0.0, "2026-11-22", "served by the kit on this machine, no price per token")
    if is_loopback(base_url):
        return Price(model, 0.0, 0.0, "2026-11-22", "answers on this machine, no price per token")
    rows = [row for row in PRICES if row.model == model and row.as_of <= on]
    rows = [row for row in rows if on == NEWEST or on <= (row.until or on)]
    newest = max(rows, key=lambda row: row.as_of) if rows else None
    if on == NEWEST:
        from alpaca_nb.live_prices import live_price  # its package takes a third of a second to import

        newest = live_price(model, newest) or newest
    if newest is not None:
        return newest
    days = [f"{row.as_of} to {row.until or 'now'}" for row in PRICES if row.model == model]
    if days:
        raise BudgetError(f"no price is known for the model {model!r} on {on}; known are {', '.join(days)}")
    known = ", ".join(sorted({row.model for row in PRICES}))
    raise BudgetError(
        f"no price is known for the model {model!r}, so its budget cannot be kept. "
        f"Choose one with a price ({known}), give the price yourself (price_usd_per_million, for example 0.1,0.5 for "
        f"$0.10 in and $0.50 out; 0,0 if it costs nothing), or add a dated, sourced row to alpaca_nb/prices.csv."
    )


def given_price(model: str, text: str) -> Price:
    """The price that a parameter gives as `input,output` in US dollars per million tokens.

    It is taken as it is: no discount for a cache or a tier is known of it. Raises `BudgetError` for another form.
    """
    try:
        given = [float(part) for part in text.split(",")]
    except ValueError:
        given = []
    if len(given) != 2 or not all(0 <= number < float("inf") for number in given):
        raise BudgetError(
            f"price_usd_per_million is {text!r}; two numbers are needed, US dollars per million tokens of input and "
            f"of output, for example 0.1,0.5"
        )
    return Price(model, given[0], given[1], "given", "the parameter price_usd_per_million")


def is_loopback(base_url: str) -> bool:
    """Whether an endpoint's address can only be this machine."""
    try:
        host = urlsplit(base_url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name, or no address at all ("[::1")
        return False
