"""Asking through the Batch API: half the price, answers within a day.

Questions that wait at the same moment travel together, so whoever asks need not know of batches: `answer` takes longer,
that is all. A batch goes: record that it is planned, with a random key → upload → create, the key in its metadata →
record its id → poll → record what came, like any other answer → record that it ended. A process that dies in between
leaves a batch that the next one finds by its id or its key and takes over; nothing is ordered twice. What expired,
failed for a while or is missing is asked again in the next batch.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from openai.types import Batch

from alpaca_nb.errors import TeacherError
from alpaca_nb.teacher.batch_files import MOST_BYTES, Results, input_line, read_results
from alpaca_nb.teacher.client import Failure, guarded, scrub
from alpaca_nb.teacher.ledger import Record
from alpaca_nb.teacher.ledger_records import answer_record, failure_record
from alpaca_nb.teacher.open_batches import OpenBatch, Place, open_batch_in
from alpaca_nb.teacher.question import PATHS, Question, request_body

if TYPE_CHECKING:
    from alpaca_nb.teacher.recorded import RecordedTeacher

KEY_IN_METADATA = "alpaca_nb"
_OVER = ("completed", "expired", "cancelled", "failed")
_LONGEST_POLL_SECONDS = 60.0
_RECORDS_PER_FSYNC = 100
_TOO_LARGE = {"token_limit_exceeded", "too_many_tasks", "file_too_large"}
_DOWNLOADS = 3  # of a file that lacks lines
_T = TypeVar("_T")


class Desk:
    """Collects questions, and sees each batch through from plan to end."""

    def __init__(self, teacher: "RecordedTeacher") -> None:
        self._teacher = teacher
        self.open: dict[str, OpenBatch] = {}
        self._waiting: dict[int, tuple[Question, asyncio.Future[None]]] = {}
        self._attempts: dict[int, int] = {}
        self._most_requests = teacher.settings.batch_requests
        self._worker: asyncio.Task[None] | None = None
        self._answered = False  # the endpoint has answered this process before

    async def ask(self, index: int, question: Question) -> None:
        """Return when the answer is recorded, or when no batch will bring it; raises what `answer` raises."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[index] = (question, future)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        await future

    def holds(self, index: int) -> bool:
        """Whether a question is on its way in a batch."""
        return any(index in batch.places for batch in self.open.values())

    def close(self) -> None:
        """Stop waiting; a batch that is on its way goes on at the endpoint."""
        if self._worker is not None:
            self._worker.cancel()

    def remember(self, record: Record) -> None:
        """Go by one record of kind `batch`, this process's or an earlier one's."""
        key = str(record["key"])
        if record["state"] == "planned":
            self.open[key] = open_batch_in(record)
        elif record["state"] == "created" and key in self.open:
            self.open[key] = replace(self.open[key], id=str(record["batch"]))
        elif record["state"] == "ended":
            self.open.pop(key, None)

    def forget_ids(self) -> None:
        """For a server that forgets its batches when it ends, as the kit's own do: they are ordered again there."""
        self.open = {key: replace(batch, id="") for key, batch in self.open.items()}

    async def _work(self) -> None:
        """Until nobody waits: finish what is open, then send what waits as the next batch."""
        try:
            while self._waiting:
                await self._until_no_more_come()
                for batch in list(self.open.values()):
                    await self._see_through(batch)
                self._dismiss()
                if self._waiting and self._teacher.settings.tier != "batch":
                    self._dismiss(all_of_them=True)  # they wanted an older batch's end; the rest is asked one by one
                if self._waiting:
                    await self._see_through(await self._plan())
                    self._dismiss()
        except asyncio.CancelledError:
            self._disappoint(None)
            raise
        except Exception as error:  # whatever it is, those who wait must hear of it
            self._disappoint(error)

    def _disappoint(self, error: Exception | None) -> None:
        """Tell all who wait that no answer comes."""
        for _, future in self._waiting.values():
            if error is not None and not future.done():
                future.set_exception(error)
            future.cancel()
        self._waiting.clear()

    async def _until_no_more_come(self) -> None:
        """Let all those ask who are about to: tasks begun in the same moment run one after the other."""
        before = -1
        while before < len(self._waiting):
            before = len(self._waiting)
            await asyncio.sleep(0)

    def _dismiss(self, *, all_of_them: bool = False) -> None:
        """Tell those whose answer is recorded; forget those who no longer wait."""
        for index, (_, future) in list(self._waiting.items()):
            if all_of_them or self._teacher.has(index) or future.done():
                del self._waiting[index]
                if not future.done():
                    future.set_result(None)

    async def _plan(self) -> OpenBatch:
        """Choose what the budget, the endpoint's limits and one interface allow, and write it down."""
        teacher, size, worst = self._teacher, 0, Decimal(0)
        teacher.ledger.check_room()
        first = self._waiting[min(self._waiting)][0]
        places: list[Place] = []
        for index, (question, _) in sorted(self._waiting.items()):
            if question.kind_for(teacher.settings) != first.kind_for(teacher.settings):
                continue
            size += len(self._line(index, question))
            place = Place(index, question.sha256, question.stop, teacher.worst_usd(question))
            full = len(places) == self._most_requests or size > MOST_BYTES
            if places and (full or not teacher.budget.fits(worst + place.worst_usd)):
                break
            places.append(place)
            worst += place.worst_usd
        await teacher.budget.reserve(worst)  # raises where not even one fits
        key = secrets.token_hex(16)
        planned: Record = {"kind": "batch", "state": "planned", "key": key, "at": round(time.time())}
        teacher.record(planned | {"questions": [place.as_json() for place in places]})
        return self.open[key]

    def _line(self, index: int, question: Question) -> bytes:
        settings = self._teacher.settings
        return input_line(index, PATHS[question.kind_for(settings)], request_body(settings, question))

    async def _see_through(self, planned: OpenBatch) -> None:
        """Find a batch again or create it; wait for its end; record what came."""
        batch = await self._call(partial(self._teacher.client.batches.retrieve, planned.id)) if planned.id else None
        batch = batch or await self._find(planned) or await self._create(planned)
        if batch is None:  # an earlier process planned it, and it never came to be
            reserved = sum(self._teacher.totals.on_their_way_in(planned.key).values(), Decimal(0))
            self._end(planned, "never_created", reserved, Decimal(0))
            return
        if not planned.id:
            self._teacher.record({"kind": "batch", "state": "created", "key": planned.key, "batch": batch.id})
        batch = await self._poll(batch)
        wanted = self._teacher.totals.on_their_way_in(planned.key)
        results = await self._fetch(batch, set(wanted))
        self._record(planned, batch, results, sum(wanted.values(), Decimal(0)))
        await self._judge(planned, batch, results)

    async def _find(self, planned: OpenBatch) -> Batch | None:
        """Look for a batch by the key in its metadata: it may have been created though nobody heard of it."""

        async def search() -> Batch | None:
            async for batch in self._teacher.client.batches.list(limit=100):
                if (batch.metadata or {}).get(KEY_IN_METADATA) == planned.key:
                    return batch
                if batch.created_at < planned.planned_at - 86_400:
                    break
            return None

        return await self._call(search)

    async def _create(self, planned: OpenBatch) -> Batch | None:
        """Upload and create; None where not all of its questions are known to this process."""
        if not all(self._is_same(place) for place in planned.places.values()):
            return None
        client, questions = self._teacher.client, [(index, self._waiting[index][0]) for index in planned.places]
        content = b"".join(self._line(index, question) for index, question in questions)
        path = PATHS[questions[0][1].kind_for(self._teacher.settings)]
        upload = ("requests.jsonl", content)
        file = await self._call(lambda: client.files.create(file=upload, purpose="batch"))

        async def create() -> Batch:
            return await self._find(planned) or await client.batches.create(
                input_file_id=file.id,
                endpoint=path,  # type: ignore[arg-type]
                completion_window="24h",
                metadata={KEY_IN_METADATA: planned.key},
            )

        return await self._call(create)

    def _is_same(self, place: Place) -> bool:
        waiting = self._waiting.get(place.request)
        return waiting is not None and waiting[0].sha256 == place.sha256

    async def _poll(self, batch: Batch) -> Batch:
        """Ask how it stands, at growing intervals, until it is over; says so when it moves."""
        wait, said = self._teacher.settings.first_wait_seconds, ""
        while True:
            if batch.status != said:
                said, counts = batch.status, batch.request_counts
                done = f", {counts.completed} of {counts.total} done" if counts and counts.total else ""
                print(f"batch {batch.id}: {said}{done}")
            if batch.status in _OVER:
                return batch
            await self._teacher.pace.clock.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_POLL_SECONDS)
            batch = await self._call(partial(self._teacher.client.batches.retrieve, batch.id))

    async def _fetch(self, batch: Batch, wanted: set[int]) -> Results:
        """Read the output and the error file; once more where a batch that ran to its end lacks lines."""
        results = Results()
        for _ in range(_DOWNLOADS):
            for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
                content = await self._call(partial(self._teacher.client.files.content, file_id))
                read_results(content.content, wanted, results)
            if len(results) == len(wanted) or batch.status == "failed":
                break
        return results

    def _record(self, planned: OpenBatch, batch: Batch, results: Results, reserved: Decimal) -> None:
        """Put answers and failures on the disk, and settle what the batch had reserved."""
        records: list[Record] = []
        for index, reply in results.replies.items():
            place = planned.places[index]
            records.append(answer_record(index, place.sha256, place.stop, reply))
        if batch.status == "completed":
            missing = Failure("the batch's files have no line for it", final=False, maybe_billed=True)
            lacking = set(self._teacher.totals.on_their_way_in(planned.key)) - set(results.replies)
            results.failures |= dict.fromkeys(lacking - set(results.failures), missing)
        records += [failure_record(index, failure) for index, failure in results.failures.items()]
        cost = Decimal(0)
        for start in range(0, len(records), _RECORDS_PER_FSYNC):
            some = [planned.labelled(record) for record in records[start : start + _RECORDS_PER_FSYNC]]
            cost += self._teacher.record_all(some)
        self._end(planned, batch.status, reserved, cost)

    def _end(self, planned: OpenBatch, status: str, reserved: Decimal, cost: Decimal) -> None:
        self._teacher.record({"kind": "batch", "state": "ended", "key": planned.key, "status": status})
        self._teacher.budget.settle(reserved, cost)

    async def _judge(self, planned: OpenBatch, batch: Batch, results: Results) -> None:
        """Raise `TeacherError` where another batch would fare no better."""
        if batch.status == "failed":
            await self._failed(planned, batch)
            return
        if batch.status == "cancelled":
            raise TeacherError(
                f"batch {batch.id} was cancelled at the endpoint. What it had answered is recorded; run again to ask "
                f"for the rest."
            )
        for index in sorted(results.failures):
            failure = results.failures[index]
            self._attempts[index] = self._attempts.get(index, 0) + 1
            if failure.final:
                raise TeacherError(f"request {index}: {failure.message} Recorded answers are safe.")
            if self._attempts[index] >= self._teacher.settings.max_attempts:
                raise TeacherError(
                    f"request {index}: given up after {self._attempts[index]} batches; the last one: "
                    f"{failure.message}. Recorded answers are safe: run again when the endpoint is well."
                )

    async def _failed(self, planned: OpenBatch, batch: Batch) -> None:
        """A batch that was refused as a whole cost nothing; one that was too large is tried in halves."""
        errors = (batch.errors.data if batch.errors else None) or []
        if any(error.code in _TOO_LARGE for error in errors) and len(planned.places) > 1:
            self._most_requests = len(planned.places) // 2
            print(f"batch {batch.id} was too large for this account; trying {self._most_requests} requests at once")
            await self._teacher.pace.clock.sleep(self._teacher.settings.first_wait_seconds)
            return
        words = "; ".join(f"{error.code}: {scrub(str(error.message))}" for error in errors[:3]) or "it gave no reason"
        raise TeacherError(
            f"the endpoint refused batch {batch.id}, which cost nothing: {words} "
            f"What was recorded before is safe: mend that, or run again later."
        )

    async def _call(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Call the endpoint until it answers; raises `TeacherError` where that is of no use."""
        teacher = self._teacher
        begun, attempt = teacher.pace.clock.now(), 0
        while True:
            attempt += 1
            outcome: _T | Failure | str
            try:
                outcome = await guarded(teacher.client, call, teacher.settings.request_seconds)
            except AttributeError:  # the client takes a page of HTML for text, and its lists then fail like this
                outcome = ""
            if isinstance(outcome, str):
                outcome = Failure("an answer that is no JSON", final=False, maybe_billed=False, cause="server_error")
            if not isinstance(outcome, Failure):
                self._answered = True
                return outcome
            patience = teacher.settings.patience_seconds if self._answered else 0.0
            tired = attempt >= teacher.settings.max_attempts and teacher.pace.clock.now() - begun > patience
            if outcome.final or tired:
                raise TeacherError(
                    f"the Batch API of {teacher.settings.base_url or 'the offline teacher'}: {outcome.message}. A "
                    f"batch that is on its way goes on there; run again to take it over."
                )
            await teacher.pace.clock.sleep(teacher.own_wait(-attempt, attempt, outcome))
