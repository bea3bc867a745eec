"""The offline teacher on a socket: HTTP/1.1 with kept-alive connections, one thread for each of them."""

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from alpaca_nb.offline_teacher import wire
from alpaca_nb.offline_teacher.api import Teacher, request_from
from alpaca_nb.offline_teacher.refusals import ApiError
from alpaca_nb.offline_teacher.response import Response, refuse

MAX_BODY_BYTES = 201 << 20  # the largest file for a batch is 200 MB
IDLE_SECONDS = 120.0  # a connection on which nothing arrives for so long is closed


class TeacherServer(ThreadingHTTPServer):
    """Serves one teacher; `url` is the base URL that an OpenAI client takes."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, host: str, port: int, teacher: Teacher) -> None:
        """Bind at once; raises OSError where the port is taken."""
        self.teacher = teacher
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
        try:
            body = self._read_body()
        except ApiError as error:
            self._send(refuse(error))
        else:
            authorization, kind = (self.headers.get(name, "") for name in ("Authorization", "Content-Type"))
            request = request_from(self.command, self.path, authorization, kind, body)
            self._send(self.server.teacher.respond(request))

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

    def _send(self, response: Response) -> None:
        """Send a response whole, or in the way that its fault of the connection wants."""
        fault = "" if response.wire is None else response.wire.fault.name
        seconds = 0.0 if response.wire is None else response.wire.seconds
        if fault:
            self.close_connection = True
        if fault == "hang":
            wire.hang(self.connection, seconds)
        elif fault == "reset":
            wire.reset(self.connection)
        else:
            self._send_head(response)
            if fault == "drip":
                wire.drip(self.wfile, response.body, seconds)
            elif self.command != "HEAD":
                self.wfile.write(response.body[: len(response.body) // 2] if fault == "cut-body" else response.body)

    def _send_head(self, response: Response) -> None:
        self.send_response(response.status, HTTPStatus(response.status).phrase)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the ledger on the client's side is the record."""
