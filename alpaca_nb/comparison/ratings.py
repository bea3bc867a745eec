"""What people clicked: an append-only file of ratings, the raters' votes read from it, and a majority as verdict.

The file is a ledger like the teacher's (one checked line a record, fsynced, locked by the one server that writes it).
Taking a rating back is a record too. Record kinds: `rating` and `undo`.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.comparison.pairing import IDENTICAL, SIDES, Contest, Side, blind_pair, unblind
from alpaca_nb.errors import InputFileError
from alpaca_nb.files import Json
from alpaca_nb.records import Verdict
from alpaca_nb.teacher.ledger import Record, scan

RATINGS_FILE = "comparison/ratings.jsonl"
_OWN_MODELS = {"tuned", "untuned"}


@dataclass(frozen=True)
class Rating:
    """One click that counts: what a rater preferred, on which sides the models stood, and how long it took."""

    rater: str
    question_id: str
    shown_first: str
    shown_second: str
    side: Side
    seconds: float
    reason: str = ""

    @property
    def winner(self) -> str:
        """The model preferred, or "tie"."""
        return unblind(self.side, (self.shown_first, self.shown_second))


def rating_record(rating: Rating, at: str) -> Record:
    """A rating as the file holds it; `at` is the moment in ISO form."""
    return {
        "kind": "rating", "rater": rating.rater, "question": rating.question_id, "first": rating.shown_first,
        "second": rating.shown_second, "side": rating.side, "seconds": rating.seconds, "reason": rating.reason,
        "at": at,
    }  # fmt: skip


def undo_record(rater: str, question_id: str, at: str) -> Record:
    """The rater takes the rating of this question back."""
    return {"kind": "undo", "rater": rater, "question": question_id, "at": at}


def ratings_in(records: Iterable[Mapping[str, Json]]) -> list[Rating]:
    """The ratings that count, in the order clicked: those taken back are gone."""
    kept: dict[tuple[str, str], Rating] = {}
    for record in records:
        key = str(record["rater"]), str(record["question"])
        kept.pop(key, None)
        if record["kind"] == "rating":
            first, second, seconds = (str(record[name]) for name in ("first", "second", "seconds"))
            reason = str(record.get("reason", ""))  # absent in a file of an earlier version
            kept[key] = Rating(*key, first, second, _side(record), float(seconds), reason)
    return list(kept.values())


def read_ratings(path: Path) -> list[Rating]:
    """All ratings in a file, whoever may be writing it; an absent file holds none. Changes nothing."""
    if not path.exists():
        return []
    records = scan(path.read_bytes(), str(path)).records
    return ratings_in(record for record in records if record["kind"] != "header")


def ratings_path(run_dir: Path, contests: Sequence[Contest]) -> Path:
    """Where ratings of these contests stand: a rival of the tuned model's from outside has a file of its own."""
    models = set(contests[0].models) if contests else set()
    path = run_dir / RATINGS_FILE
    if len(others := models - _OWN_MODELS) != 1:
        return path
    return path.with_stem(f"{path.stem}-{re.sub(r'[^0-9A-Za-z._-]+', '_', others.pop())[:80]}")


def fingerprint(contests: Sequence[Contest]) -> str:
    """What was rated, in the head of the file of ratings: other answers, or another rival, need another file."""
    rows = [(c.question_id, c.instruction, c.input, c.models, c.texts) for c in contests]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def ratings_of(path: Path, contests: Sequence[Contest]) -> list[Rating]:
    """The ratings of exactly these contests; raises `InputFileError` where the file holds ratings of others."""
    if not (ratings := read_ratings(path)):
        return []
    configuration = scan(path.read_bytes(), str(path)).records[0].get("configuration")
    rated = configuration.get("contests") if isinstance(configuration, dict) else None
    if rated != fingerprint(contests):
        first, second = contests[0].models if contests else ("nobody", "nobody")
        raise InputFileError(
            f"{path}: its {len(ratings)} ratings are of other pairs than these ({first} against {second}): the answers "
            "were made anew, so the ratings are not counted; move the file away and rate again with `alpaca-nb rate`"
        )
    return ratings


def votes_of(ratings: Iterable[Rating]) -> dict[str, dict[str, str]]:
    """Rater → question → winner."""
    votes: dict[str, dict[str, str]] = {}
    for rating in ratings:
        votes.setdefault(rating.rater, {})[rating.question_id] = rating.winner
    return votes


def majority(votes: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Question → what most raters said; a tie where no answer has more votes than every other."""
    winners: dict[str, str] = {}
    for question in dict.fromkeys(q for own in votes.values() for q in own):
        counted = Counter(own[question] for own in votes.values() if question in own).most_common(2)
        clear = len(counted) == 1 or counted[0][1] > counted[1][1]
        winners[question] = counted[0][0] if clear else "tie"
    return winners


def people_verdicts(ratings: Sequence[Rating], contests: Sequence[Contest], seed: int) -> list[Verdict]:
    """The majority's verdict on each contest that was rated, in the contests' order; identical answers are ties.

    Where nobody has rated anything there is no verdict at all, unless nothing needs a person.
    """
    winners = majority(votes_of(ratings))
    said: dict[str, list[str]] = {}
    for rating in ratings:
        said.setdefault(rating.question_id, []).append(rating.reason)
    verdicts = []
    for contest in contests if ratings or all(contest.identical for contest in contests) else ():
        if contest.identical:
            winner, reason = "tie", IDENTICAL
        elif contest.question_id in winners:
            own = said[contest.question_id]
            winner = winners[contest.question_id]
            reason = ": ".join([f"majority of {len(own)}", *filter(None, ["; ".join(filter(None, own))])])
        else:
            continue
        shown, (first, second) = blind_pair(contest, seed)
        verdicts.append(
            Verdict(
                contest.question_id, "people", first, winner, shown_second=second, reason=reason,
                compared=shown.digest(),
            )
        )  # fmt: skip
    return verdicts


def _side(record: Mapping[str, Json]) -> Side:
    for side in SIDES:
        if record["side"] == side:
            return side
    raise InputFileError(f"a rating of {record['rater']} has the side {record['side']!r}; it must be A, B or tie")
