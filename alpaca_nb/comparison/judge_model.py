"""A language model as judge, asked over HTTP like any teacher: same ledger, same budget, same handling of faults.

Each pair is asked twice, once in each order. The same answer preferred in both is a verdict; a change of mind is a
tie. A request is numbered by what it asks, so a verdict once paid for is found again whatever else changes.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from alpaca_nb.comparison.judge import Ruling, both_orders
from alpaca_nb.comparison.judge_prompt import JUDGE_PROMPT, judge_prompt, read_verdict
from alpaca_nb.comparison.pairing import BlindPair, Side
from alpaca_nb.errors import BudgetError, RecipeError, TeacherError
from alpaca_nb.prices import LOCAL_MODELS, OFFLINE_MODEL, Price
from alpaca_nb.records import Measure
from alpaca_nb.teacher.capabilities import capabilities_of
from alpaca_nb.teacher.recorded import RecordedTeacher, open_teacher
from alpaca_nb.teacher.settings import TeacherSettings

LONGEST_VERDICT = 500  # tokens: one line and a sentence, with room for a model that thinks aloud
UNANSWERED_IN_A_ROW = 4  # requests; after so many the endpoint is taken to be down


def judge_settings(base_url: str, model: str, budget_usd: float, price: str = "") -> TeacherSettings:
    """Settings of a judge model: temperature 0 where the model takes it, so that it says the same again.

    `price` is "input,output" in dollars per million tokens where the price book has no row. Raises `RecipeError` where
    no endpoint or no model is named, and for a price that is not known.
    """
    if not model or model == OFFLINE_MODEL or (not base_url and model not in LOCAL_MODELS):
        raise RecipeError(
            "judge='model' needs judge_base_url and judge_model: an OpenAI-compatible endpoint and a model that it "
            "has (https://api.openai.com/v1 and gpt-6-luna, say). The offline teacher writes tasks and cannot judge."
        )
    accepts = capabilities_of(model, base_url)
    try:
        settings = TeacherSettings(
            base_url, model, temperature=0.0 if accepts.any_temperature else 1.0,
            max_completion_tokens=LONGEST_VERDICT, budget_usd=budget_usd, seed=0, price_usd_per_million=price,
        )  # fmt: skip
        _ = settings.price
    except (TeacherError, BudgetError) as error:
        words = str(error).replace("teacher_", "judge_")
        raise RecipeError(f"the judge model cannot be asked like this: {words}") from None
    return settings


@asynccontextmanager
async def open_judge_model(
    settings: TeacherSettings, ledger_path: Path, *, price: Price | None = None
) -> AsyncIterator["ModelJudge"]:
    """Open the judge's own ledger and its connection; raises before spending where key or price are missing."""
    configuration = {"judge_prompt": hashlib.sha256(JUDGE_PROMPT.encode()).hexdigest()}
    async with open_teacher(settings, ledger_path, configuration, price=price) as teacher:
        yield ModelJudge(teacher)


class ModelJudge:
    """A judge model; `spent_usd` is what its verdicts cost, earlier runs in this folder included."""

    measure: Measure = "model"

    def __init__(self, teacher: RecordedTeacher) -> None:
        self._teacher = teacher
        self.name = teacher.settings.model
        self._unanswered = 0

    @property
    def spent_usd(self) -> float:
        """Dollars spent or perhaps spent so far."""
        return float(self._teacher.budget.spent_usd)

    async def rule(self, shown: BlindPair) -> Ruling:
        """Ask in both orders. Raises what stops all asking: the budget, the ledger, an endpoint that is down."""
        asked = (self._ask(shown), self._ask(shown.swapped()))
        first, second = await asyncio.gather(*asked, return_exceptions=True)  # both may be paid for: wait for both
        if isinstance(first, BaseException):
            raise first
        if isinstance(second, BaseException):
            raise second
        (one, why_one), (other, why_other) = first, second
        return both_orders(one, other, reason=why_other if one is not None and other is None else why_one)

    async def _ask(self, shown: BlindPair) -> tuple[Side | None, str]:
        prompt = judge_prompt(shown)
        try:
            answer = await self._teacher.answer(_number_of(prompt), prompt)
        except TeacherError as error:
            self._unanswered += 1
            if self._unanswered >= UNANSWERED_IN_A_ROW:
                raise
            return None, f"no answer: {error}"
        self._unanswered = 0
        if answer.fault or answer.finish_reason == "content_filter":
            return None, answer.fault or "refused by the endpoint's content filter"
        return read_verdict(answer.text)


def _number_of(prompt: str) -> int:
    """A request number that follows from the prompt; 52 bits, which every reader of JSON keeps exactly."""
    return int(hashlib.sha256(prompt.encode()).hexdigest()[:13], 16)
