"""The price book: what a teacher's tokens cost, each row with its date and source.

`price_of` answers with the row in force, or refuses: a budget built on a guessed price is no budget. Prices are US
dollars per million tokens at the standard tier, in and out; reasoning tokens are billed as output.
Models that are shut down stand here too, because the cost report compares the run with the past.
"""

from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address
from urllib.parse import urlsplit

from alpaca_nb.errors import BudgetError

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

    def usd(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        """Exact price of one request in dollars."""
        per_million = Decimal(str(self.usd_per_million_input)) * prompt_tokens
        per_million += Decimal(str(self.usd_per_million_output)) * completion_tokens
        return per_million / 1_000_000


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
    Price("gpt-5", 1.25, 10, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}"),
    Price("gpt-5-mini", 0.25, 2, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}"),
    Price("gpt-5-nano", 0.05, 0.40, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}"),
    Price("gpt-4o", 2.5, 10, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}"),
    Price("gpt-4o-mini", 0.15, 0.60, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}"),
    Price("gpt-4.1", 2, 8, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}"),
    Price("gpt-4.1-mini", 0.4, 1.6, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}"),
    Price("gpt-5.4-mini", 0.75, 4.5, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}"),
    Price("gpt-5.4-nano", 0.20, 1.25, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}"),
    Price("gpt-5.5", 5, 30, "2026-11-22", f"seen 2026-11-22: {_BOTH_TABLES}"),
    Price("gpt-5.6-luna", 1, 6, "2026-07-09", "developers.openai.com, launch price"),
    Price("gpt-5.6-luna", 0.20, 1.20, "2026-07-30", "developers.openai.com; genai-prices 0.2.3"),
    Price("gpt-5.6-terra", 2.5, 15, "2026-07-09", "launch price, traceroot#2051"),
    Price("gpt-5.6-terra", 2, 12, "2026-07-30", "traceroot#2051, PwrAgent#1868"),
    Price("gpt-5.6-sol", 4, 20, "2026-08-21", "promotion announced until 2026-11-21 at least, traceroot#2051"),
    Price("gpt-5.6-sol", 5, 30, "2026-11-21", "list price again, for the promotion may have ended; traceroot#2051"),
    Price("gpt-6-luna", 0.10, 0.50, "2026-09-22", "developers.openai.com, model page gpt-6-luna"),
    Price("gpt-6-sol", 2, 10, "2026-09-03", "genai-prices 0.2.3, litellm docs"),
    Price("gpt-6-astra", 10, 50, "2026-09-03", "genai-prices 0.2.3, litellm docs"),
    Price("gpt-6.1-sol", 2, 10, "2026-10-26", "genai-prices 0.2.3, litellm docs"),
    Price("gpt-6.1-terra", 1, 5, "2026-10-26", "genai-prices 0.2.3, litellm docs"),
    Price("gpt-6.2-sol", 2, 10, "2026-11-17", "litellm discussion 52347, 2026-11-18"),
    Price("gpt-6.2-astra", 8, 40, "2026-11-17", "litellm discussion 52347, 2026-11-18"),
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
