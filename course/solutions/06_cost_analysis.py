"""Solutions of notebook 06, one function an exercise; `stage` is the notebook's own, and so are the names it imports.

What a function returns is what belongs into the exercise's cell. The tests hold every one against a finished run.
"""

from collections.abc import Callable
from typing import Any

from alpaca_nb.costs.jobs import job_then
from alpaca_nb.costs.projection import ARTICLE_REQUEST
from alpaca_nb.files import read_json
from alpaca_nb.prices import price_of
from alpaca_nb.runs import Stage


def exercise_1(stage: Stage) -> list[str]:
    """Predict: a part of the range, none of it, all of it, all of it, no range."""
    return ["holds with a footnote", "not reproducible", "holds", "holds", "unsupported"]


def exercise_2(stage: Stage) -> float:
    """Compute: rows that a request must keep."""
    price = price_of("gpt-4", on="2023-03-31")
    usd_a_request = float(price.usd(round(ARTICLE_REQUEST.prompt_tokens), round(ARTICLE_REQUEST.completion_tokens)))
    return usd_a_request * 52_000 / 500


def exercise_3(stage: Stage) -> float:
    """Change one thing: in the notebook, `analysis.kwh * 0.40`."""
    costs: Any = read_json(stage.path("costs.json"))
    return float(costs["this_run"]["kwh"]) * 0.40


def exercise_4(stage: Stage) -> Callable[..., float]:
    """Write five lines: cached tokens are among those read, and have their own price."""

    def bill(read: int, cached: int, written: int, usd_in: float, usd_out: float, usd_cached: float) -> float:
        fresh = read - cached
        return (fresh * usd_in + cached * usd_cached + written * usd_out) / 1_000_000

    return bill


def exercise_5(stage: Stage) -> float:
    """Compute: hours times MFU is the work, and the work stays the same."""
    return 24 * job_then().mfu.value / 0.40


def exercise_6(stage: Stage) -> tuple[float, float, float, float]:
    """Research: with twenty minutes a seed, two a pair and $25 an hour. Your own times are as good."""
    hours = (175 * 20 + 179 * 2) / 60
    return 20, 2, 25, hours * 25
