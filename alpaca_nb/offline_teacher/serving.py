"""Serving the offline teacher until SIGTERM or Ctrl-C, and the options that say how."""

import argparse
import math
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from alpaca_nb.errors import KitError
from alpaca_nb.offline_teacher.faults import FAULTS

EXAMPLES = f"""examples:
  alpaca-nb teacher --port 8010 &
  alpaca-nb run tiny -p teacher_base_url=http://127.0.0.1:8010/v1
  alpaca-nb teacher --fault 503 --fault cut-body --fault-share 0.2 --latency 0.5
  alpaca-nb teacher --requests-per-minute 60 --fault-script faults.yaml
  curl http://127.0.0.1:8010/tally                     what was asked, and what would have been billed
  alpaca-nb teacher --model smollm2-135m               a real model, small and often wrong

faults:
{chr(10).join(f"  {fault.name:<22}{fault.says}" for fault in FAULTS.values())}

a script of faults, YAML or JSON; the first rule that fits strikes; everything but `fault` may be left out:
  faults:
    - {{fault: [500, cut-body], share: 0.3}}                   three in ten, one of the two
    - {{fault: hang, prompt: "river", attempts: [1]}}          the first asking of prompts that hold the word
    - {{fault: retry-after-seconds, seconds: 0.1, times: 20}}  so many, then no more"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the offline teacher, beside the port."""
    add = parser.add_argument_group("the offline teacher").add_argument
    add("--seed", type=int, default=17, help="tasks and faults follow from it and from the prompt (default: 17)")
    add("--fault", action="append", default=[], metavar="NAME", help="something to go wrong; may be repeated")
    add("--fault-share", type=float, default=0.3, metavar="SHARE", help="of the requests (default: 0.3; 1: all)")
    add("--fault-script", type=Path, metavar="FILE", help="rules that say which request meets which fault")
    add(
        "--latency",
        type=_not_negative(float),
        default=0.0,
        metavar="SECONDS",
        help="that an answer takes on average (default: 0)",
    )
    add(
        "--requests-per-minute",
        type=_not_negative(int),
        default=0,
        metavar="N",
        help="a real limit, told in the headers",
    )
    add("--tokens-per-minute", type=_not_negative(int), default=0, metavar="N", help="the same for tokens")


def options_of_its_own(options: argparse.Namespace) -> list[str]:
    """Those options, of what goes wrong and how fast, that were given: no other teacher has them."""
    names = ("fault", "fault_script", "latency", "requests_per_minute", "tokens_per_minute")
    return [f"--{name.replace('_', '-')}" for name in names if getattr(options, name)]


def _not_negative(number: type[int] | type[float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = number(text)
        except ValueError:
            value = -1
        if not 0 <= value < math.inf:
            raise argparse.ArgumentTypeError("must be a number from 0 on" if number is float else "must be 0, 1, 2, …")
        return value

    return read


def serve_as_told(options: argparse.Namespace) -> int:
    """Print `listening on http://127.0.0.1:PORT/v1` when requests are taken; serve; return the exit status."""
    from alpaca_nb.offline_teacher.api import Teacher
    from alpaca_nb.offline_teacher.fault_plan import FaultPlan, Rule, read_script
    from alpaca_nb.offline_teacher.rate_limits import RateLimits
    from alpaca_nb.offline_teacher.server import TeacherServer
    from alpaca_nb.offline_teacher.text_endpoint import TextEndpoint

    try:
        rules = read_script(options.fault_script) if options.fault_script else []
        rules += [Rule(tuple(options.fault), options.fault_share)] if options.fault else []
        limits = RateLimits(options.requests_per_minute, options.tokens_per_minute)
        text = TextEndpoint(options.seed, FaultPlan(rules, options.seed), limits, options.latency)
        server = TeacherServer("127.0.0.1", options.port, Teacher(text))
    except KitError as error:
        print(error, file=sys.stderr)
        return 2
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
