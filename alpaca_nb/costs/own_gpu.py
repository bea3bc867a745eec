"""Own or rent: after how many rows a GPU of one's own, with a local teacher on it, is cheaper than an API.

A card of one's own costs its price once and electricity for every token; an API costs its price for every token.
"""

from dataclasses import dataclass

from alpaca_nb.costs.accounting import SECONDS_PER_HOUR, electricity_dollars, refuse_below_zero
from alpaca_nb.costs.projection import Request
from alpaca_nb.errors import RecipeError
from alpaca_nb.prices import Price, Tier
from alpaca_nb.records import Usage


@dataclass(frozen=True)
class OwnGpu:
    """A card on one's own desk; `tokens_per_second` is what a local teacher writes on it, all requests together."""

    usd: float
    watts: float
    tokens_per_second: float
    usd_per_kwh: float

    def __post_init__(self) -> None:
        refuse_below_zero("own_card_usd", self.usd)
        refuse_below_zero("own_card_watts", self.watts)
        if self.tokens_per_second <= 0:
            raise RecipeError(f"own_card_tokens_per_second is {self.tokens_per_second}; it must be above 0")

    def usd_per_row(self, request: Request) -> float:
        """Electricity for one kept row; reading the prompt is not counted, writing the answer decides."""
        seconds = request.completion_tokens / request.rows_kept / self.tokens_per_second
        return electricity_dollars(seconds, self.watts, self.usd_per_kwh)

    def hours(self, rows: float, request: Request) -> float:
        """Hours that the card writes."""
        return rows * request.completion_tokens / request.rows_kept / self.tokens_per_second / SECONDS_PER_HOUR


def api_usd_per_row(request: Request, price: Price, tier: Tier = "standard") -> float:
    """Dollars for one kept row from an API."""
    usage = Usage(round(1000 * request.prompt_tokens), round(1000 * request.completion_tokens))
    return float(price.cost(usage, tier=tier)) / 1000 / request.rows_kept


def break_even_rows(own: OwnGpu, request: Request, price: Price, tier: Tier = "standard") -> float | None:
    """Rows from which on the card is the cheaper teacher; None where its electricity alone costs more than the API."""
    saved = api_usd_per_row(request, price, tier) - own.usd_per_row(request)
    return own.usd / saved if saved > 0 else None


def break_even_hours(own: OwnGpu, usd_per_gpu_hour: float) -> float | None:
    """Hours of training after which the card has cost no more than renting one as fast; None where it never does."""
    saved = usd_per_gpu_hour - electricity_dollars(SECONDS_PER_HOUR, own.watts, own.usd_per_kwh)
    return own.usd / saved if saved > 0 else None
