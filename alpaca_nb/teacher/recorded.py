"""Asking with a memory: every answer is in the ledger before it is read, and no recorded answer is asked again.

One request goes: wait for its turn → reserve the worst price → record that it is sent → send → record the bytes → read
them → settle. A process that dies in between leaves "sent" without an outcome; the next one counts that at its worst
price, because it may have been billed. Bodies stay in the file; the memory holds where they are.
"""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from openai import AsyncOpenAI

from alpaca_nb.errors import LedgerError, TeacherError
from alpaca_nb.files import Json
from alpaca_nb.prices import Price, is_loopback
from alpaca_nb.teacher.answers import TeacherAnswer, read_answer
from alpaca_nb.teacher.batches import Desk
from alpaca_nb.teacher.budget import Budget
from alpaca_nb.teacher.capabilities import check_not_shut_down
from alpaca_nb.teacher.client import Failure, Reply, check_key, open_client, send
from alpaca_nb.teacher.ledger import Entry, Ledger, Record, walk
from alpaca_nb.teacher.ledger_records import (
    answer_record,
    body_of,
    failure_record,
    index_in,
    price_record,
    sent_record,
    stop_of,
)
from alpaca_nb.teacher.local_server import running_own_teacher
from alpaca_nb.teacher.pace import Clock, Pace
from alpaca_nb.teacher.question import Question, as_question, request_body
from alpaca_nb.teacher.settings import TeacherSettings
from alpaca_nb.teacher.totals import Totals

_LONGEST_OWN_WAIT_SECONDS = 8.0
_FIRST_WINDOW = 4  # requests on their way before the first answer; 1 for a model that the kit does not know
_BYTES_PER_TOKEN = 4  # as OpenAI's rate limiter estimates a prompt


@asynccontextmanager
async def open_teacher(
    settings: TeacherSettings,
    ledger_path: Path,
    configuration: Mapping[str, Json],
    *,
    price: Price | None = None,
    clock: Clock | None = None,
) -> AsyncIterator["RecordedTeacher"]:
    """Open ledger, budget and client for one teacher; start one of the kit's own where `base_url` is empty.

    `configuration` is what else, beside the teacher, makes two runs' answers different (prompt text, seeds);
    `price` overrides the price book.
    Raises before anything is written where key or price are missing, or the model is shut down.
    """
    check_key(settings.base_url)
    notice = check_not_shut_down(settings.model, settings.base_url, datetime.now(UTC).date())
    budget = Budget(settings.budget_usd, price or settings.price)
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(Ledger(ledger_path, {**_teacher_configuration(settings), **configuration}))
        for words in filter(None, (notice, ledger.notice)):
            print(words)
        base_url = settings.base_url or stack.enter_context(running_own_teacher(settings.model, settings.seed))
        client = await stack.enter_async_context(open_client(base_url, settings.request_seconds))
        teacher = RecordedTeacher(settings, ledger, budget, client, clock)
        try:
            yield teacher
        finally:
            teacher.desk.close()


def recorded_answers(ledger_path: Path) -> list[TeacherAnswer]:
    """All answers in a ledger, by request index; asks nobody and changes nothing."""
    answers: dict[int, TeacherAnswer] = {}
    with ledger_path.open("rb") as file:
        for entry in walk(file, str(ledger_path)):
            if entry.record["kind"] == "answer":
                answers[index_in(entry.record)] = _answer_in(entry.record)
    return [answers[index] for index in sorted(answers)]


class RecordedTeacher:
    """A teacher whose answers are numbered; `budget` and `totals` say what they cost."""

    def __init__(
        self,
        settings: TeacherSettings,
        ledger: Ledger,
        budget: Budget,
        client: AsyncOpenAI,
        clock: Clock | None = None,
    ) -> None:
        self.settings, self.ledger, self.budget, self.client = settings, ledger, budget, client
        self.totals = Totals(budget.price)
        self.pace = Pace(_FIRST_WINDOW if settings.capabilities.known else 1, clock)
        self.desk = Desk(self)
        self._places: dict[int, tuple[int, int, str]] = {}  # of each answer: its place in the file, its prompt's hash
        for entry in ledger.entries():
            self._count(entry)
        self.totals.take_over()
        if not settings.base_url:
            self.desk.forget_ids()
        self.budget.remember(self.totals.usd, self.totals.batched_usd)
        if self.totals.price != budget.price or not self._places:
            self.record(price_record(budget.price))

    def has(self, request_index: int) -> bool:
        """Whether this request's answer is recorded, so that `answer` costs nothing."""
        return request_index in self._places

    async def answer(self, request_index: int, asked: Question | str) -> TeacherAnswer:
        """Return the answer to request `request_index`, from the ledger if it is there.

        Raises `BudgetError` before a request that could pass the budget, `TeacherError` when asking is of no use.
        """
        question = as_question(asked)
        if not self.has(request_index) and (self.settings.tier == "batch" or self.desk.holds(request_index)):
            await self.desk.ask(request_index, question)
        if not self.has(request_index):
            return await self._ask(request_index, question)
        start, length, sha256 = self._places[request_index]
        if sha256 != question.sha256:
            raise LedgerError(
                f"{self.ledger.path}: the recorded answer to request {request_index} belongs to another prompt; "
                f"use another --run-dir"
            )
        return _answer_in(self.ledger.read(start, length))

    def worst_usd(self, question: Question) -> Decimal:
        """The most that one request can cost."""
        limit, tier = question.limit(self.settings), self.settings.reserved_tier
        return self.budget.worst_case_usd(question.billed_text, limit, tier=tier)

    def record(self, record: Record) -> Decimal:
        """Put a record on the disk, then count it; returns the dollars that it adds."""
        return self._count(self.ledger.append(record))

    def record_all(self, records: list[Record]) -> Decimal:
        """The same for some records together, with one fsync."""
        return sum((self._count(entry) for entry in self.ledger.append_all(records)), Decimal(0))

    async def _ask(self, index: int, question: Question) -> TeacherAnswer:
        """Ask until an answer is recorded; every attempt is reserved, recorded and settled on its own."""
        body, worst = request_body(self.settings, question), self.worst_usd(question)
        attempts_left = self.settings.max_attempts
        attempt = 0
        while True:
            attempt += 1
            outcome = await self._attempt(index, attempt, question, body, worst)
            if isinstance(outcome, TeacherAnswer):
                return outcome
            if outcome.final:
                raise TeacherError(f"request {index}: {outcome.message} {self._aside()}Recorded answers are safe.")
            attempts_left -= not self._whole_endpoint_fails(outcome)
            if attempts_left <= 0:
                raise TeacherError(
                    f"request {index}: given up after {attempt} attempts; the last one: {outcome.message}. "
                    f"{self._aside()}Recorded answers are safe: run again when the endpoint is well."
                )
            await self.pace.clock.sleep(self.own_wait(index, attempt, outcome))

    async def _attempt(
        self, index: int, attempt: int, question: Question, body: Mapping[str, Json], worst: Decimal
    ) -> TeacherAnswer | Failure:
        tokens = len(question.billed_text) // _BYTES_PER_TOKEN + question.limit(self.settings)
        admission = await self.pace.admit(tokens)
        told = False
        try:
            self._check_patience()
            self.ledger.check_room()
            await self.budget.reserve(worst)
            cost = worst  # what is spent if anything below goes wrong
            try:
                self.record(sent_record(index, attempt, worst))
                outcome = await send(self.client, body, self.settings.request_seconds)
                if isinstance(outcome, Reply):
                    cost = self.record(answer_record(index, question.sha256, question.stop, outcome))
                else:
                    cost = self.record(failure_record(index, outcome))
            finally:
                self.budget.settle(worst, cost)
            told = True
            if isinstance(outcome, Failure):
                busy = outcome.cause == "busy"
                wait = self.own_wait(index, attempt, outcome) if busy else outcome.wait_seconds
                self.pace.failed(admission, outcome.headers, busy=busy, wait_seconds=wait)
                return outcome
            self.pace.answered(admission, outcome.headers)
            return read_answer(index, outcome.body, question.stop)
        finally:
            if not told:
                self.pace.ended(admission)

    def _count(self, entry: Entry) -> Decimal:
        """Take a record that is on the disk into the memory; returns the dollars that it adds."""
        if entry.record["kind"] == "answer":
            self._places[index_in(entry.record)] = (entry.start, entry.length, str(entry.record["prompt_sha256"]))
        elif entry.record["kind"] == "batch":
            self.desk.remember(entry.record)
        return self.totals.take(entry.record)

    def _whole_endpoint_fails(self, failure: Failure) -> bool:
        """Whether a failure is no fault of its request, so that it does not use up one of its attempts."""
        return self.pace.breaker.open or (failure.cause == "busy" and self.pace.breaker.answered_at is not None)

    def _check_patience(self) -> None:
        failing = self.pace.breaker.seconds_failing(self.pace.clock.now())
        if failing > self.settings.patience_seconds:
            raise TeacherError(
                f"the endpoint has failed at every attempt for {failing / 60:.0f} minutes. Recorded answers are safe: "
                f"run again when it is well."
            )

    def own_wait(self, index: int, attempt: int, failure: Failure) -> float:
        """Seconds before the next attempt: as asked by the endpoint, else twice as long each time, not all at once."""
        if failure.wait_seconds is not None:
            return failure.wait_seconds
        own = min(self.settings.first_wait_seconds * 2.0 ** min(attempt - 1, 30), _LONGEST_OWN_WAIT_SECONDS)
        return own * random.Random(f"{index}:{attempt}").uniform(0.75, 1.0)

    def _aside(self) -> str:
        """For a model that the kit does not know: how its requests were formed."""
        if self.settings.capabilities.known or self.pace.breaker.answered_at is not None:
            return ""
        return (
            f"(The kit knows no model {self.settings.model!r}, so it sent one request alone, in the form that most "
            f"servers take; teacher_like names a known model whose form to use instead.) "
        )


def _answer_in(record: Record) -> TeacherAnswer:
    return read_answer(index_in(record), body_of(record), stop_of(record))


def _teacher_configuration(settings: TeacherSettings) -> dict[str, Json]:
    """What of the teacher decides its answers. Tier, batch and price do not: they may change in the middle."""
    local = is_loopback(settings.base_url)  # a local server may come back on another port
    configuration: dict[str, Json] = {
        "teacher_base_url": "this machine" if local else settings.base_url,
        "teacher_model": settings.model,
        "temperature": settings.temperature,
        "max_completion_tokens": settings.max_completion_tokens,
    }
    usual = replace(settings, api="chat", like="")
    for name in ("api", "like"):
        if getattr(settings, name) != getattr(usual, name):
            configuration[f"teacher_{name}"] = getattr(settings, name)
    return configuration if settings.base_url else {**configuration, "offline_teacher_seed": settings.seed}
