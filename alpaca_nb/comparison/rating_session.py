"""What the rating page knows: who has rated what, what comes next for whom, and a ledger behind every click.

Nothing here speaks HTTP. `view` is all that ever leaves for a browser: task, two texts, progress; no model, no
question id. Each rater has an order of questions and of sides that follows from the seed and the rater's code, so
that a restarted server goes on exactly where each rater was.
"""

import hashlib
import random
import re
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime

from alpaca_nb.comparison.pairing import BlindPair, Contest, Side, blind_pair
from alpaca_nb.comparison.ratings import Rating, rating_record, ratings_in, undo_record
from alpaca_nb.files import Json
from alpaca_nb.teacher.ledger import Ledger

LONGEST_SECONDS = 3600.0  # a pair that was open for longer was not looked at all the time
_RATER = re.compile(r"[0-9a-f]{16}")


class StaleClickError(Exception):
    """The click is for a pair that is not the rater's current one: another tab, or a second press of the key."""


class RatingSession:
    """All raters of one comparison. The ledger's file must be open for writing; records in it are taken up."""

    def __init__(self, contests: Sequence[Contest], ledger: Ledger, seed: int, limit: int | None = None) -> None:
        distinct = differing(contests)
        random.Random(f"{seed}:chosen").shuffle(distinct)
        self.contests = {contest.question_id: contest for contest in distinct[:limit]}
        self._ledger, self._seed = ledger, seed
        self._ratings: dict[str, list[Rating]] = {}
        for rating in ratings_in(ledger.recorded):
            self._ratings.setdefault(rating.rater, []).append(rating)

    @property
    def ratings(self) -> list[Rating]:
        """Every rating that counts, rater by rater."""
        return [rating for own in self._ratings.values() for rating in own]

    def view(self, rater: str) -> dict[str, Json]:
        """What the rater's page shows now."""
        own = self._own(rater)
        view: dict[str, Json] = {"done": len(own), "of": len(self.contests), "can_undo": bool(own)}
        question = self._current(rater)
        if question is None:
            seconds = [rating.seconds for rating in own]
            return {**view, "finished": True, "median_seconds": statistics.median(seconds) if seconds else None}
        shown, _ = self._pair(rater, question)
        return {
            **view, "finished": False, "pair": self._code(rater, question), "instruction": shown.instruction,
            "input": shown.input, "a": shown.answer_a, "b": shown.answer_b,
        }  # fmt: skip

    def click(self, rater: str, pair: str, side: Side, seconds: float, reason: str = "") -> None:
        """Put a rating on the disk; raises `StaleClickError`, or `LedgerError` where it could not be saved."""
        question = self._current(rater)
        if question is None or pair != self._code(rater, question):
            raise StaleClickError
        _, (first, second) = self._pair(rater, question)
        seconds = round(min(max(seconds, 0.0), LONGEST_SECONDS), 2)
        rating = Rating(rater, question, first, second, side, seconds, reason)
        self._ledger.append(rating_record(rating, _now()))
        self._ratings.setdefault(rater, []).append(rating)

    def undo(self, rater: str) -> None:
        """Take the rater's last rating back; nothing happens where there is none."""
        if own := [rating for rating in self._own(rater) if rating.question_id in self.contests]:
            self._ledger.append(undo_record(rater, own[-1].question_id, _now()))
            self._ratings[rater].remove(own[-1])

    def _own(self, rater: str) -> list[Rating]:
        return [r for r in self._ratings.get(rater, []) if r.question_id in self.contests]

    def _current(self, rater: str) -> str | None:
        done = {rating.question_id for rating in self._own(rater)}
        order = sorted(self.contests)
        random.Random(f"{self._seed}:{rater}").shuffle(order)
        return next((question for question in order if question not in done), None)

    def _pair(self, rater: str, question: str) -> tuple[BlindPair, tuple[str, str]]:
        return blind_pair(self.contests[question], f"{self._seed}:{rater}")

    def _code(self, rater: str, question: str) -> str:
        return hashlib.sha256(f"{self._seed}:{rater}:{question}".encode()).hexdigest()[:12]


def differing(contests: Sequence[Contest]) -> list[Contest]:
    """Contests that need a person: those whose two texts differ."""
    return [contest for contest in contests if not contest.identical]


def is_rater(code: object) -> bool:
    """Whether a browser's word for its rater is one that a server of this kind has given out."""
    return isinstance(code, str) and _RATER.fullmatch(code) is not None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
