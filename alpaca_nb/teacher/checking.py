"""Is a teacher ready to be asked? One answer a question: key, endpoint, model, shutdown date, price. It costs nothing.

Only the list of models is asked for (`GET /models`, which no endpoint charges for), and only at an address that the
user has named. Without an address the tables of the kit answer, and nothing is sent.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import date

from alpaca_nb.errors import KitError
from alpaca_nb.prices import OFFLINE_MODEL, age, given_price, is_loopback, price_of
from alpaca_nb.teacher.capabilities import SOON_DAYS, SUCCESSOR, capabilities_of, is_openai
from alpaca_nb.teacher.client import Failure, check_key, guarded, open_client
from alpaca_nb.teacher.settings import KEY_VARIABLE, check_address

Answer = tuple[str, str]  # "ok", "warn" or "fail", and words
TIMEOUT_SECONDS = 20.0
_OLD_PRICE_DAYS = 120
_MODELS_NAMED = 8  # of those that an endpoint has, where the one asked for is not among them


def teacher_answers(base_url: str, model: str, price_text: str, today: date) -> Iterator[Answer]:
    """Ask every question in turn; no key is ever part of an answer."""
    try:
        check_address(base_url)
    except KitError as error:
        yield "fail", str(error)
        return
    yield _key(base_url)
    found: dict[str, str] | None = None
    if base_url:
        try:
            found, answer = asyncio.run(_models_at(base_url))
        except KitError as error:
            answer = ("fail", str(error))
        yield answer
    if model and model != OFFLINE_MODEL:
        yield from _model(base_url, model, found)
        yield _shutdown(base_url, model, found, today)
        yield _price(base_url, model, price_text, today)


def _key(base_url: str) -> Answer:
    if base_url:
        try:
            check_key(base_url)
        except KitError as error:
            return "fail", str(error)
    if os.environ.get(KEY_VARIABLE, "").strip():
        return "ok", f"{KEY_VARIABLE} is set (never shown, never stored)"
    return "ok", f"{KEY_VARIABLE} is not set (smoke and tiny need none; a recipe with OpenAI as teacher does)"


async def _models_at(base_url: str) -> tuple[dict[str, str] | None, Answer]:
    """The models of an endpoint with their shutdown dates, and whether it answered; None where it has no list."""
    async with open_client(base_url, TIMEOUT_SECONDS) as client:

        async def listed() -> dict[str, str]:
            models = [model async for model in client.models.list()]
            return {model.id: str(getattr(model, "shutdown_date", None) or "") for model in models}

        try:
            outcome = await guarded(client, listed, TIMEOUT_SECONDS)
        except AttributeError:  # the client takes a page of HTML for text, and its lists then fail like this
            return None, ("fail", f"{base_url} answers with a page that is no JSON (is the address right?)")
    if not isinstance(outcome, Failure):
        return outcome, ("ok", f"{base_url} answers and lists {len(outcome)} models")
    if "HTTP 404" in outcome.message:
        return None, ("warn", f"{base_url} answers, but has no list of models (is the address right? most end in /v1)")
    cure = " (is the address right, the server started, the network there, a proxy to be set?)"
    return None, ("fail", outcome.message + (cure if outcome.cause == "connection" else ""))


def _model(base_url: str, model: str, found: dict[str, str] | None) -> Iterator[Answer]:
    if found is not None and model not in found:
        some = ", ".join(sorted(found)[:_MODELS_NAMED]) or "none"
        yield "fail", f"{base_url} has no model {model!r}; it has {some}{' …' if len(found) > _MODELS_NAMED else ''}"
    elif found is not None:
        yield "ok", f"{base_url} has the model {model}"
    accepts = capabilities_of(model, base_url)
    if not accepts.known:
        yield (
            "warn",
            f"{model}: no row for its family, so its first request is sent alone, in the form most servers take",
        )
        return
    effort = f", reasoning_effort {accepts.reasoning_effort}" if accepts.reasoning_effort else ""
    context = f", context {accepts.context_tokens:,} tokens" if accepts.context_tokens else ""
    yield "ok", f"{model}: sent {accepts.limit_name}{effort}{context}"


def _shutdown(base_url: str, model: str, found: dict[str, str] | None, today: date) -> Answer:
    """The date that the endpoint itself names, else that of the kit's table where it holds."""
    announced = (found or {}).get(model, "")
    if not announced and (is_openai(base_url) or not base_url):
        announced = capabilities_of(model, base_url).shutdown
    try:
        days = (date.fromisoformat(announced) - today).days
    except ValueError:
        return "ok", f"{model}: no shutdown is announced"
    if days < 0:
        return "fail", f"{model} was shut down on {announced}; OpenAI's replacement for its small models is {SUCCESSOR}"
    return "warn" if days <= SOON_DAYS else "ok", f"{model} is to be shut down on {announced}, in {days} days"


def _price(base_url: str, model: str, price_text: str, today: date) -> Answer:
    try:
        price = given_price(model, price_text) if price_text else price_of(model, base_url=base_url)
    except KitError as error:
        return "fail", str(error)
    dollars = f"${price.usd_per_million_input:g} in and ${price.usd_per_million_output:g} out per million tokens"
    if not price.as_of[:1].isdigit() or is_loopback(base_url):
        return "ok", f"price: {dollars} ({price.source})"
    old = (today - date.fromisoformat(price.as_of)).days > _OLD_PRICE_DAYS
    words = f"price: {dollars}, from {price.as_of} ({', '.join(filter(None, (age(price.as_of, today), price.source)))})"
    return ("warn", f"{words}; look whether it still holds") if old else ("ok", words)
