"""What a recipe's data would take, before anything is sent: requests, tokens, dollars and hours, each with a range.

The prompts are the real ones, so their bytes are known and their tokens nearly. What is not known is how much the
teacher writes, how much of that is kept and how fast it is. So each of these has a low, a likely and a high value here,
with its source; a run replaces them by measured ones in its progress line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import mean

from alpaca_nb.generation.faults import BYTES_PER_TOKEN
from alpaca_nb.generation.published import SEEDS_PER_REQUEST, TASKS_PER_REQUEST
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.prices import OFFLINE_MODEL, is_loopback
from alpaca_nb.records import SeedTask, Usage

ITEMS_LOOKED_AT = 300  # prompts whose bytes are averaged
PUBLISHED_PROMPT_TOKENS = 765  # mean of 400 prompts drawn from the published seeds, GPT-3's tokenizer


@dataclass(frozen=True)
class Range:
    """Three values of one quantity: the cheapest case, the likely one, the dearest."""

    low: float
    likely: float
    high: float

    def __str__(self) -> str:
        return f"{_number(self.likely)} ({_number(self.low)} to {_number(self.high)})"


# Share of the new tasks that become rows. High: the offline teacher's best; likely: assumed; low: the article's own
# break-even, 5.3 of 16. For plain lists: SmolLM2-135M lost few lines, and up to 60 % of the answers to the token limit.
KEPT_SHARE = Range(0.9, 0.6, 0.33)
KEPT_SHARE_OF_LISTS = Range(0.9, 0.5, 0.35)
TOKENS_PER_TASK = Range(50, 97, 110)  # 97: mean of 2,000 published rows with their headings; 110: the usual estimate
LINE_AND_ANSWER_TOKENS = Range(15 + 40, 15 + 110, 60 + 160)  # a list's line has about 15; most answers run to the limit
TOKENS_PER_SECOND = {  # of one request; assumed for endpoints elsewhere, measured on two cores for the others
    "elsewhere": Range(150, 70, 30),
    "this machine": Range(20, 10, 4),
    "offline": Range(100_000, 30_000, 10_000),
}


@dataclass(frozen=True)
class Estimate:
    """What is to be expected; `within_budget` is whether even the dearest case stays below `budget_usd`."""

    requests: Range
    prompt_tokens: Range
    completion_tokens: Range
    usd: Range
    hours: Range
    price_source: str
    budget_usd: float

    @property
    def within_budget(self) -> bool:
        """Whether the wall will not be met."""
        return self.usd.high <= self.budget_usd


def estimate(settings: GenerationSettings, seeds: Sequence[SeedTask]) -> Estimate:
    """Work it out for one recipe. Raises `BudgetError` for an unknown price."""
    teacher = settings.teacher
    prompt, per_item, new_tasks = _prompt_tokens(settings, seeds)
    as_list = settings.protocol == "list"
    share = KEPT_SHARE_OF_LISTS if as_list else KEPT_SHARE
    per_task = LINE_AND_ANSWER_TOKENS if as_list else TOKENS_PER_TASK
    speed = TOKENS_PER_SECOND[_place(settings)]
    cases = []
    for name in ("low", "likely", "high"):
        items = ceil(settings.number_of_rows / (new_tasks * getattr(share, name)))
        out = min(new_tasks * getattr(per_task, name), teacher.max_completion_tokens * per_item)
        usage = Usage(round(items * prompt), round(items * out))
        seconds = items * out / getattr(speed, name) / settings.concurrency
        hours = 24.0 if teacher.tier == "batch" and name == "high" else seconds / 3600
        cases.append((items * per_item, usage, float(teacher.price.cost(usage, tier=teacher.tier)), hours))
    requests, usages, usd, hours_of = zip(*cases, strict=True)
    return Estimate(
        Range(*requests),
        Range(*(usage.prompt_tokens for usage in usages)),
        Range(*(usage.completion_tokens for usage in usages)),
        Range(*usd),
        Range(*hours_of),
        f"{teacher.price.source} ({teacher.price.as_of})",
        teacher.budget_usd,
    )


def text_of(found: Estimate, name: str, settings: GenerationSettings) -> str:
    """The estimate for a terminal."""
    teacher = settings.teacher
    lines = [
        f"{name}: {settings.number_of_rows:,} rows from {teacher.model}; nothing was sent",
        "",
        f"  {'requests':<12}{found.requests}",
        f"  {'tokens in':<12}{found.prompt_tokens}",
        f"  {'tokens out':<12}{found.completion_tokens}",
        f"  {'dollars':<12}{_dollars(found.usd)}, {teacher.tier} tier; price: {found.price_source}",
        f"  {'time':<12}{_times(found.hours)}, {settings.concurrency} requests at a time"
        + (" (a batch may take a day)" if teacher.tier == "batch" else ""),
        "",
        f"  budget_usd is {found.budget_usd:g}: "
        + ("enough in all these cases" if found.within_budget else "the run may stop at it, and can go on with more"),
    ]
    return "\n".join(lines)


def _prompt_tokens(settings: GenerationSettings, seeds: Sequence[SeedTask]) -> tuple[float, int, int]:
    """Tokens that one item sends, its requests, and the new tasks that it can bring."""
    if settings.protocol == "stanford":  # its files may not be here, and are not fetched for an estimate
        return PUBLISHED_PROMPT_TOKENS, 1, TASKS_PER_REQUEST - 1 - SEEDS_PER_REQUEST
    way = settings.way(seeds)
    questions = [way.questions(item) for item in range(ITEMS_LOOKED_AT)]
    sent = mean(sum(len(each.billed_text.encode()) for each in of_item) for of_item in questions)
    return sent / BYTES_PER_TOKEN, way.requests_per_item, way.new_tasks


def _place(settings: GenerationSettings) -> str:
    teacher = settings.teacher
    if teacher.model == OFFLINE_MODEL:
        return "offline"
    return "this machine" if not teacher.base_url or is_loopback(teacher.base_url) else "elsewhere"


def _number(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1e6:.2f} M"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _times(hours: Range) -> str:
    units = {"hours": 1, "minutes": 60, "seconds": 3600}
    unit = next((name for name, each in units.items() if hours.likely * each >= 1), "seconds")
    return f"{Range(*(value * units[unit] for value in (hours.low, hours.likely, hours.high)))} {unit}"


def _dollars(usd: Range) -> str:
    return "0" if usd.high == 0 else f"${usd.likely:.2f} (${usd.low:.2f} to ${usd.high:.2f})"
