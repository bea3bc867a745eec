"""The lines of a batch: an input file checked as OpenAI checks it, and the lines of its output and error files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from alpaca_nb.files import Json

MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000


@dataclass(frozen=True)
class BatchRequest:
    """One line of an input file."""

    custom_id: str
    body: dict[str, Json]


@dataclass(frozen=True)
class BatchFault:
    """Why a batch failed before it began; `line` counts from 1."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None

    def card(self) -> dict[str, Json]:
        """As it stands in the batch's `errors`."""
        return {"code": self.code, "message": self.message, "line": self.line, "param": self.param}


def read_requests(content: bytes, endpoint: str) -> tuple[list[BatchRequest], list[BatchFault]]:
    """Read an input file; where there are faults, the batch fails and nothing of it is worked on."""
    lines = [line for line in content.split(b"\n") if line.strip()]
    if not lines:
        return [], [BatchFault("empty_file", "The input file is empty.")]
    if len(lines) > MOST_REQUESTS or len(content) > MOST_BYTES:
        return [], [
            BatchFault("too_many_tasks", f"A batch has at most {MOST_REQUESTS} requests in {MOST_BYTES} bytes.")
        ]
    requests: list[BatchRequest] = []
    faults: list[BatchFault] = []
    seen: set[str] = set()
    model: Json = None
    for number, line in enumerate(lines, start=1):
        read = _read_line(line, number, endpoint, seen)
        if isinstance(read, BatchFault):
            faults.append(read)
            continue
        model = read.body.get("model") if number == 1 else model
        if read.body.get("model") != model:
            faults.append(
                BatchFault("mismatched_model", "All requests of a batch name one model.", number, "body.model")
            )
        seen.add(read.custom_id)
        requests.append(read)
    return requests, faults


def _read_line(line: bytes, number: int, endpoint: str, seen: set[str]) -> BatchRequest | BatchFault:
    try:
        value = json.loads(line)
    except ValueError:
        return BatchFault("invalid_json_line", "This line is not parseable as valid JSON.", number)
    value = value if isinstance(value, dict) else {}
    custom_id, body = value.get("custom_id"), value.get("body")
    if not isinstance(custom_id, str) or not custom_id:
        return BatchFault("missing_required_parameter", "Missing required parameter: 'custom_id'.", number, "custom_id")
    if custom_id in seen:
        return BatchFault("duplicate_custom_id", f"The custom_id '{custom_id}' comes twice.", number, "custom_id")
    if value.get("method") != "POST":
        return BatchFault("invalid_method", "The method must be POST.", number, "method")
    if value.get("url") != endpoint:
        return BatchFault("invalid_url", f"The url must be the batch's endpoint, {endpoint}.", number, "url")
    if not isinstance(body, dict):
        return BatchFault("missing_required_parameter", "Missing required parameter: 'body'.", number, "body")
    return BatchRequest(custom_id, body)


def result_line(id: str, custom_id: str, status: int, body: Json) -> dict[str, Json]:
    """One line of an output file (status 200) or of an error file."""
    response: Json = {"status_code": status, "request_id": f"req_{id}", "body": body}
    return {"id": f"batch_req_{id}", "custom_id": custom_id, "response": response, "error": None}


def unworked_line(id: str, custom_id: str, code: str, message: str) -> dict[str, Json]:
    """One line of an error file for a request that was never worked on."""
    error: Json = {"code": code, "message": message}
    return {"id": f"batch_req_{id}", "custom_id": custom_id, "response": None, "error": error}


def as_file(lines: Sequence[dict[str, Json]]) -> bytes:
    """The bytes of an output or error file."""
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
