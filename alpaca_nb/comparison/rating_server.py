"""The rating page's web server: three files and three calls, on Tornado, which JupyterLab has brought along.

The browser may load nothing but these files (content security policy), other sites cannot call in (JSON only, and on
loopback the Host must be this machine), and nothing that names a model is ever sent.
"""

import json
import math
import secrets
from pathlib import Path
from typing import cast

from tornado.web import Application, HTTPError, RequestHandler

from alpaca_nb.comparison.pairing import SIDES, Side
from alpaca_nb.comparison.rating_session import RatingSession, StaleClickError, is_rater
from alpaca_nb.errors import LedgerError
from alpaca_nb.files import Json
from alpaca_nb.prices import is_loopback

PAGE_FOLDER = Path(__file__).parent / "rating_page"
MOST_BODY_BYTES = 4096
LONGEST_REASON = 300  # characters
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Server": "rating page",
}
_FILES = {
    "": ("page.html", "text/html"),
    "page.css": ("page.css", "text/css"),
    "page.js": ("page.js", "text/javascript"),
}


def rating_application(session: RatingSession, *, local_only: bool) -> Application:
    """The application; `local_only` refuses requests that were addressed to another host than this machine."""
    shared = {"session": session, "local_only": local_only}
    return Application(
        [
            (r"/(|page\.css|page\.js)", _Page, shared),
            (r"/api/(start|click|undo)", _Call, shared),
        ],
        default_handler_class=_Nothing,
        default_handler_args=shared,
        log_function=lambda handler: None,  # what people clicked is nobody's log line
    )


class _Careful(RequestHandler):
    def initialize(self, session: RatingSession, local_only: bool) -> None:
        self.session, self.local_only = session, local_only

    def set_default_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        if self.local_only and not is_loopback(f"http://{self.request.host}"):
            raise HTTPError(403)

    def write_error(self, status_code: int, **words: object) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish({"error": self._reason})


class _Page(_Careful):
    def get(self, name: str) -> None:
        file, kind = _FILES[name]
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.finish((PAGE_FOLDER / file).read_bytes())


class _Nothing(_Careful):
    def prepare(self) -> None:
        raise HTTPError(404)


class _Call(_Careful):
    def post(self, what: str) -> None:
        body = self._body()
        rater = body.get("rater")
        if what == "start" and not is_rater(rater):
            rater = secrets.token_hex(8)
        if not is_rater(rater):
            raise HTTPError(400, reason="no such rater")
        rater = str(rater)
        try:
            if what == "click":
                said = self._side(body), self._seconds(body), self._reason_in(body)
                self.session.click(rater, str(body.get("pair")), *said)
            elif what == "undo":
                self.session.undo(rater)
        except StaleClickError:
            self.set_status(409)
        except LedgerError:
            raise HTTPError(503, reason="not saved: the disk refuses") from None
        self.finish({"rater": rater, **self.session.view(rater)})

    def _body(self) -> dict[str, Json]:
        if self.request.headers.get("Content-Type", "").partition(";")[0] != "application/json":
            raise HTTPError(415)
        if len(self.request.body) > MOST_BODY_BYTES:
            raise HTTPError(413)
        try:
            value = json.loads(self.request.body)
        except (ValueError, RecursionError):
            raise HTTPError(400) from None
        if not isinstance(value, dict):
            raise HTTPError(400)
        return cast(dict[str, Json], value)

    def _side(self, body: dict[str, Json]) -> Side:
        for side in SIDES:
            if body.get("side") == side:
                return side
        raise HTTPError(400, reason="no such choice")

    def _seconds(self, body: dict[str, Json]) -> float:
        seconds = body.get("seconds")
        try:
            if isinstance(seconds, int | float) and not isinstance(seconds, bool) and math.isfinite(seconds):
                return float(seconds)
        except OverflowError:  # a whole number beyond what a float holds
            pass
        raise HTTPError(400, reason="no such time")

    def _reason_in(self, body: dict[str, Json]) -> str:
        reason = body.get("reason", "")
        if not isinstance(reason, str) or len(reason) > LONGEST_REASON:
            raise HTTPError(400, reason="no such reason")
        return " ".join(reason.encode("utf-8", "replace").decode().split())  # JSON may hold half a character
