"""The offline teacher on a socket: HTTP/1.1 with kept-alive connections, one thread for each of them."""

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from alpaca_nb.files import Json
from alpaca_nb.offline_teacher.api import ApiError, respond

MAX_BODY_BYTES = 8 << 20
IDLE_SECONDS = 120.0  # a connection on which nothing arrives for so long is closed


class TeacherServer(ThreadingHTTPServer):
    """Serves one seed; `url` is the base URL that an OpenAI client takes."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: str, port: int, seed: int) -> None:
        """Bind at once; raises OSError where the port is taken."""
        self.seed = seed
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """Base URL with the port that was really bound."""
        host, port = self.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is its own affair; a traceback would only fill the log."""


class _Handler(BaseHTTPRequestHandler):
    server: TeacherServer
    protocol_version = "HTTP/1.1"
    server_version = "alpaca-nb-offline-teacher"
    wbufsize = -1  # head and body leave in one piece
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS

    def _answer(self) -> None:
        key = self.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        try:
            status, body = 200, respond(self.command, self.path, key, self._read_body(), self.server.seed)
        except ApiError as error:
            status, body = error.status, error.body()
        except Exception as error:  # a fault of this program must still be an answer in the API's form
            fault = ApiError(500, f"The server failed: {type(error).__name__}: {error}", type="server_error")
            status, body = fault.status, fault.body()
        self._send(status, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _answer  # noqa: N815

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length")
        if length is None:
            if self.command == "POST":
                self.close_connection = True  # where the body ends is unknown, and so where the next request begins
                raise ApiError(411, "A request with a body needs a Content-Length.")
            return b""
        if not length.isascii() or not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise ApiError(413, f"Content-Length must be a number up to {MAX_BODY_BYTES}.")
        return self.rfile.read(int(length))

    def _send(self, status: int, body: Json) -> None:
        content = json.dumps(body).encode()
        self.send_response(status, HTTPStatus(status).phrase)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the ledger on the client's side is the record."""
