"""What stage 02 is asked to do, checked; and the plan: how many requests, and what they could cost at worst."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from alpaca_nb.errors import RecipeError
from alpaca_nb.files import Json
from alpaca_nb.generation.filters import ALL_FILTERS, filters_of
from alpaca_nb.generation.prompt import REQUEST, choose_seeds, numbered_item, request_prompt
from alpaca_nb.generation.protocol import Protocol, check_protocol
from alpaca_nb.prices import Price
from alpaca_nb.records import SeedTask
from alpaca_nb.teacher.budget import Budget
from alpaca_nb.teacher.settings import TeacherSettings

MOST_CONCURRENT_REQUESTS = 64  # more gain nothing with one client
LIKELY_KEPT_SHARE = 0.6  # of the tasks asked for, before anything is measured


@dataclass(frozen=True)
class GenerationSettings:
    """The parameters of notebook 02. `tasks_per_request` counts the seeds that a request shows as well.

    `protocol` and `filters` decide how answers are read, not what is asked: they may change over recorded answers.
    """

    teacher: TeacherSettings
    seed: int
    number_of_rows: int
    seeds_per_request: int = 3
    tasks_per_request: int = 20
    novelty_threshold: float = 0.7
    concurrency: int = 4
    protocol: str = "repaired"
    filters: frozenset[str] = ALL_FILTERS

    def __post_init__(self) -> None:
        _check("number_of_rows", self.number_of_rows, 1, 1_000_000)
        _check("seeds_per_request", self.seeds_per_request, 1, 50)
        _check("tasks_per_request", self.tasks_per_request, self.seeds_per_request + 1, 200)
        _check("novelty_threshold", self.novelty_threshold, 0.0, 1.0)
        _check("concurrency", self.concurrency, 1, MOST_CONCURRENT_REQUESTS)
        filters_of(self.read_as, self.filters)

    @property
    def read_as(self) -> Protocol:
        """The protocol, checked."""
        return check_protocol(self.protocol)

    @property
    def new_tasks_per_request(self) -> int:
        """How many tasks one answer can hold."""
        return self.tasks_per_request - self.seeds_per_request

    @property
    def first_position(self) -> int:
        """The number of the first task in an answer."""
        return self.seeds_per_request + 1

    def seeds_of(self, seeds: Sequence[SeedTask], request_index: int) -> list[SeedTask]:
        """The seed tasks that request `request_index` shows."""
        return choose_seeds(seeds, self.seed, request_index, self.seeds_per_request)

    def prompt_of(self, seeds: Sequence[SeedTask], request_index: int) -> str:
        """The whole prompt of request `request_index`."""
        return request_prompt(self.seeds_of(seeds, request_index), self.tasks_per_request)

    def configuration(self, seeds: Sequence[SeedTask]) -> dict[str, Json]:
        """What decides the prompts: answers to other prompts must not get into the same ledger.

        How answers are read is not in it, so another protocol or threshold needs no new answers.
        """
        shown = "\n".join(f"{task.id}\n{numbered_item(1, task)}" for task in seeds)
        return {
            "seed": self.seed,
            "seeds_per_request": self.seeds_per_request,
            "tasks_per_request": self.tasks_per_request,
            "prompt_text": _short_sha256(REQUEST),
            "seed_tasks": _short_sha256(shown),
        }


@dataclass(frozen=True)
class RequestPlan:
    """Before asking: requests if every task were kept, requests at a usual share, and prices in dollars."""

    least_requests: int
    likely_requests: int
    worst_usd_per_request: float
    worst_usd: float  # of the likely requests
    requests_within_budget: int | None  # None: no limit, for they are free
    price: Price


def plan_requests(settings: GenerationSettings, seeds: Sequence[SeedTask]) -> RequestPlan:
    """Work out the plan from the prompts themselves; sends nothing. Raises `BudgetError` for an unknown price."""
    if len(seeds) < settings.seeds_per_request:
        raise RecipeError(f"seeds_per_request is {settings.seeds_per_request}, but there are {len(seeds)} seed tasks")
    teacher = settings.teacher
    budget = Budget(teacher.budget_usd, teacher.price)
    least = ceil(settings.number_of_rows / settings.new_tasks_per_request)
    likely = ceil(settings.number_of_rows / (settings.new_tasks_per_request * LIKELY_KEPT_SHARE))
    prompts = (settings.prompt_of(seeds, index) for index in range(likely))
    worst = [budget.worst_case_usd(prompt, teacher.max_completion_tokens) for prompt in prompts]
    within = int(budget.limit_usd / max(worst)) if max(worst) > 0 else None
    return RequestPlan(least, likely, float(max(worst)), float(sum(worst)), within, budget.price)


def _check(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise RecipeError(f"{name} is {value}; it must be between {least} and {most}")


def _short_sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
