"""A real HTTP endpoint on loopback for tests: it answers completions as a script of replies tells it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class StubReply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None  # promise the whole body, send so many bytes, close


@dataclass
class Stub:
    base_url: str
    requests: list[dict] = field(default_factory=list)  # bodies as received
    keys: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def completion(
    text: str, *, finish_reason: str = "stop", model: str = "stub-1", usage: tuple[int, int] | None = (100, 50)
):
    """A well-formed chat completion."""
    value = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}],
    }
    if usage is not None:
        value["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return StubReply(body=json.dumps(value).encode())


def plain_completion(text: str, *, finish_reason: str = "stop", model: str = "stub-1") -> StubReply:
    """A well-formed completion that is no chat."""
    choice = {"index": 0, "text": text, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
    value = {"id": "cmpl-1", "object": "text_completion", "model": model, "choices": [choice], "usage": usage}
    return StubReply(body=json.dumps(value).encode())


def error(status: int, message: str, code: str = "", headers: dict[str, str] | None = None) -> StubReply:
    """An OpenAI-style error."""
    body = {"error": {"message": message, "type": "stub_error", "code": code or None, "param": None}}
    return StubReply(status, json.dumps(body).encode(), headers or {})


@contextmanager
def stub_endpoint(reply_to: Callable[[int, str], StubReply]) -> Iterator[Stub]:
    """Serve `reply_to(number of the call from 0, prompt)` while the context lasts."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(stub.requests)
                stub.requests.append(body)
                stub.keys.append(self.headers.get("Authorization", ""))
                stub.paths.append(self.path)
            reply = reply_to(number, body["prompt"] if "prompt" in body else body["messages"][0]["content"])
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: reply.cut_after])
            self.close_connection = reply.cut_after is not None

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub = Stub(f"http://127.0.0.1:{server.server_address[1]}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
