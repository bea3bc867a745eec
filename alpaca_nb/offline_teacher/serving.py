"""Serving the offline teacher until SIGTERM or Ctrl-C, and the options that say how."""

import argparse
import signal
import sys
import threading
from types import FrameType

EXAMPLES = """examples:
  alpaca-nb teacher --port 8010 &
  alpaca-nb run tiny -p teacher_base_url=http://127.0.0.1:8010/v1
  alpaca-nb teacher --model smollm2-135m               a real model, small and often wrong"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the offline teacher, beside the port."""
    add = parser.add_argument
    add("--seed", type=int, default=17, help="the offline teacher's tasks follow from it (default: 17)")


def serve_as_told(options: argparse.Namespace) -> int:
    """Print `listening on http://127.0.0.1:PORT/v1` when requests are taken; serve; return the exit status."""
    from alpaca_nb.offline_teacher.api import Teacher
    from alpaca_nb.offline_teacher.server import TeacherServer

    try:
        server = TeacherServer("127.0.0.1", options.port, Teacher(options.seed))
    except (OSError, OverflowError) as error:
        print(f"cannot listen on 127.0.0.1:{options.port}: {error}; choose another --port", file=sys.stderr)
        return 2

    def stop(number: int, frame: FrameType | None) -> None:
        # `shutdown` waits for the serving loop, which this very thread runs.
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"listening on {server.url}", flush=True)
    with server:
        server.serve_forever(poll_interval=0.1)
    return 0
