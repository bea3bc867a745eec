"""What goes back over the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from alpaca_nb.files import Json
from alpaca_nb.offline_teacher.fault_plan import Struck
from alpaca_nb.offline_teacher.refusals import ApiError


@dataclass(frozen=True)
class Response:
    """A response; `wire` is the fault of the connection that keeps it from arriving as it should."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    wire: Struck | None = None


def json_response(value: Json, headers: Mapping[str, str] | None = None, wire: Struck | None = None) -> Response:
    """The response that says yes."""
    return Response(200, json.dumps(value).encode(), headers or {}, wire=wire)


def refuse(error: ApiError) -> Response:
    """The response that says no."""
    return Response(error.status, json.dumps(error.body()).encode(), error.headers)
