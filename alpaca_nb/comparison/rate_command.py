"""`alpaca-nb rate`: serve the rating page until Ctrl-C, then say what came of it.

The ratings stand in `comparison/ratings.jsonl` of the run folder; notebook 05 reads them there.
"""

import argparse
import asyncio
import hashlib
import json
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from alpaca_nb.comparison.agreement import krippendorff_alpha
from alpaca_nb.comparison.answer_files import contests_of_files, run_contests
from alpaca_nb.comparison.pairing import Contest
from alpaca_nb.comparison.raters import rater_reports
from alpaca_nb.comparison.rating_server import MOST_BODY_BYTES, rating_application
from alpaca_nb.comparison.rating_session import RatingSession, differing
from alpaca_nb.comparison.ratings import RATINGS_FILE, Rating, majority, votes_of
from alpaca_nb.comparison.statistics import win_rate
from alpaca_nb.errors import InputFileError, KitError
from alpaca_nb.prices import is_loopback
from alpaca_nb.teacher.ledger import Ledger


def rate(options: argparse.Namespace) -> int:
    """Serve until stopped; returns the exit status. Raises `KitError` before anything is served."""
    run_dir: Path = options.run_dir.expanduser()
    if not run_dir.is_dir():
        raise InputFileError(f"{run_dir} is no folder; give a run folder, papermill_runs/output/tiny for example")
    contests = contests_of_files(*options.answers) if options.answers else run_contests(run_dir)
    if options.limit is not None and options.limit < 1:
        raise InputFileError(f"--limit is {options.limit}; it must be at least 1")
    if not differing(contests):
        raise InputFileError("all pairs of answers are identical: there is nothing to rate")
    configuration = {"contests": _fingerprint(contests), "seed": options.seed}
    with Ledger(run_dir / RATINGS_FILE, configuration) as ledger:
        if ledger.notice:
            print(ledger.notice)
        session = RatingSession(contests, ledger, options.seed, options.limit)
        try:
            asyncio.run(_serve(session, options.host, options.port))
        except OSError as error:
            raise KitError(
                f"cannot serve on {options.host} port {options.port}: {error.strerror}; try another --port"
            ) from None
        print("\n".join(result_lines(session.ratings, session.contests)))
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


def result_lines(ratings: Sequence[Rating], contests: dict[str, Contest]) -> list[str]:
    """The end of a session in words: pace and habits of each rater, agreement, and the seal opened."""
    rated = [rating for rating in ratings if rating.question_id in contests]
    if not rated:
        return ["", "Nobody has rated anything."]
    lines = ["", f"{'rater':<8} {'rated':>5} {'ties':>5} {'median s':>9}  remarks"]
    for number, report in enumerate(rater_reports(rated, contests), start=1):
        remarks = "; ".join(report.remarks) or "nothing unusual"
        lines.append(f"{number:<8} {report.ratings:>5} {report.ties:>5} {report.median_seconds:>9.1f}  {remarks}")
    votes = votes_of(rated)
    alpha = krippendorff_alpha(votes)
    words = "cannot be computed from so few shared ratings" if alpha is None else f"{alpha:.2f} (1 full, 0 chance)"
    lines.append(f"Agreement of the raters, Krippendorff's alpha: {words}")
    winners = list(majority(votes).values())
    first, second = next(iter(contests.values())).models
    rate = win_rate(winners.count(first), winners.count(second), winners.count("tie"))
    lines.append(f"Majority over {rate.comparisons} pairs, {first} against {second}: {rate.words()}")
    return lines


def _fingerprint(contests: Sequence[Contest]) -> str:
    """Other answers need another file of ratings."""
    rows = [(c.question_id, c.instruction, c.input, c.models, c.texts) for c in contests]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
