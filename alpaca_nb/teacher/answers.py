"""Reading the bytes of a completion. Whatever they are, something comes out: an answer, or a fault with a name."""

import json
from dataclasses import dataclass

from alpaca_nb.records import Usage

TIERS = ("", "auto", "default", "standard", "flex")  # that an answer may name; the price of others is not known


@dataclass(frozen=True)
class TeacherAnswer:
    """One request's answer. Where `fault` is not empty, `text` is the body as received and nobody should parse it."""

    request_index: int
    text: str
    finish_reason: str  # "stop", "length", …; empty where the endpoint gave none
    model: str  # as the endpoint named it
    usage: Usage | None  # None: the endpoint did not say
    fault: str = ""
    service_tier: str = ""  # in which the endpoint says it worked, where it does


def read_answer(request_index: int, body: bytes, stop: tuple[str, ...] = ()) -> TeacherAnswer:
    """Read a response body. Never raises.

    Faults are `unreadable_answer`, `error_instead` (a refusal that was sent as a success), `no_choices` and
    `empty_answer`.
    The text ends before the first of `stop`, whether or not the endpoint knew it.
    """
    raw = body.decode("utf-8", "replace")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return TeacherAnswer(request_index, raw, "", "", None, "unreadable_answer")
    top = value if isinstance(value, dict) else {}
    usage, model, tier = _usage(top.get("usage")), _text(top.get("model")), _text(top.get("service_tier"))
    choices = top.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None
    if first is None:
        fault = "error_instead" if top.get("error") else "no_choices"
        return TeacherAnswer(request_index, raw, "", model, usage, fault, tier)
    message = first.get("message")
    text = _text(message.get("content") if isinstance(message, dict) else first.get("text"))
    text, finish_reason = cut_at_stop(text, _text(first.get("finish_reason")), stop)
    if not text.strip():
        return TeacherAnswer(request_index, raw, finish_reason, model, usage, "empty_answer", tier)
    return TeacherAnswer(request_index, text, finish_reason, model, usage, "", tier)


def cut_at_stop(text: str, finish_reason: str, stop: tuple[str, ...]) -> tuple[str, str]:
    """End a text before the first stop string: families that know no `stop` run on, and some servers leave it in."""
    places = [place for each in stop if (place := text.find(each)) >= 0]
    return (text[: min(places)], "stop") if places else (text, finish_reason)


def _text(value: object) -> str:
    """A string as it can be written to a file: half of a surrogate pair, legal in JSON, becomes a question mark."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    prompt, completion = _count(value, "prompt_tokens"), _count(value, "completion_tokens")
    if prompt is None or completion is None:
        return None
    of_prompt, of_completion = value.get("prompt_tokens_details"), value.get("completion_tokens_details")
    cached, written = _count(of_prompt, "cached_tokens") or 0, _count(of_prompt, "cache_write_tokens") or 0
    if cached + written > prompt:
        cached = written = 0  # parts larger than the whole: the whole is charged at the full price
    return Usage(prompt, completion, cached, written, min(_count(of_completion, "reasoning_tokens") or 0, completion))


def _count(value: object, name: str) -> int | None:
    """A number of tokens; None where there is none, or none that can be one."""
    number = value.get(name) if isinstance(value, dict) else None
    return number if type(number) is int and number >= 0 else None
