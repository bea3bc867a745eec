"""The price book: what a teacher's tokens cost, each row with its date and source.

`price_of` answers with the row in force, or refuses: a budget built on a guessed price is no budget. Prices are US
dollars per million tokens at the standard tier, in and out; reasoning tokens are billed as output. The flex tier and
the Batch API cost half (OpenAI's pricing page); tokens read from a prompt cache cost less, and models from GPT-5.6 on
charge a quarter more for what they write into it. Models that are shut down stand here too, because the cost report
compares the run with the past.
"""

from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from alpaca_nb.errors import BudgetError
from alpaca_nb.records import Usage

Tier = Literal["standard", "flex", "batch"]
OFFLINE_MODEL = "offline"
_BOTH_TABLES = "genai-prices 0.2.3 and litellm 1.109.1 agree"


@dataclass(frozen=True)
class Price:
    """One row: `as_of` is the day from which it holds, or (`seen` in the source) the day it was last checked."""

    model: str
    usd_per_million_input: float
    usd_per_million_output: float
    as_of: str  # ISO date
    source: str
    usd_per_million_cached: float | None = None  # None: no discount for tokens read from the cache
    usd_per_million_cache_write: float | None = None  # None: writing into the cache costs nothing more
    half_price_tier: bool = False  # whether the flex tier and the Batch API halve this price

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
        return per_million / (2_000_000 if tier != "standard" and self.half_price_tier else 1_000_000)

    def worst_usd(self, prompt_tokens: int, completion_tokens: int, *, tier: Tier = "standard") -> Decimal:
        """The most that so many tokens can cost: each of the prompt's may be written into the cache."""
        return max(
            self.cost(Usage(prompt_tokens, completion_tokens, 0, written), tier=tier) for written in (0, prompt_tokens)
        )


PRICES: tuple[Price, ...] = (
    # Shut down; kept for comparison with the past.
    Price("davinci", 60, 60, "2021-11-18", "openai.com/api/pricing, 2021"),
    Price("text-davinci-003", 20, 20, "2022-11-28", "OpenAI deprecations page (copy of 2023-07); shut down 2024-01-04"),
    Price("gpt-3.5-turbo", 2, 2, "2023-03-01", "launch price, community.openai.com 80485; shut down 2026-10-23"),
    Price("gpt-3.5-turbo", 1.5, 2, "2023-06-13", "price table for the 0613 version, HF Kudasai 2024"),
    Price("gpt-3.5-turbo", 1, 2, "2023-11-06", "price table for the 1106 version, HF Kudasai 2024"),
    Price("gpt-3.5-turbo", 0.5, 1.5, "2024-01-25", f"0125 version; {_BOTH_TABLES}; shut down 2026-10-23"),
    Price("gpt-4", 30, 60, "2023-03-14", f"{_BOTH_TABLES}; shut down 2026-10-23"),
    # May be called; the first ones are to be shut down on 2026-12-11 (gpt-5) and 2027-01-14 (4o, 4.1).
    Price("gpt-5", 1.25, 10, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}", 0.125, None, True),
    Price("gpt-5-mini", 0.25, 2, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}", 0.025, None, True),
    Price("gpt-5-nano", 0.05, 0.40, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}", 0.005, None, True),
    Price("gpt-4o", 2.5, 10, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}", 1.25, None, True),
    Price("gpt-4o-mini", 0.15, 0.60, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}", 0.075, None, True),
    Price("gpt-4.1", 2, 8, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}", 0.5, None, True),
    Price("gpt-4.1-mini", 0.4, 1.6, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}", 0.1, None, True),
    Price("gpt-5.4-mini", 0.75, 4.5, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}", 0.075, None, True),
    Price("gpt-5.4-nano", 0.20, 1.25, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}", 0.02, None, True),
    Price("gpt-5.5", 5, 30, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}", 0.5, None, True),
    # The cache prices below: genai-prices 0.2.3.
    Price("gpt-5.6-luna", 1, 6, "2026-07-09", "developers.openai.com, launch price", 0.1, 1.25, True),
    Price("gpt-5.6-luna", 0.20, 1.20, "2026-07-30", "developers.openai.com; genai-prices 0.2.3", 0.02, 0.25, True),
    Price("gpt-5.6-terra", 2.5, 15, "2026-07-09", "launch price, traceroot#2051", 0.25, 3.125, True),
    Price("gpt-5.6-terra", 2, 12, "2026-07-30", "traceroot#2051, PwrAgent#1868", 0.2, 2.5, True),
    Price("gpt-5.6-sol", 4, 20, "2026-08-21", "promotion until 2026-11-21 at least, traceroot#2051", 0.4, 5, True),
    Price(
        "gpt-5.6-sol", 5, 30, "2026-11-21", "list price, the promotion may have ended; traceroot#2051", 0.5, 6.25, True
    ),
    Price("gpt-6-luna", 0.10, 0.50, "2026-09-22", "developers.openai.com, model page gpt-6-luna", 0.01, 0.125, True),
    Price("gpt-6-sol", 2, 10, "2026-09-03", "genai-prices 0.2.3, litellm docs", 0.2, 2.5, True),
    Price("gpt-6-astra", 10, 50, "2026-09-03", "genai-prices 0.2.3, litellm docs", 1, 12.5, True),
    Price("gpt-6.1-sol", 2, 10, "2026-10-26", "genai-prices 0.2.3, litellm docs", 0.1, 2.5, True),
    Price("gpt-6.1-terra", 1, 5, "2026-10-26", "genai-prices 0.2.3, litellm docs", 0.05, 1.25, True),
    # Cache prices not seen: reading at the full price, writing at a quarter more, as with its family.
    Price("gpt-6.2-sol", 2, 10, "2026-11-17", "litellm discussion 52347, 2026-11-18", None, 2.5, True),
    Price("gpt-6.2-astra", 8, 40, "2026-11-17", "litellm discussion 52347, 2026-11-18", None, 10, True),
)


def price_of(model: str, *, base_url: str = "", on: str = "9999-12-31") -> Price:
    """Return the price row of `model` in force `on` a day (ISO date; default: the newest row).

    The offline teacher, and whatever answers on this very machine, cost nothing per token.
    Raises `BudgetError` for a model without a row: an unknown price is never taken for zero.
    """
    if model == OFFLINE_MODEL and not base_url:
        return Price(model, 0.0, 0.0, "2026-11-22", "the kit's own offline teacher")
    if is_loopback(base_url):
        return Price(model, 0.0, 0.0, "2026-11-22", "answers on this machine, no price per token")
    rows = [row for row in PRICES if row.model == model and row.as_of <= on]
    if rows:
        return max(rows, key=lambda row: row.as_of)
    known = ", ".join(sorted({row.model for row in PRICES}))
    raise BudgetError(
        f"no price is known for the model {model!r}, so its budget cannot be kept. "
        f"Choose one with a price ({known}), or add a dated, sourced row for it to alpaca_nb/prices.py."
    )


def is_loopback(base_url: str) -> bool:
    """Whether an endpoint's address can only be this machine."""
    host = urlsplit(base_url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
