"""What can go wrong with a teacher, by name: what each fault sends instead of a good answer, and whether it is billed.

Refusals come before any work. The others strike after it, so a provider may charge for them: an answer with something
wrong in it, other bytes than an answer, or bytes that do not arrive as they should (`wire.py`). A batch has its own.
Sources: the errors and headers that `openai` 3.54 tells apart; OpenAI's guides to rate limits, flex and batch.
"""

import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import Literal

from alpaca_nb.files import Json
from alpaca_nb.offline_teacher.refusals import ApiError
from alpaca_nb.offline_teacher.tokens import count_tokens

Kind = Literal["refusal", "answer", "bytes", "wire", "batch"]
HIDDEN_TOKENS = 1000  # of the fault `reasoning-tokens`


@dataclass(frozen=True)
class Fault:
    """One fault; `seconds` is how long it takes or asks to wait, where no script says otherwise."""

    name: str
    kind: Kind
    says: str
    seconds: float = 0.0

    @property
    def is_billed(self) -> bool:
        """Whether the work was done before the fault struck."""
        return self.kind not in ("refusal", "batch") and self.name != "reset"

    @property
    def lies_about_usage(self) -> bool:
        """Whether the answer's token counts are not what was used."""
        return self.name.startswith("usage-")


_ALL = (
    Fault("rate-limit", "refusal", "429 without a word on when to come back"),
    Fault("retry-after-seconds", "refusal", "429, Retry-After in seconds", 1.0),
    Fault("retry-after-ms", "refusal", "429, retry-after-ms", 0.25),
    Fault("retry-after-date", "refusal", "429, Retry-After as an HTTP date", 1.0),
    Fault("retry-after-too-long", "refusal", "429, to come back in an hour", 3600.0),
    Fault("should-retry", "refusal", "400 with x-should-retry: true"),
    Fault("should-not-retry", "refusal", "503 with x-should-retry: false"),
    Fault("500", "refusal", "an error of the server"),
    Fault("503", "refusal", "the server is overloaded"),
    Fault("flex-unavailable", "refusal", "429, no room at the flex tier"),
    Fault("quota", "refusal", "429, the account has no money left"),
    Fault("bad-key", "refusal", "401, and the message repeats the key"),
    Fault("null-choices", "answer", "an answer whose choices are null"),
    Fault("usage-missing", "answer", "an answer that does not say what it used"),
    Fault("usage-wrong", "answer", "token counts that are no counts"),
    Fault("usage-huge", "answer", "token counts beyond what was allowed"),
    Fault("reasoning-tokens", "answer", "hidden tokens, billed as output"),
    Fault("length-stop", "answer", "an answer that ends at the token limit, half-way"),
    Fault("bad-json", "bytes", "half of the JSON"),
    Fault("html", "bytes", "a page of HTML with status 200"),
    Fault("empty-body", "bytes", "status 200 and nothing"),
    Fault("hang", "wire", "no answer at all", 600.0),
    Fault("drip", "wire", "one byte at a time", 0.2),
    Fault("cut-body", "wire", "the connection ends within the body"),
    Fault("reset", "wire", "the connection is reset before any work"),
    Fault("batch-failed", "batch", "the batch fails before it begins"),
    Fault("batch-expired", "batch", "half is done when the time is over"),
    Fault("batch-cancelled", "batch", "somebody else cancels it half-way"),
    Fault("batch-partial", "batch", "every third request of it fails"),
    Fault("batch-errors-only", "batch", "all of it fails: there is no output file"),
)
FAULTS: dict[str, Fault] = {fault.name: fault for fault in _ALL}


def refusal(name: str, seconds: float, key: str) -> ApiError:
    """What the fault `name` (kind "refusal") says; `key` is the caller's, which some endpoints repeat in a 401."""
    if name == "bad-key":
        return ApiError(401, f"Incorrect API key provided: {key}.", code="invalid_api_key")
    if name == "quota":
        return ApiError(429, "You exceeded your current quota.", "insufficient_quota", code="insufficient_quota")
    if name == "flex-unavailable":
        return ApiError(429, "Resource unavailable at the flex tier.", "requests", code="resource_unavailable")
    if name == "should-retry":
        return ApiError(400, "Try that again.", headers={"x-should-retry": "true"})
    if name == "should-not-retry":
        return ApiError(503, "Do not try that again.", "server_error", headers={"x-should-retry": "false"})
    if name in ("500", "503"):
        return ApiError(int(name), "The server had an error or is overloaded.", "server_error")
    forms = {
        "retry-after-seconds": ("Retry-After", f"{seconds:g}"),
        "retry-after-too-long": ("Retry-After", f"{seconds:g}"),
        "retry-after-ms": ("retry-after-ms", f"{1000 * seconds:g}"),
        "retry-after-date": ("Retry-After", formatdate(time.time() + seconds, usegmt=True)),
    }
    headers = dict([forms[name]]) if name in forms else {}
    return ApiError(429, "Rate limit reached.", "requests", code="rate_limit_exceeded", headers=headers)


def spoil_answer(name: str, body: dict[str, Json], max_tokens: int) -> dict[str, Json]:
    """A good answer's body with the fault `name` (kind "answer") in it."""
    usage = body["usage"]
    assert isinstance(usage, dict)
    if name == "null-choices":
        return {**body, "choices": None}
    if name == "usage-missing":
        return {**body, "usage": None}
    if name == "usage-wrong":
        return {**body, "usage": {"prompt_tokens": -3, "completion_tokens": "many", "total_tokens": None}}
    if name == "usage-huge":
        return {**body, "usage": {**usage, "completion_tokens": 1000 * max_tokens}}
    return {**body, **(_half(body, usage) if name == "length-stop" else {"usage": _with_hidden(usage, max_tokens)})}


def spoil_bytes(name: str, body: bytes) -> tuple[bytes, str]:
    """Other bytes than an answer (kind "bytes"), and their content type."""
    if name == "html":
        return b"<html><body><h1>It works!</h1></body></html>", "text/html"
    return (body[: len(body) // 2] if name == "bad-json" else b""), "application/json"


def _with_hidden(usage: dict[str, Json], max_tokens: int) -> dict[str, Json]:
    visible = usage["completion_tokens"]
    assert isinstance(visible, int)
    hidden = max(0, min(HIDDEN_TOKENS, max_tokens - visible))
    return _counted(usage, visible + hidden, hidden)


def _half(body: dict[str, Json], usage: dict[str, Json]) -> dict[str, Json]:
    choices = body["choices"]
    assert isinstance(choices, list)
    cut: list[Json] = []
    tokens = 0
    for choice in choices:
        assert isinstance(choice, dict)
        message = choice.get("message")
        text = str(message["content"] if isinstance(message, dict) else choice["text"])
        text = text[: len(text) // 2]
        tokens += count_tokens(text)
        content = {"message": {**message, "content": text}} if isinstance(message, dict) else {"text": text}
        cut.append({**choice, **content, "finish_reason": "length"})
    return {"choices": cut, "usage": _counted(usage, tokens, 0)}


def _counted(usage: dict[str, Json], completion_tokens: int, hidden: int) -> dict[str, Json]:
    prompt_tokens = usage["prompt_tokens"]
    assert isinstance(prompt_tokens, int)
    return {
        **usage,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "completion_tokens_details": {"reasoning_tokens": hidden},
    }
