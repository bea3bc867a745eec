"""The plan: how many requests, and what they could cost at worst, from the requests themselves; sends nothing."""

from dataclasses import dataclass
from math import ceil

from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.generation.ways import Way
from alpaca_nb.prices import Price
from alpaca_nb.teacher.budget import Budget

LIKELY_KEPT_SHARE = 0.6  # of the tasks asked for, before anything is measured
PROMPTS_LOOKED_AT = 2000  # of a long run; the rest is taken to be like them


@dataclass(frozen=True)
class RequestPlan:
    """Before asking: requests if every task were kept, requests at a usual share, and prices in dollars."""

    least_requests: int
    likely_requests: int
    worst_usd_per_request: float
    worst_usd: float  # of the likely requests
    requests_within_budget: int | None  # None: no limit, for they are free
    price: Price


def plan_requests(settings: GenerationSettings, way: Way) -> RequestPlan:
    """Work out the plan. Raises `BudgetError` for an unknown price."""
    teacher = settings.teacher
    budget = Budget(teacher.budget_usd, teacher.price)
    each = len(way.questions(0))
    least = ceil(settings.number_of_rows / way.new_tasks) * each
    items = ceil(settings.number_of_rows / (way.new_tasks * LIKELY_KEPT_SHARE))
    looked_at = [question for item in range(min(items, PROMPTS_LOOKED_AT)) for question in way.questions(item)]
    worst = [
        float(budget.worst_case_usd(each.billed_text, each.limit(teacher), tier=teacher.reserved_tier))
        for each in looked_at
    ]
    total = sum(worst) * items * each / len(worst)
    within = int(teacher.budget_usd / max(worst)) if max(worst) > 0 else None
    return RequestPlan(least, items * each, max(worst), total, within, budget.price)
