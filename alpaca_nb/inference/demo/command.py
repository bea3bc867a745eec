"""`alpaca-nb demo RUN_DIR`: load both models once, say where the page is, serve until Ctrl-C."""

import socket
from argparse import Namespace

from alpaca_nb.errors import InputFileError, ModelError
from alpaca_nb.inference.demo.answering import Demo
from alpaca_nb.inference.demo.guards import RateLimit
from alpaca_nb.inference.demo.moderation import moderator

EXTRA = 'pip install -e ".[demo]"'


def run_demo(options: Namespace) -> int:
    """Run the command; `options` has run_dir, host, port, word_filter, per_minute and tuned_only."""
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise ModelError(f"the demo needs gradio, which does not load ({error}): {EXTRA}") from None
    from alpaca_nb.inference.demo.page import build, serve
    from alpaca_nb.inference.run_models import load

    looked_at = moderator(options.word_filter)
    _can_listen(options.host, options.port)
    models = {"tuned": load(options.run_dir, "tuned")}
    if not options.tuned_only:
        models["untuned"] = load(options.run_dir, "untuned")
    demo = Demo(models, looked_at, RateLimit(options.per_minute))  # type: ignore[arg-type]
    if options.host not in ("127.0.0.1", "localhost", "::1"):
        print(f"NOTE: {options.host} may be reached by other computers. {looked_at.notice}", flush=True)
    page = build(demo, options.run_dir / "flagged.jsonl")
    try:
        serve(page, options.host, options.port or None, wait=True)
    except OSError as error:
        raise InputFileError(f"cannot listen on {options.host}:{options.port} ({error}); try another --port") from None
    return 0


def _can_listen(host: str, port: int) -> None:
    """Raise `InputFileError` for an address that cannot be served, before two models are loaded for it."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        raise InputFileError(
            f"cannot listen on {host}:{port} ({error.strerror}); try another --host or --port"
        ) from None
