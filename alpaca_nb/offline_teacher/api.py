"""The OpenAI API as the offline teacher speaks it: from a request's path and body to a status and a JSON body.

Nothing here knows about sockets. Error bodies have OpenAI's form `{"error": {message, type, param, code}}`, so that
the `openai` package raises the same exceptions as with a paid endpoint. The key "sk-bad" is refused, all others pass.
"""

import hashlib
import json
import re
import time
from dataclasses import dataclass

from alpaca_nb.files import Json
from alpaca_nb.offline_teacher import MODEL
from alpaca_nb.offline_teacher.writer import write_answer
from alpaca_nb.records import FinishReason

BAD_KEY = "sk-bad"
CHAT_PATH = "/v1/chat/completions"
MODELS_PATH = "/v1/models"
HEALTH_PATH = "/health"
DEFAULT_COMPLETION_TOKENS = 4096
STARTED = int(time.time())
_TOKEN = re.compile(r"\s?[^\W_]{1,6}|\s?[^\w\s]|\s?_|\s+")


@dataclass(eq=False)
class ApiError(Exception):
    """A refusal: HTTP status, message and OpenAI's machine-readable fields."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None

    def body(self) -> Json:
        """The JSON body of this refusal."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


@dataclass(frozen=True)
class ChatRequest:
    """The parts of a chat request that matter here, checked."""

    model: str
    prompt: str  # the last user message
    conversation: str  # every message, as JSON: what the answer's id and the prompt's token count follow from
    max_tokens: int
    stops: tuple[str, ...]


def respond(method: str, path: str, key: str, body: bytes, seed: int) -> Json:
    """Return the body of a successful response; raises `ApiError` for every refusal."""
    path = path.partition("?")[0].rstrip("/")
    if path == HEALTH_PATH:
        _allow(method, "GET", path)
        return {"status": "ok", "model": MODEL}
    if key == BAD_KEY:
        raise ApiError(401, "Incorrect API key provided: it is the one this server refuses.", code="invalid_api_key")
    if path == CHAT_PATH:
        _allow(method, "POST", path)
        return complete(read_chat_request(body), seed)
    if path == MODELS_PATH:
        _allow(method, "GET", path)
        return {"object": "list", "data": [_model_card()]}
    if path.startswith(f"{MODELS_PATH}/"):
        _allow(method, "GET", path)
        _check_model(path.removeprefix(f"{MODELS_PATH}/"))
        return _model_card()
    raise ApiError(404, f"Invalid URL ({method} {path})", code="unknown_url")


def read_chat_request(body: bytes) -> ChatRequest:
    """Check the JSON body of a chat request; raises `ApiError` naming the parameter that is wrong."""
    try:
        value = json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ApiError(400, "We could not parse the JSON body of your request.") from None
    if not isinstance(value, dict):
        raise ApiError(400, "The body must be a JSON object.")
    model = value.get("model")
    if not isinstance(model, str) or not model:
        raise ApiError(400, "You must provide a model parameter.", param="model")
    _check_model(model)
    messages = value.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, "'messages' must be a list with at least one message.", param="messages")
    if value.get("stream"):
        raise ApiError(400, "This server does not stream.", param="stream", code="unsupported_value")
    if value.get("n") not in (None, 1):
        raise ApiError(400, "This server gives one choice: 'n' must be 1.", param="n", code="unsupported_value")
    texts = [_message(message, place) for place, message in enumerate(messages)]
    prompts = [text for role, text in texts if role == "user"] or [texts[-1][1]]
    return ChatRequest(model, prompts[-1], json.dumps(texts), _token_limit(value), _stops(value.get("stop")))


def complete(request: ChatRequest, seed: int) -> Json:
    """The body of a chat completion. All but `created` is the same for the same request and seed."""
    text, finish_reason = write_answer(request.prompt, request.model, seed)
    text, finish_reason = cut(text, finish_reason, request.max_tokens, request.stops)
    prompt_tokens, completion_tokens = count_tokens(request.prompt), count_tokens(text)
    digest = hashlib.sha256(f"{seed}:{request.model}:{request.conversation}".encode()).hexdigest()
    return {
        "id": f"chatcmpl-{digest[:24]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.model,
        "system_fingerprint": f"offline-seed-{seed}",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def count_tokens(text: str) -> int:
    """About as many tokens as a byte-pair vocabulary would need: word pieces of up to six letters, marks one by one."""
    return sum(1 for _ in _TOKEN.finditer(text))


def cut(text: str, finish_reason: FinishReason, max_tokens: int, stops: tuple[str, ...]) -> tuple[str, FinishReason]:
    """End a text as an endpoint would: before the first stop string, or at the token limit, whichever comes first."""
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    if places:
        text, finish_reason = text[: min(places)], "stop"
    for number, token in enumerate(_TOKEN.finditer(text)):
        if number == max_tokens:
            return text[: token.start()], "length"
    return text, finish_reason


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
    raise ApiError(400, f"'{param}' must have a role and a text content.", param=param)


def _token_limit(value: dict[str, Json]) -> int:
    for name in ("max_completion_tokens", "max_tokens"):
        limit = value.get(name)
        if limit is None:
            continue
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ApiError(400, f"'{name}' must be a whole number from 1 on.", param=name)
        return limit
    return DEFAULT_COMPLETION_TOKENS


def _stops(stop: Json) -> tuple[str, ...]:
    stops = [stop] if isinstance(stop, str) else stop or []
    if not isinstance(stops, list) or len(stops) > 4:
        raise ApiError(400, "'stop' must be a string or a list of up to four strings.", param="stop")
    texts = tuple(text for text in stops if isinstance(text, str) and text)
    if len(texts) < len(stops):
        raise ApiError(400, "'stop' must hold nothing but strings that are not empty.", param="stop")
    return texts


def _check_model(model: str) -> None:
    if model != MODEL:
        message = f"The model '{model}' does not exist; this server has only '{MODEL}'."
        raise ApiError(404, message, param="model", code="model_not_found")


def _model_card() -> dict[str, Json]:
    return {"id": MODEL, "object": "model", "created": STARTED, "owned_by": "alpaca-nb"}


def _allow(method: str, allowed: str, path: str) -> None:
    if method != allowed:
        raise ApiError(405, f"{method} is not allowed for {path}; use {allowed}.", code="method_not_allowed")
