"""The price book and the wall that spent + reserved never passes."""

import asyncio
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpaca_nb.errors import BudgetError
from alpaca_nb.prices import PRICES, Price, Tier, is_loopback, price_of
from alpaca_nb.records import Usage
from alpaca_nb.teacher.budget import Budget

PRICE = Price("test", 0.10, 0.50, "2026-01-01", "test")


def test_price_of_one_request_by_hand() -> None:
    # gpt-6-luna: 765 × $0.10/M + 1,760 × $0.50/M = $0.0000765 + $0.00088
    assert price_of("gpt-6-luna").usd(765, 1760) == Decimal("0.0009565")
    # the article's teacher: 2,525 tokens at $20/M = $0.0505
    assert price_of("text-davinci-003").usd(765, 1760) == Decimal("0.0505")


def test_prices_have_a_past() -> None:
    assert price_of("gpt-3.5-turbo", on="2023-03-15").usd_per_million_output == 2
    assert price_of("gpt-3.5-turbo").usd_per_million_input == 0.5
    assert price_of("gpt-5.6-luna", on="2026-07-15").usd_per_million_input == 1
    with pytest.raises(BudgetError):
        price_of("gpt-3.5-turbo", on="2022-01-01")


def test_every_row_is_dated_and_sourced() -> None:
    for row in PRICES:
        assert len(row.as_of) == 10 and row.as_of[4] == "-" and row.source and row.usd_per_million_output > 0


def test_unknown_price_is_refused_and_local_ones_are_nothing() -> None:
    with pytest.raises(BudgetError, match=r"'gpt-99'.*prices\.csv"):
        price_of("gpt-99")
    with pytest.raises(BudgetError):
        price_of("offline", base_url="https://example.org/v1")  # the name alone makes no endpoint free
    assert price_of("offline").usd(10**9, 10**9) == 0
    assert price_of("some-local-model", base_url="http://127.0.0.1:8000/v1").usd(10**9, 10**9) == 0


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1234/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://[::1]:80/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://127.0.0.1.example.org/v1", False),
        ("https://localhost.example.org/v1", False),
        ("", False),
    ],
)
def test_loopback(url: str, local: bool) -> None:
    assert is_loopback(url) is local


def test_worst_case_bounds_any_tokenizer_by_bytes() -> None:
    budget = Budget(1.0, PRICE)
    assert budget.worst_case_usd("größe", 1000) == PRICE.usd(7 + 16, 1000)


def test_refused_before_the_wall_is_passed() -> None:
    async def spend() -> None:
        budget = Budget(0.003, PRICE)
        await budget.reserve(Decimal("0.002"))
        budget.settle(Decimal("0.002"), Decimal("0.0015"))
        await budget.reserve(Decimal("0.0015"))  # to the cent
        budget.settle(Decimal("0.0015"), Decimal("0.0015"))
        with pytest.raises(BudgetError, match=r"budget_usd \$0.003 \$0.003000 is spent"):
            await budget.reserve(Decimal("0.000001"))

    asyncio.run(spend())


def test_many_at_once_never_pass_the_wall_and_spend_what_fits() -> None:
    budget = Budget(0.05, PRICE)
    chance = random.Random(3)
    refused = 0

    async def one_request() -> None:
        nonlocal refused
        worst = Decimal("0.002")
        try:
            await budget.reserve(worst)
        except BudgetError:
            refused += 1
            return
        assert budget.spent_usd + budget.reserved_usd <= budget.limit_usd
        await asyncio.sleep(0)
        budget.settle(worst, worst * chance.randrange(1, 11) / 10)
        assert budget.spent_usd + budget.reserved_usd <= budget.limit_usd

    async def all_requests() -> None:
        await asyncio.gather(*(one_request() for _ in range(200)))

    asyncio.run(all_requests())
    assert budget.reserved_usd == 0
    assert refused > 0
    assert Decimal("0.048") < budget.spent_usd <= Decimal("0.05"), "the rest could still have held a worst case"


def test_cached_written_and_half_price_tokens_by_hand() -> None:
    luna = price_of("gpt-6-luna")
    # 1,000 in, of which 400 read from the cache and 200 written: 400 × 0.10 + 400 × 0.01 + 200 × 0.125 = 69 millionths
    usage = Usage(1000, 100, cached_tokens=400, cache_write_tokens=200, reasoning_tokens=30)
    assert luna.cost(usage) == (Decimal(40 + 4 + 25) + Decimal(50)) / 1_000_000
    assert luna.cost(usage, tier="flex") == luna.cost(usage, tier="batch") == luna.cost(usage) / 2
    assert luna.usd(1000, 100) == luna.cost(Usage(1000, 100))
    assert PRICE.cost(usage, tier="batch") == PRICE.usd(1000, 100), "a price that knows of no discount gives none"


@given(
    st.sampled_from(PRICES),
    st.integers(0, 5000),
    st.integers(0, 5000),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from(["standard", "flex", "batch"]),
)
def test_no_usage_within_the_bounds_costs_more_than_the_worst_case(
    price: Price, prompt: int, completion: int, cached: float, written: float, tier: Tier
) -> None:
    read = int(prompt * cached)
    usage = Usage(prompt, completion, read, int((prompt - read) * written))
    assert price.cost(usage, tier=tier) <= price.worst_usd(prompt, completion, tier=tier)
