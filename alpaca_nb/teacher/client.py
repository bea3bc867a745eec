"""One request over HTTP through the `openai` package, and what became of it.

The package's own retries are switched off: they buy an answer again after a cut body, and nobody would know. `send`
therefore never raises for what the network or the endpoint does; it returns the bytes of an answer, or a `Failure`
that says whether to try again and whether the attempt may have cost money. The key is read from the environment in
one expression and is scrubbed from every message.
"""

import asyncio
import email.utils
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import httpx2
from openai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    DefaultAsyncHttpxClient,
    OpenAIError,
)

from alpaca_nb.errors import TeacherError
from alpaca_nb.files import Json
from alpaca_nb.prices import is_loopback
from alpaca_nb.teacher.refusals import explain, is_final
from alpaca_nb.teacher.settings import KEY_VARIABLE

BUSY = {429, 503, 529}  # ask more slowly: too many requests, or (503; 529 elsewhere than at OpenAI) overloaded
_OUT_OF_TIME = {504, 524}  # a gateway's word that the server behind it, which had the request, took too long
LONGEST_WAIT_SECONDS = 120.0  # an endpoint that asks for more is not waited for
_PLACEHOLDER_KEY = "none-needed"
_LOOKS_LIKE_A_KEY = re.compile(r"Bearer \S+|\bsk-[\w*.-]{4,}|\S*\*{3,}\S*")

_T = TypeVar("_T")
Cause = Literal["refused", "busy", "server_error", "timeout", "connection"]


@dataclass(frozen=True)
class Reply:
    """An answer whose whole body arrived: the raw bytes, unread."""

    body: bytes
    request_id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # from sending to the last byte


@dataclass(frozen=True)
class Failure:
    """An attempt without an answer. `wait_seconds` is what the endpoint asked for, if it did."""

    message: str
    final: bool  # trying again cannot help
    maybe_billed: bool  # the endpoint may have done the work
    wait_seconds: float | None = None
    cause: Cause = "refused"
    headers: Mapping[str, str] = field(default_factory=dict)


def check_key(base_url: str) -> None:
    """Raise `TeacherError` where the endpoint needs a key and the environment has none, or a malformed one."""
    if not base_url or is_loopback(base_url):
        return
    if not os.environ.get(KEY_VARIABLE, "").strip():
        raise TeacherError(
            f"the teacher at {base_url} needs a key, and the environment variable {KEY_VARIABLE} is not set. "
            f"Set it before starting Jupyter or the run (any word will do for a server that asks for none); "
            f"never write a key into a notebook or a recipe."
        )
    if not re.fullmatch(r"[!-~]+", os.environ[KEY_VARIABLE].strip()):
        raise TeacherError(f"{KEY_VARIABLE} holds a space, a line break or a letter beyond ASCII: copy the key again")


def open_client(base_url: str, timeout_seconds: float) -> AsyncOpenAI:
    """A client for one event loop; loopback endpoints get a placeholder key and are never sent through a proxy."""
    check_key(base_url)
    local = is_loopback(base_url)
    return AsyncOpenAI(
        api_key=_PLACEHOLDER_KEY if local else os.environ[KEY_VARIABLE].strip(),
        base_url=base_url,
        timeout=timeout_seconds,
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(trust_env=not local),
    )


async def send(client: AsyncOpenAI, body: Mapping[str, Json], timeout_seconds: float) -> Reply | Failure:
    """Send one request, to chat if `body` has messages; `timeout_seconds` bounds all of it, a dripping body too."""
    path = "/chat/completions" if "messages" in body else "/completions"
    begun = time.monotonic()

    async def call() -> Reply:
        # As the client's documentation has it for raw answers; `create` would look at every letter of the prompt first.
        raw = await client.post(path, cast_to=httpx2.Response, body=body)
        return Reply(raw.content, raw.headers.get("x-request-id", ""), raw.headers, time.monotonic() - begun)

    return await guarded(client, call, timeout_seconds)


async def guarded(client: AsyncOpenAI, call: Callable[[], Awaitable[_T]], timeout_seconds: float) -> _T | Failure:
    """Await one call of `client`; whatever the network or the endpoint does becomes a `Failure`."""
    try:
        async with asyncio.timeout(timeout_seconds):
            return await call()
    except (TimeoutError, APITimeoutError) as error:
        words, arrived = f"no complete answer within {timeout_seconds:g} s", not _never_arrived(error)
        return Failure(words, final=False, maybe_billed=arrived, cause="timeout")
    except APIStatusError as error:
        return _refusal(error)
    except APIConnectionError as error:
        words = scrub(str(error.__cause__ or error)) or type(error.__cause__).__name__
        words, arrived = f"connection to {client.base_url} failed: {words}", not _never_arrived(error)
        return Failure(words, final=False, maybe_billed=arrived, cause="connection")
    except (OpenAIError, ValueError) as error:
        return Failure(scrub(str(error)), final=True, maybe_billed=False)


def scrub(text: str) -> str:
    """Remove the key, and whatever looks like one or like a part of one, from a message."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if key:
        text = text.replace(key, "[key removed]")
    return _LOOKS_LIKE_A_KEY.sub("[key removed]", text)


def _never_arrived(error: Exception) -> bool:
    """Whether no connection came about, so that the endpoint cannot have worked for us."""
    return type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout")


def _words_of(error: APIStatusError) -> str:
    """The message; where the client found none, because the body is not of OpenAI's form, the body itself."""
    said = str(error.message)
    return said if said != f"Error code: {error.status_code}" else f"{said} {error.response.text.strip()}"


def _refusal(error: APIStatusError) -> Failure:
    """Sort an HTTP status ≥ 400: mend it yourself (final), or try again after a while."""
    status, words = error.status_code, scrub(_words_of(error))[:500]
    code, kind, headers = str(error.code or ""), str(error.type or ""), error.response.headers
    if is_final(status, code, kind, headers):
        return Failure(explain(status, code, kind, words), final=True, maybe_billed=False)
    wait = retry_after_seconds(headers, time.time())
    if wait is not None and wait > LONGEST_WAIT_SECONDS:
        message = f"the endpoint asks to wait {wait:.0f} s (HTTP {status}): run again after that"
        return Failure(message, final=True, maybe_billed=False)
    cause: Cause = "busy" if status in BUSY else "server_error"
    return Failure(f"HTTP {status}: {words}", False, status in _OUT_OF_TIME, wait, cause, headers)


def retry_after_seconds(headers: Mapping[str, str], now: float) -> float | None:
    """Read `retry-after-ms` or `Retry-After` (seconds or an HTTP date; `now` in Unix seconds); None if unreadable."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    try:
        moment = email.utils.parsedate_tz(headers.get("retry-after", ""))
        return None if moment is None else max(0.0, email.utils.mktime_tz(moment) - now)
    except (ValueError, OverflowError):  # a date that no calendar has
        return None
