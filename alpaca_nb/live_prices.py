"""Today's token prices from the package genai-prices (MIT), which is updated as prices change; no network is used.

Its traps (version 0.2.3): a model is found by resemblance, so the name found is compared with the name asked for; a
context that it does not know gives the standard price without a word, so discounts are told by comparing; its history
is thin (gpt-3.5-turbo has one price for all of 2023), so the past is the table's business.
"""

import importlib.metadata
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

from alpaca_nb.prices import Price

_PACKAGE = "genai-prices"
_TOKENS = 1_000  # few enough to stay below every long-context surcharge
_PER_MILLION = 1_000_000 // _TOKENS
_DATED_NAME = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def live_price(model: str, row: Price | None) -> Price | None:
    """The package's price for today; None where it knows none, is absent, or `row` of the table is dated later."""
    found = _look_up(model)
    if found is None:
        return None
    same = row is not None and (row.usd_per_million_input, row.usd_per_million_output) == (
        found.usd_per_million_input,
        found.usd_per_million_output,
    )
    if row is not None and same:  # the table knows better since when; the package confirms it
        return None if _PACKAGE in row.source else _dated(found, row.as_of, f"{row.source}; {found.source}", row.until)
    if row is not None and found.as_of and row.as_of > found.as_of:
        return None
    return _dated(found, found.as_of or date.today().isoformat(), found.source)


@cache
def _look_up(model: str) -> Price | None:
    """What the package says of exactly this model; `as_of` is empty where it names no day."""
    try:
        from genai_prices import Usage, calc_price

        version = importlib.metadata.version(_PACKAGE)
    except ImportError:
        return None

    def per_million(cached: int = 0, written_to_cache: int = 0, **context: str) -> tuple[float, float]:
        usage = Usage(
            input_tokens=_TOKENS,
            cache_read_tokens=cached,
            cache_write_tokens=written_to_cache,
            output_tokens=_TOKENS,
        )
        priced = calc_price(
            usage, model, provider_id="openai", genai_request_timestamp=datetime.now(UTC), price_context=context or None
        )
        if priced.model.id not in (model, _DATED_NAME.sub("", model)):
            raise LookupError(model)
        return float(priced.input_price * _PER_MILLION), float(priced.output_price * _PER_MILLION)

    try:
        (given, written), (cached, _) = per_million(), per_million(cached=_TOKENS)
        batch, flex = per_million(processing="batch"), per_million(service_tier="flex")
        into_cache, _ = per_million(written_to_cache=_TOKENS)
        cached_batch, _ = per_million(cached=_TOKENS, processing="batch")
        starts = _start_dates(model)
    except LookupError:
        return None
    batch_factor = _factor(batch, (given, written))
    return Price(
        model,
        given,
        written,
        max(starts, default=""),
        f"{_PACKAGE} {version}",
        usd_per_million_cached=None if cached_batch > cached * batch_factor else cached,
        usd_per_million_cache_write=into_cache,
        batch_factor=batch_factor,
        flex_factor=_factor(flex, (given, written)),
    )


def _factor(tier: tuple[float, float], standard: tuple[float, float]) -> float:
    """The least favourable of the two ratios, so that a discount is never assumed where one side has none."""
    return max(round(one / other, 6) for one, other in zip(tier, standard, strict=True) if other)


def _start_dates(model: str) -> list[str]:
    """Days up to today on which the package lets a price of the model begin."""
    from genai_prices import Usage, calc_price

    prices = calc_price(Usage(input_tokens=1), model, provider_id="openai").model.prices
    days = [getattr(each.constraint, "start_date", None) for each in prices] if isinstance(prices, list) else []
    return [day.isoformat() for day in days if day is not None and day <= date.today()]


def _dated(price: Price, as_of: str, source: str, until: str = "") -> Price:
    return replace(price, as_of=as_of, source=source, until=until)
