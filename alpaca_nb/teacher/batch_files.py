"""The files of the Batch API: the lines that are uploaded, and what the lines that come back mean.

A line comes back for each request that was worked on, in any order, in the output file (answered) or in the error file
(refused, expired, cancelled). Source: OpenAI's Batch API guide, and `types/batch.py` of openai 3.54.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from alpaca_nb.files import Json
from alpaca_nb.teacher.client import BUSY, Failure, Reply, scrub
from alpaca_nb.teacher.refusals import explain, is_final

MOST_REQUESTS, MOST_BYTES = 50_000, 190_000_000  # OpenAI takes 200 MB; some room is left
_NAME = "request-"


def input_line(index: int, path: str, body: Mapping[str, Json]) -> bytes:
    """One request as a line of the input file."""
    line = {"custom_id": f"{_NAME}{index}", "method": "POST", "url": path, "body": dict(body)}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


@dataclass
class Results:
    """What a batch's files say about its requests; a request in neither has no line."""

    replies: dict[int, Reply] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.replies) + len(self.failures)


def read_results(content: bytes, wanted: set[int], results: Results) -> None:
    """Add the lines of a file to `results`; lines that are damaged, foreign or come twice are passed over."""
    for line in content.split(b"\n"):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        index = _index(value.get("custom_id")) if isinstance(value, dict) else None
        if index not in wanted or index in results.replies or index in results.failures or index is None:
            continue
        found = _result(value)
        if isinstance(found, Reply):
            results.replies[index] = found
        else:
            results.failures[index] = found


def _index(custom_id: object) -> int | None:
    number = custom_id.removeprefix(_NAME) if isinstance(custom_id, str) else ""
    return int(number) if number.isdigit() else None


def _result(line: dict[str, Json]) -> Reply | Failure:
    response = line.get("response")
    if not isinstance(response, dict):
        error = line.get("error")
        words = error if isinstance(error, dict) else {}
        return Failure(f"{words.get('code')}: {words.get('message')}", final=False, maybe_billed=False)
    status, body = response.get("status_code"), response.get("body")
    if status == 200:
        return Reply(json.dumps(body, ensure_ascii=False).encode(), str(response.get("request_id") or ""))
    status = status if isinstance(status, int) else 500
    error_body = body.get("error") if isinstance(body, dict) else None
    said = {name: str(value or "") for name, value in error_body.items()} if isinstance(error_body, dict) else {}
    code, kind, message = said.get("code", ""), said.get("type", ""), scrub(said.get("message", ""))[:500]
    if is_final(status, code, kind, {}):
        return Failure(explain(status, code, kind, message), final=True, maybe_billed=False)
    return Failure(f"HTTP {status}: {message}", False, False, cause="busy" if status in BUSY else "server_error")
