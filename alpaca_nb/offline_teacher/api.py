"""The OpenAI API as the offline teacher speaks it: from a request's path and body to a response.

Nothing here knows about sockets. Error bodies have OpenAI's form, so that the `openai` package raises the same
exceptions as with a paid endpoint. The key "sk-bad" is refused, all others pass.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from alpaca_nb.files import Json
from alpaca_nb.offline_teacher import MODEL
from alpaca_nb.offline_teacher.asked import json_object
from alpaca_nb.offline_teacher.batches import Batches
from alpaca_nb.offline_teacher.model_list import SERVED, served_model
from alpaca_nb.offline_teacher.moderations import moderate
from alpaca_nb.offline_teacher.refusals import ApiError, bad_value
from alpaca_nb.offline_teacher.response import Response, json_response, refuse
from alpaca_nb.offline_teacher.stored_files import StoredFiles
from alpaca_nb.offline_teacher.text_endpoint import CHAT, LEGACY, TextEndpoint

BAD_KEY = "sk-bad"
MODERATIONS, MODELS, FILES, BATCHES = "/v1/moderations", "/v1/models", "/v1/files", "/v1/batches"
HEALTH, TALLY = "/health", "/tally"  # of this server's own


@dataclass(frozen=True)
class Request:
    """What arrived. `path` is without the query."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    content_type: str = ""
    body: bytes = b""


def request_from(method: str, target: str, authorization: str, content_type: str, body: bytes) -> Request:
    """Take a request's target and its headers apart."""
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return Request(
        method, parts.path.rstrip("/"), query, authorization.removeprefix("Bearer ").strip(), content_type, body
    )


class Teacher:
    """One server's mind: the text it writes, and the files and batches it holds."""

    def __init__(self, text: TextEndpoint) -> None:
        self.text = text
        self.files = StoredFiles()
        self.batches = Batches(self.files, self._work_in_batch, self._befall_batch)

    def respond(self, request: Request) -> Response:
        """Answer a request; every refusal, and every fault of this program, is an answer too."""
        try:
            found = self._find(request)
            return found if isinstance(found, Response) else json_response(found)
        except ApiError as error:
            return refuse(error)
        except Exception as error:
            return refuse(ApiError(500, f"The server failed: {type(error).__name__}: {error}", type="server_error"))

    def _find(self, request: Request) -> Json | Response:
        if request.path in (HEALTH, TALLY):
            _allow(request, "GET")
            return {"status": "ok", "model": MODEL} if request.path == HEALTH else self.text.tally.card()
        if request.key == BAD_KEY:
            message = "Incorrect API key provided: it is the one this server refuses."
            raise ApiError(401, message, code="invalid_api_key")
        if request.path in (CHAT, LEGACY):
            _allow(request, "POST")
            return self.text.answer(request.path, json_object(request.body), request.key)
        if request.path == MODERATIONS:
            _allow(request, "POST")
            return moderate(json_object(request.body))
        for root, answer in ((MODELS, self._models), (FILES, self._files), (BATCHES, self._batches)):
            if request.path == root or request.path.startswith(f"{root}/"):
                return answer(request, request.path[len(root) + 1 :])
        raise ApiError(404, f"Invalid URL ({request.method} {request.path})", code="unknown_url")

    def _work_in_batch(self, endpoint: str, body: dict[str, Json]) -> tuple[int, Json]:
        if endpoint != MODERATIONS:
            return self.text.answer_in_batch(endpoint, body)
        try:
            return 200, moderate(body)
        except ApiError as error:
            return error.status, error.body()

    def _befall_batch(self, content: bytes, number: int) -> str:
        """The name of the fault that meets a new batch, the `number`-th of this server, or nothing."""
        struck = self.text.plan.strike("", hashlib.sha256(content).hexdigest(), number, batch=True)
        return "" if struck is None else struck.fault.name

    def _models(self, request: Request, id: str) -> Json:
        _allow(request, "GET")
        return served_model(id).card() if id else {"object": "list", "data": [model.card() for model in SERVED]}

    def _files(self, request: Request, rest: str) -> Json | Response:
        id, _, part = rest.partition("/")
        if not id:
            _allow(request, "GET", "POST")
            if request.method == "POST":
                return self.files.upload(request.content_type, request.body).card()
            return _page([file.card() for file in self.files.newest_first(request.query.get("purpose", ""))], request)
        if part == "content":
            _allow(request, "GET")
            return Response(200, self.files.get(id).content, content_type="application/octet-stream")
        _allow(request, "GET", "DELETE")
        return self.files.delete(id) if request.method == "DELETE" else self.files.get(id).card()

    def _batches(self, request: Request, rest: str) -> Json:
        id, _, part = rest.partition("/")
        if not id:
            _allow(request, "GET", "POST")
            if request.method == "POST":
                return self.batches.create(json_object(request.body))
            return _page(self.batches.newest_first(), request)
        if part == "cancel":
            _allow(request, "POST")
            return self.batches.cancel(id)
        _allow(request, "GET")
        return self.batches.retrieve(id)


def _page(items: list[dict[str, Json]], request: Request) -> Json:
    """One page of a list: `limit` items (20 where nothing is said) after the one with the id `after`."""
    limit, after = request.query.get("limit", "20"), request.query.get("after", "")
    if not limit.isdigit() or not 1 <= int(limit) <= 10_000:
        raise bad_value("limit", "'limit' must be a whole number from 1 on.")
    ids = [item["id"] for item in items]
    if after and after not in ids:
        raise bad_value("after", f"There is no item {after!r} to go on after.")
    start = ids.index(after) + 1 if after else 0
    shown = items[start : start + int(limit)]
    more = start + len(shown) < len(items)
    first, last = (shown[0]["id"], shown[-1]["id"]) if shown else (None, None)
    return {"object": "list", "data": list(shown), "first_id": first, "last_id": last, "has_more": more}


def _allow(request: Request, *allowed: str) -> None:
    if request.method not in allowed:
        message = f"{request.method} is not allowed for {request.path}; use {' or '.join(allowed)}."
        raise ApiError(405, message, code="method_not_allowed")
