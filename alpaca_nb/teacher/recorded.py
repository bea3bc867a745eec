"""Asking with a memory: every answer is in the ledger before it is read, and no recorded answer is asked again.

One request goes: reserve the worst price → record that it is sent → send → record the bytes → read them → settle.
A process that dies in between leaves "sent" without an outcome; the next one counts that at its worst price, because
it may have been billed. Record kinds: `sent`, `answer`, `failed` (an attempt without an answer).
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from openai import AsyncOpenAI

from alpaca_nb.errors import LedgerError, TeacherError
from alpaca_nb.files import Json
from alpaca_nb.prices import Price, is_loopback, price_of
from alpaca_nb.records import Usage
from alpaca_nb.teacher.answers import TeacherAnswer, read_answer
from alpaca_nb.teacher.budget import Budget
from alpaca_nb.teacher.client import Failure, Reply, check_key, open_client, send
from alpaca_nb.teacher.ledger import Ledger, Record, scan
from alpaca_nb.teacher.local_server import running_offline_teacher
from alpaca_nb.teacher.question import Question, as_question, request_body
from alpaca_nb.teacher.settings import TeacherSettings

_LONGEST_OWN_WAIT_SECONDS = 8.0


@dataclass
class Totals:
    """What the teacher has done in this run folder, earlier processes included."""

    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


@asynccontextmanager
async def open_teacher(
    settings: TeacherSettings, ledger_path: Path, configuration: Mapping[str, Json], *, price: Price | None = None
) -> AsyncIterator["RecordedTeacher"]:
    """Open ledger, budget and client for one teacher; start the offline one where `base_url` is empty.

    `configuration` is what else, beside the teacher, makes two runs' answers different (prompt text, seeds);
    `price` overrides the price book.
    Raises before anything is written where key or price are missing.
    """
    check_key(settings.base_url)
    budget = Budget(settings.budget_usd, price or price_of(settings.model, base_url=settings.base_url))
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(Ledger(ledger_path, {**_teacher_configuration(settings), **configuration}))
        if ledger.notice:
            print(ledger.notice)
        base_url = settings.base_url or stack.enter_context(running_offline_teacher(settings.seed))
        client = await stack.enter_async_context(open_client(base_url, settings.timeout_seconds))
        yield RecordedTeacher(settings, ledger, budget, client)


def recorded_answers(ledger_path: Path) -> list[TeacherAnswer]:
    """All answers in a ledger, by request index; asks nobody and changes nothing."""
    records = scan(ledger_path.read_bytes(), str(ledger_path)).records
    bodies = {int(str(record["request"])): _body_of(record) for record in records if record["kind"] == "answer"}
    return [read_answer(index, bodies[index]) for index in sorted(bodies)]


class RecordedTeacher:
    """A teacher whose answers are numbered; `budget` and `totals` say what they cost."""

    def __init__(self, settings: TeacherSettings, ledger: Ledger, budget: Budget, client: AsyncOpenAI) -> None:
        self.settings, self.ledger, self.budget, self._client = settings, ledger, budget, client
        self.totals = Totals()
        self._bodies: dict[int, bytes] = {}
        self._prompts: dict[int, str] = {}  # SHA-256 of the prompt that each recorded answer answers
        self._not_before = 0.0  # event-loop time until which the endpoint asked everybody to wait
        self._remember(ledger.recorded)

    def has(self, request_index: int) -> bool:
        """Whether this request's answer is recorded, so that `answer` costs nothing."""
        return request_index in self._bodies

    async def answer(self, request_index: int, asked: Question | str) -> TeacherAnswer:
        """Return the answer to request `request_index`, from the ledger if it is there.

        Raises `BudgetError` before a request that could pass the budget, `TeacherError` when asking is of no use.
        """
        question = as_question(asked)
        if not self.has(request_index):
            await self._ask(request_index, question)
        if self._prompts[request_index] != _sha256(question.prompt):
            raise LedgerError(
                f"{self.ledger.path}: the recorded answer to request {request_index} belongs to another prompt; "
                f"use another --run-dir"
            )
        return read_answer(request_index, self._bodies[request_index])

    async def _ask(self, index: int, question: Question) -> None:
        """Ask until an answer is recorded; every attempt is reserved, recorded and settled on its own."""
        body, prompt = request_body(self.settings, question), question.prompt
        worst = self.budget.worst_case_usd(question.billed_text, question.limit(self.settings))
        last_words = ""
        for attempt in range(1, self.settings.max_attempts + 1):
            await self._wait_for_turn()
            await self.budget.reserve(worst)
            cost = worst  # what is spent if anything below goes wrong
            try:
                self.ledger.append({"kind": "sent", "request": index, "attempt": attempt, "worst_usd": str(worst)})
                outcome = await send(self._client, body, self.settings.timeout_seconds, kind=question.kind)
                if isinstance(outcome, Reply):
                    self.ledger.append(_answer_record(index, prompt, outcome))
                    cost = self._count(index, _sha256(prompt), outcome.body, worst)
                    return
                self.ledger.append(_failure_record(index, outcome))
                cost = worst if outcome.maybe_billed else Decimal(0)
            finally:
                self.budget.settle(worst, cost)
            last_words = outcome.message
            if outcome.final:
                raise TeacherError(f"request {index}: {outcome.message} Recorded answers are safe.")
            self._plan_wait(attempt, outcome.wait_seconds)
        raise TeacherError(
            f"request {index}: given up after {self.settings.max_attempts} attempts; the last one: {last_words}. "
            f"Recorded answers are safe: run again when the endpoint is well."
        )

    def _count(self, index: int, prompt_sha256: str, body: bytes, worst: Decimal) -> Decimal:
        """Take a recorded answer into the memory; returns its price (the worst one where it names no usage)."""
        self._bodies[index], self._prompts[index] = body, prompt_sha256
        usage = read_answer(index, body).usage
        known = usage or Usage(0, 0)
        self.totals = Totals(
            self.totals.answers + 1,
            self.totals.prompt_tokens + known.prompt_tokens,
            self.totals.completion_tokens + known.completion_tokens,
        )
        return worst if usage is None else self.budget.price.cost(usage)

    def _remember(self, records: list[Record]) -> None:
        """Go through an earlier process's records: its answers, and what it spent or may have spent."""
        on_their_way: dict[int, Decimal] = {}
        for record in records:
            index, kind = int(str(record["request"])), record["kind"]
            if kind == "sent":
                self.budget.remember(on_their_way.pop(index, Decimal(0)))  # a second "sent": the first has no outcome
                on_their_way[index] = Decimal(str(record["worst_usd"]))
                continue
            worst = on_their_way.pop(index, Decimal(0))
            if kind == "answer":
                self.budget.remember(self._count(index, str(record["prompt_sha256"]), _body_of(record), worst))
            elif record["maybe_billed"]:
                self.budget.remember(worst)
        for worst in on_their_way.values():
            self.budget.remember(worst)

    def _plan_wait(self, attempt: int, asked_seconds: float | None) -> None:
        """Move the moment before which nobody sends: as asked by the endpoint, else twice as long each time."""
        own = min(self.settings.first_wait_seconds * 2 ** (attempt - 1), _LONGEST_OWN_WAIT_SECONDS)
        wait = own if asked_seconds is None else asked_seconds
        self._not_before = max(self._not_before, asyncio.get_running_loop().time() + wait)

    async def _wait_for_turn(self) -> None:
        while (left := self._not_before - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(left)


def _teacher_configuration(settings: TeacherSettings) -> dict[str, Json]:
    local = is_loopback(settings.base_url)  # a local server may come back on another port
    configuration: dict[str, Json] = {
        "teacher_base_url": "this machine" if local else settings.base_url,
        "teacher_model": settings.model,
        "temperature": settings.temperature,
        "max_completion_tokens": settings.max_completion_tokens,
    }
    return configuration if settings.base_url else {**configuration, "offline_teacher_seed": settings.seed}


def _answer_record(index: int, prompt: str, reply: Reply) -> Record:
    record: Record = {"kind": "answer", "request": index, "prompt_sha256": _sha256(prompt), "id": reply.request_id}
    try:
        record["body"] = reply.body.decode("utf-8")
    except UnicodeDecodeError:
        record["body_base64"] = base64.b64encode(reply.body).decode()
    return record


def _body_of(record: Record) -> bytes:
    if "body" in record:
        return str(record["body"]).encode()
    return base64.b64decode(str(record["body_base64"]))


def _failure_record(index: int, failure: Failure) -> Record:
    return {"kind": "failed", "request": index, "maybe_billed": failure.maybe_billed, "message": failure.message}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
