"""The budget: a wall that `spent + reserved` never passes.

Before a request leaves, the most it could cost is reserved; when its answer is counted, the reservation is settled by
what it did cost. The bound needs no tokenizer: a byte-level BPE never makes more tokens than the text has bytes, a
message adds a few, and the answer is limited by `max_completion_tokens`. Sums are exact decimals.
"""

import asyncio
from decimal import Decimal

from alpaca_nb.errors import BudgetError
from alpaca_nb.prices import Price, Tier

_TOKENS_AROUND_A_MESSAGE = 16


class Budget:
    """Dollars of one run: `spent_usd` for certain or perhaps, `reserved_usd` for requests on their way."""

    def __init__(self, limit_usd: float, price: Price) -> None:
        self.limit_usd = Decimal(str(limit_usd))
        self.price = price
        self.spent_usd = Decimal(0)
        self.reserved_usd = Decimal(0)
        self._settled = asyncio.Event()

    def worst_case_usd(self, prompt: str, max_completion_tokens: int, *, tier: Tier = "standard") -> Decimal:
        """The most that one request can cost."""
        most_tokens = len(prompt.encode()) + _TOKENS_AROUND_A_MESSAGE
        return self.price.worst_usd(most_tokens, max_completion_tokens, tier=tier)

    def fits(self, usd: Decimal) -> bool:
        """Whether `usd` could be reserved now."""
        return self.spent_usd + self.reserved_usd + usd <= self.limit_usd

    async def reserve(self, usd: Decimal) -> None:
        """Reserve `usd`; waits while requests on their way may still give some back, else raises `BudgetError`."""
        while not self.fits(usd):
            if self.reserved_usd == 0:
                raise BudgetError(
                    f"the next request could cost ${usd:.6f}, but of budget_usd ${self.limit_usd} "
                    f"${self.spent_usd:.6f} is spent. Raise budget_usd and run again: recorded answers are not "
                    f"asked again. (Price: {self.price.model}, ${self.price.usd_per_million_input} in and "
                    f"${self.price.usd_per_million_output} out per million tokens, {self.price.as_of}.)"
                )
            await self._settled.wait()
        self.reserved_usd += usd

    def settle(self, reserved_usd: Decimal, cost_usd: Decimal) -> None:
        """End a reservation: `cost_usd` was spent, the rest is free again."""
        self.reserved_usd -= reserved_usd
        self.spent_usd += cost_usd
        self._settled.set()
        self._settled = asyncio.Event()

    def remember(self, spent_usd: Decimal, reserved_usd: Decimal = Decimal(0)) -> None:
        """Count what an earlier process spent, and what it left on its way."""
        self.spent_usd += spent_usd
        self.reserved_usd += reserved_usd
