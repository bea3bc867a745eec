"""A request for text, checked: what the chat endpoint and the legacy completions endpoint have in common."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from alpaca_nb.files import Json
from alpaca_nb.offline_teacher.model_list import check_parameters, reasoning_tokens, served_model
from alpaca_nb.offline_teacher.refusals import ApiError, bad_value, unsupported

CHAT_TOKENS, LEGACY_TOKENS = 4096, 16  # the limits that hold where a request names none; 16 is OpenAI's own
MOST_PROMPTS = 20  # in one legacy request


@dataclass(frozen=True)
class Asked:
    """The parts of a request that matter here. One prompt for a chat, one or more for a legacy completion."""

    model: str
    prompts: tuple[str, ...]  # for a chat, its last user message
    conversation: str  # all of it, as JSON: the answer's id follows from it
    max_tokens: int
    stops: tuple[str, ...]
    is_chat: bool
    reasoning_tokens: int = 0


def json_object(body: bytes) -> dict[str, Json]:
    """Parse a body; raises `ApiError` where it is no JSON object."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(value, dict):
        raise ApiError(400, "The body must be a JSON object.")
    return value


def read_chat(body: dict[str, Json]) -> Asked:
    """Check a chat request; raises `ApiError` naming the parameter that is wrong."""
    model = _checked_model(body)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise bad_value("messages", "'messages' must be a list with at least one message.")
    texts = [_message(message, place) for place, message in enumerate(messages)]
    prompts = [text for role, text in texts if role == "user"] or [texts[-1][1]]
    limit = _token_limit(body, ("max_completion_tokens", "max_tokens"), CHAT_TOKENS)
    hidden = reasoning_tokens(served_model(model), body)
    return Asked(model, (prompts[-1],), json.dumps(texts), limit, _stops(body.get("stop")), True, hidden)


def read_legacy(body: dict[str, Json]) -> Asked:
    """Check a request for legacy completions; raises `ApiError` naming the parameter that is wrong."""
    model = _checked_model(body)
    prompt = body.get("prompt")
    prompts = [prompt] if isinstance(prompt, str) else prompt
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= MOST_PROMPTS:
        raise bad_value("prompt", f"'prompt' must be a string or a list of 1 to {MOST_PROMPTS} strings.")
    texts = tuple(text for text in prompts if isinstance(text, str))
    if len(texts) < len(prompts):
        raise bad_value("prompt", "'prompt' must hold nothing but strings: this server reads no token ids.")
    limit = _token_limit(body, ("max_tokens",), LEGACY_TOKENS)
    return Asked(model, texts, json.dumps(texts), limit, _stops(body.get("stop")), False)


def _checked_model(body: dict[str, Json]) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise bad_value("model", "You must provide a model parameter.")
    check_parameters(served_model(model), body)
    if body.get("stream"):
        raise unsupported("stream", "This server does not stream.")
    if body.get("n") not in (None, 1):
        raise unsupported("n", "This server gives one choice: 'n' must be 1.")
    return model


def _message(message: Json, place: int) -> tuple[str, str]:
    """Role and text of one message; the text may come in parts."""
    if isinstance(message, dict):
        role, content = message.get("role"), message.get("content")
        if isinstance(content, list):
            parts = [part.get("text") if isinstance(part, dict) else None for part in content]
            content = "".join(part for part in parts if isinstance(part, str))
        if isinstance(role, str) and isinstance(content, str):
            return role, content
    param = f"messages[{place}]"
    raise bad_value(param, f"'{param}' must have a role and a text content.")


def _token_limit(body: dict[str, Json], names: Sequence[str], default: int) -> int:
    for name in names:
        limit = body.get(name)
        if limit is None:
            continue
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise bad_value(name, f"'{name}' must be a whole number from 1 on.")
        return limit
    return default


def _stops(stop: Json) -> tuple[str, ...]:
    stops = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(stops, list) or len(stops) > 4:
        raise bad_value("stop", "'stop' must be a string or a list of up to four strings.")
    texts = tuple(text for text in stops if isinstance(text, str) and text)
    if len(texts) < len(stops):
        raise bad_value("stop", "'stop' must hold nothing but strings that are not empty.")
    return texts
