"""`/v1/batches`: the life of a batch. It moves one step each time it is asked about, so that no test need wait.

    validating → in_progress → in_progress (half is done) → finalizing → completed
        ↓             ↓ cancel                   ↓ fault               (or expired, where its time ran out)
      failed      cancelling → cancelled      finalizing → expired

What was done before a batch expired or was cancelled is in its output file; the rest is in its error file, each with a
reason. Results come in another order than requests. Source: the types and texts of `openai` 3.54, `types/batch.py`.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from alpaca_nb.files import Json
from alpaca_nb.offline_teacher.batch_lines import (
    BatchFault,
    BatchRequest,
    as_file,
    read_requests,
    result_line,
    unworked_line,
)
from alpaca_nb.offline_teacher.refusals import ApiError, bad_value, unknown
from alpaca_nb.offline_teacher.stored_files import StoredFiles

ENDPOINTS = ("/v1/chat/completions", "/v1/completions", "/v1/moderations")
DAY_SECONDS = 86_400
_OVER = ("failed", "completed", "expired", "cancelled")
_NOT_WORKED = {
    "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
    "cancelled": ("batch_cancelled", "This request was not executed because the batch was cancelled."),
}
Work = Callable[[str, dict[str, Json]], tuple[int, Json]]  # endpoint and body → status and body


@dataclass
class Batch:
    """One batch at some point of its life; `fault` is what befalls it (a name of `faults.py`), or empty."""

    id: str
    endpoint: str
    input_file_id: str
    metadata: dict[str, Json]
    created_at: int
    fault: str = ""
    status: str = "validating"
    moments: dict[str, Json] = field(default_factory=dict)  # "in_progress_at" and so on, Unix seconds
    requests: list[BatchRequest] = field(default_factory=list)
    faults: list[BatchFault] = field(default_factory=list)
    good: list[dict[str, Json]] = field(default_factory=list)  # lines of the output file
    bad: list[dict[str, Json]] = field(default_factory=list)  # lines of the error file
    files: dict[str, Json] = field(default_factory=dict)  # "output_file_id", "error_file_id"

    def card(self) -> dict[str, Json]:
        """Its description, as the API gives it."""
        errors: Json = {"object": "list", "data": [fault.card() for fault in self.faults]} if self.faults else None
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "model": self.requests[0].body.get("model") if self.requests else None,
            "errors": errors,
            "input_file_id": self.input_file_id,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": None,
            "error_file_id": None,
            "created_at": self.created_at,
            "expires_at": self.created_at + DAY_SECONDS,
            "request_counts": {"total": len(self.requests), "completed": len(self.good), "failed": len(self.bad)},
            "usage": _usage(self.good),
            "metadata": dict(self.metadata) or None,
            **self.moments,
            **self.files,
        }

    def enter(self, status: str) -> None:
        """Go over into a state, and note when."""
        self.status = status
        self.moments[f"{status}_at"] = int(time.time())


@dataclass
class Batches:
    """All batches of one server. `work` answers one request; `befall` draws the fault of a new batch from
    its input file and its number."""

    files: StoredFiles
    work: Work
    befall: Callable[[bytes, int], str]
    _batches: dict[str, Batch] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def create(self, body: dict[str, Json]) -> Json:
        """Begin a batch; raises `ApiError` for a wrong parameter. The input file's lines are checked later."""
        endpoint, file_id, metadata = body.get("endpoint"), body.get("input_file_id"), body.get("metadata") or {}
        if endpoint not in ENDPOINTS:
            raise bad_value("endpoint", f"'endpoint' must be one of {', '.join(ENDPOINTS)}.")
        if body.get("completion_window") != "24h":
            raise bad_value("completion_window", "'completion_window' must be '24h'.")
        if not isinstance(metadata, dict) or len(metadata) > 16 or not all(map(_fits, metadata.items())):
            raise bad_value("metadata", "'metadata' holds at most 16 texts: names up to 64 letters, values up to 512.")
        file = self.files.get(file_id if isinstance(file_id, str) else "")
        if file.purpose != "batch":
            raise bad_value("input_file_id", f"The file {file.id} was not uploaded with the purpose 'batch'.")
        with self._lock:
            number = len(self._batches) + 1
            id, fault = f"batch_{number:06d}", self.befall(file.content, number)
            self._batches[id] = Batch(id, str(endpoint), file.id, dict(metadata), int(time.time()), fault)
            return self._batches[id].card()

    def retrieve(self, id: str) -> Json:
        """Say how a batch stands, after moving it one step; raises `ApiError` (404)."""
        with self._lock:
            batch = self._get(id)
            self._step(batch)
            return batch.card()

    def cancel(self, id: str) -> Json:
        """Cancel a batch that is not over; raises `ApiError`."""
        with self._lock:
            batch = self._get(id)
            if batch.status in _OVER:
                raise ApiError(409, f"Cannot cancel a batch with status '{batch.status}'.")
            batch.enter("cancelling")
            return batch.card()

    def newest_first(self) -> list[dict[str, Json]]:
        """All batches as they stand; none of them moves."""
        with self._lock:
            return [batch.card() for batch in reversed(self._batches.values())]

    def _get(self, id: str) -> Batch:
        if id not in self._batches:
            raise unknown("batch", id)
        return self._batches[id]

    def _step(self, batch: Batch) -> None:
        done = len(batch.good) + len(batch.bad)
        half = (len(batch.requests) + 1) // 2
        if batch.status == "validating":
            self._validate(batch)
        elif batch.status == "in_progress" and done < half:
            self._work_on(batch, half)
        elif batch.status == "in_progress" and batch.fault == "batch-cancelled":
            batch.enter("cancelling")
        elif batch.status == "in_progress":
            if batch.fault != "batch-expired":
                self._work_on(batch, len(batch.requests))
            batch.enter("finalizing")
        elif batch.status == "finalizing":
            self._end(batch, "expired" if batch.fault == "batch-expired" else "completed")
        elif batch.status == "cancelling":
            self._end(batch, "cancelled")

    def _validate(self, batch: Batch) -> None:
        batch.requests, batch.faults = read_requests(self.files.get(batch.input_file_id).content, batch.endpoint)
        if batch.fault == "batch-failed":
            batch.faults.append(BatchFault("token_limit_exceeded", "The enqueued token limit is reached; try later."))
        if batch.faults:
            batch.requests = []
        batch.enter("failed" if batch.faults else "in_progress")

    def _work_on(self, batch: Batch, until: int) -> None:
        for place in range(len(batch.good) + len(batch.bad), until):
            request, id = batch.requests[place], f"{batch.id}_{place:05d}"
            if batch.fault == "batch-errors-only" or (batch.fault == "batch-partial" and place % 3 == 2):
                status, body = 500, ApiError(500, "The server had an error processing this request.").body()
            else:
                status, body = self.work(batch.endpoint, request.body)
            (batch.good if status == 200 else batch.bad).append(result_line(id, request.custom_id, status, body))

    def _end(self, batch: Batch, status: str) -> None:
        """Write the files and enter the last state."""
        for place in range(len(batch.good) + len(batch.bad), len(batch.requests)):
            line = unworked_line(f"{batch.id}_{place:05d}", batch.requests[place].custom_id, *_NOT_WORKED[status])
            batch.bad.append(line)
        shuffled = random.Random(batch.id)
        for name, lines in (("output", batch.good), ("error", batch.bad)):
            if lines:
                mixed = shuffled.sample(lines, len(lines))
                file = self.files.add(f"{batch.id}_{name}.jsonl", "batch_output", as_file(mixed), 30 * DAY_SECONDS)
                batch.files[f"{name}_file_id"] = file.id
        batch.enter(status)


def _fits(pair: tuple[str, Json]) -> bool:
    name, value = pair
    return len(name) <= 64 and isinstance(value, str) and len(value) <= 512


def _usage(lines: list[dict[str, Json]]) -> dict[str, Json]:
    """The sum over a batch's answers, in the names that a batch has for it."""
    tokens = {"prompt_tokens": 0, "completion_tokens": 0}
    for line in lines:
        response = line["response"]
        body = response.get("body") if isinstance(response, dict) else None
        usage = body.get("usage") if isinstance(body, dict) else None
        for name in tokens:
            value = usage.get(name) if isinstance(usage, dict) else None
            tokens[name] += value if isinstance(value, int) else 0
    return {
        "input_tokens": tokens["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": tokens["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sum(tokens.values()),
    }
