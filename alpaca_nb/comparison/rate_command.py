"""`alpaca-nb rate`: serve the rating page until Ctrl-C, then say what came of it.

The ratings stand in `comparison/ratings.jsonl` of the run folder (`ratings-RIVAL.jsonl` where the tuned model met a
rival from outside); notebook 05, given the same `rival` or `rival_path`, reads them there.
"""

import argparse
import asyncio
import signal
from contextlib import suppress
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from alpaca_nb.comparison.answer_files import by_question, contests_of_files
from alpaca_nb.comparison.opinions import opinion_contests
from alpaca_nb.comparison.raters import result_lines
from alpaca_nb.comparison.rating_server import MOST_BODY_BYTES, rating_application
from alpaca_nb.comparison.rating_session import RatingSession, differing
from alpaca_nb.comparison.ratings import fingerprint, ratings_path
from alpaca_nb.errors import InputFileError, KitError
from alpaca_nb.prices import is_loopback
from alpaca_nb.teacher.ledger import Ledger


def rate(options: argparse.Namespace) -> int:
    """Serve until stopped; returns the exit status. Raises `KitError` before anything is served."""
    run_dir: Path = options.run_dir.expanduser()
    if not run_dir.is_dir():
        raise InputFileError(f"{run_dir} is no folder; give a run folder, papermill_runs/output/tiny for example")
    if options.limit is not None and options.limit < 1:
        raise InputFileError(f"--limit is {options.limit}; it must be at least 1")
    if options.answers:
        contests = contests_of_files(*options.answers)
    else:
        contests = opinion_contests(run_dir, options.rival, str(options.rival_path or ""))
    if not differing(contests):
        raise InputFileError("all pairs of answers are identical: there is nothing to rate")
    configuration = {"contests": fingerprint(contests), "seed": options.seed}
    with Ledger(ratings_path(run_dir, contests), configuration) as ledger:
        if ledger.notice:
            print(ledger.notice)
        session = RatingSession(contests, ledger, options.seed, options.limit)
        try:
            asyncio.run(_serve(session, options.host, options.port))
        except OSError as error:
            raise KitError(
                f"cannot serve on {options.host} port {options.port}: {error.strerror}; try another --port"
            ) from None
        print("\n".join(result_lines(session.ratings, by_question(contests))))
    return 0


async def _serve(session: RatingSession, host: str, port: int) -> None:
    local = is_loopback(f"http://{host}")
    server = HTTPServer(rating_application(session, local_only=local), max_body_size=MOST_BODY_BYTES * 4)
    sockets = bind_sockets(port, address=host)
    server.add_sockets(sockets)
    at = sockets[0].getsockname()[1]
    print(f"{len(session.contests)} pairs to rate at http://{host}:{at}/   Ctrl-C ends it.", flush=True)
    if not local:
        print("Whoever reaches this machine can open the page; raters use this machine's name or address.", flush=True)
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl-C ends asyncio.run instead
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
    with suppress(asyncio.CancelledError):
        await stop.wait()
    server.stop()
    await server.close_all_connections()
