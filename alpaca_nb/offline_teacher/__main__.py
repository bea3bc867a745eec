"""`python -m alpaca_nb.offline_teacher --port 0 --seed 17`: serve until SIGTERM or Ctrl-C.

Prints one line, `listening on http://127.0.0.1:PORT/v1`, as soon as requests are taken.
"""

import argparse
import signal
import sys
import threading
from types import FrameType

from alpaca_nb.offline_teacher.api import Teacher
from alpaca_nb.offline_teacher.server import TeacherServer


def main() -> int:
    """Serve until a signal comes; returns the exit status."""
    options = _parser().parse_args()
    try:
        server = TeacherServer(options.host, options.port, Teacher(options.seed))
    except (OSError, OverflowError) as error:
        print(f"cannot listen on {options.host}:{options.port}: {error}; choose another --port", file=sys.stderr)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m alpaca_nb.offline_teacher",
        description="An OpenAI-compatible server that writes checkable tasks without a model.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--seed", type=int, default=17, help="the tasks follow from it and from the prompt")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
