"""The price book: the table's form, discounts, history, today's prices from genai-prices, and never a guess."""

import itertools
import subprocess
import sys
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpaca_nb import live_prices
from alpaca_nb.errors import BudgetError
from alpaca_nb.prices import PRICES, Price, Tier, age, price_of
from alpaca_nb.records import Usage

TOKENS = st.integers(0, 10**9)
ROWS = st.sampled_from(PRICES)
TIERS = st.sampled_from(["standard", "batch", "flex"])


def test_the_dates_of_one_model_follow_each_other_without_overlap() -> None:
    for model in {row.model for row in PRICES}:
        rows = sorted((row for row in PRICES if row.model == model), key=lambda row: row.as_of)
        for row, following in itertools.pairwise(rows):
            assert row.as_of < row.until < following.as_of
        assert all(date.fromisoformat(row.as_of) and (not row.until or date.fromisoformat(row.until)) for row in rows)


@pytest.mark.parametrize(
    ("model", "day", "given", "written"),
    [
        ("davinci", "2022-01-01", 60, 60),
        ("davinci", "2022-08-31", 60, 60),
        ("davinci", "2022-09-01", 20, 20),
        ("text-davinci-003", "2023-03-13", 20, 20),
        ("gpt-3.5-turbo", "2023-03-13", 2, 2),
        ("gpt-3.5-turbo", "2023-06-13", 1.5, 2),
        ("gpt-3.5-turbo", "2023-12-01", 1, 2),
        ("gpt-3.5-turbo", "2024-02-01", 0.5, 1.5),
        ("gpt-4", "2023-03-31", 30, 60),
        ("gpt-5.6-luna", "2026-07-29", 1, 6),
        ("gpt-5.6-luna", "2026-07-30", 0.2, 1.2),
        ("gpt-5.6-sol", "2026-11-20", 4, 20),
        ("gpt-5.6-sol", "2026-11-21", 5, 30),
    ],
)
def test_prices_on_the_days_named_in_the_sources(model: str, day: str, given: float, written: float) -> None:
    row = price_of(model, on=day)
    assert (row.usd_per_million_input, row.usd_per_million_output) == (given, written)


def test_a_day_without_a_price_is_refused_with_the_days_that_have_one() -> None:
    for day in ("2022-11-27", "2024-01-05"):  # before its launch, after its end
        with pytest.raises(BudgetError, match=r"on 20.*known are 2022-11-28 to 2024-01-04"):
            price_of("text-davinci-003", on=day)


def test_discounts_by_hand() -> None:
    usage = Usage(1_000, 2_000, cached_tokens=400)
    luna = price_of("gpt-6-luna")
    # (600 × 0.10 + 400 × 0.01 + 2,000 × 0.50) / 1e6
    assert luna.cost(usage) == Decimal("0.001064") == 2 * luna.cost(usage, tier="flex")
    davinci = price_of("text-davinci-003", on="2023-03-13")
    assert davinci.cost(usage, tier="batch") == davinci.usd(1_000, 2_000)  # it had no discount of any kind
    older = price_of("gpt-4o")  # in the Batch API, never in the flex tier
    assert 2 * older.cost(usage, tier="batch") == older.cost(usage, tier="flex") == older.cost(usage)


@given(ROWS, TOKENS, TOKENS, st.integers(0, 10**6), TIERS)
def test_prices_grow_with_tokens_and_discounts_only_lower_them(
    row: Price, given: int, written: int, more: int, tier: Tier
) -> None:
    usd = row.cost(Usage(given, written), tier=tier)
    assert row.cost(Usage(given + more, written), tier=tier) >= usd <= row.cost(Usage(given, written + more), tier=tier)
    assert 0 <= usd <= row.usd(given, written)
    assert row.cost(Usage(given, written, cached_tokens=given // 2)) <= row.usd(given, written)
    assert row.usd(given, written) + row.usd(more, more) == row.usd(given + more, written + more)  # exact decimals


def test_the_table_and_the_live_source_agree_on_every_model_that_both_price_today() -> None:
    pytest.importorskip("genai_prices", reason="genai-prices is not installed")
    both = [(row, found) for row in PRICES if not row.until and (found := live_prices._look_up(row.model))]
    assert len(both) >= 8
    for row, found in both:
        if row.as_of <= (found.as_of or row.as_of):
            assert (row.usd_per_million_input, row.usd_per_million_output) == (
                found.usd_per_million_input,
                found.usd_per_million_output,
            ), row.model


def test_the_live_source_comes_first_and_the_later_dated_of_the_two_wins() -> None:
    pytest.importorskip("genai_prices", reason="genai-prices is not installed")
    stale = Price("gpt-6-luna", 9, 9, "2026-09-22", "an old page")
    found = live_prices.live_price("gpt-6-luna", stale)
    assert found is not None and found.usd_per_million_input == 0.1 and "genai-prices" in found.source
    assert price_of("gpt-5.6-sol").as_of == "2026-11-21"  # the package still has the promotion of August
    assert price_of("gpt-4.1-nano").source.startswith("genai-prices")  # not in the table
    for unknown in ("gpt-6-lunar", "gpt-99", "offline"):
        assert live_prices.live_price(unknown, None) is None


def test_without_the_package_the_table_answers() -> None:
    program = (
        "import sys; sys.modules['genai_prices'] = None\n"
        "from alpaca_nb.prices import price_of\n"
        "print(price_of('gpt-6-luna').source, price_of('gpt-6-luna').usd_per_million_input)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "developers.openai.com, model page gpt-6-luna 0.1\n"


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        ("2026-11-22", "today"),
        ("2026-11-21", "1 day old"),
        ("2026-09-22", "2 months old"),
        ("2022-11-28", "4.0 years old"),
        ("given", ""),
    ],
)
def test_the_age_of_a_figure_in_words(as_of: str, words: str) -> None:
    assert age(as_of, today=date(2026, 11, 22)) == words
