"""The same answers read under both protocols: what each keeps, and what became of a row that only one of them keeps."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alpaca_nb.generation.fold import Fold, fold
from alpaca_nb.generation.protocol import PROTOCOLS, Protocol
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.records import Candidate, Rejection, SeedTask
from alpaca_nb.teacher.answers import TeacherAnswer

OTHER_TEXT = "kept_with_other_text"


@dataclass(frozen=True)
class OnlyOne:
    """A row that one protocol keeps; `fate` is what the other made of the same text: a reason, or `OTHER_TEXT`."""

    kept_by: Protocol
    candidate: Candidate
    fate: str


@dataclass(frozen=True)
class BothProtocols:
    """All rows of some answers under each protocol, and those that only one of them keeps."""

    folds: dict[Protocol, Fold]
    only_one: list[OnlyOne]

    def counts(self) -> list[tuple[str, str, int]]:
        """Kept by, fate under the other protocol, rows; the commonest first."""
        counted = Counter((each.kept_by, each.fate) for each in self.only_one)
        return [(kept_by, fate, count) for (kept_by, fate), count in counted.most_common()]

    def sample_of(self, kept_by: str, fate: str) -> Candidate:
        """The first row of this kind."""
        return next(each.candidate for each in self.only_one if (each.kept_by, each.fate) == (kept_by, fate))


def read_under_both(
    answers: Sequence[TeacherAnswer], seeds: Sequence[SeedTask], settings: GenerationSettings
) -> BothProtocols:
    """Fold all `answers` to their end, once under each protocol; asks nobody."""
    folds = {
        protocol: fold(
            answers,
            [task.instruction for task in seeds],
            wanted=sys.maxsize,
            first_position=settings.first_position,
            threshold=settings.novelty_threshold,
            protocol=protocol,
            filters=settings.filters,
        )
        for protocol in PROTOCOLS
    }
    texts = {answer.request_index: answer.text for answer in answers}
    only_one = _only_one("repaired", folds["repaired"], folds["stanford"], texts)
    return BothProtocols(folds, only_one + _only_one("stanford", folds["stanford"], folds["repaired"], texts))


def _only_one(protocol: Protocol, folded: Fold, other: Fold, texts: Mapping[int, str]) -> list[OnlyOne]:
    rows = {_row(each.candidate) for each in other.kept}
    pieces: dict[int, list[Candidate | Rejection]] = {}
    of_other: list[Candidate | Rejection] = [*(each.candidate for each in other.kept), *other.rejected]
    for piece in of_other:
        pieces.setdefault(piece.request_index, []).append(piece)
    found = [each.candidate for each in folded.kept if _row(each.candidate) not in rows]
    return [OnlyOne(protocol, each, _fate(each, pieces[each.request_index], texts)) for each in found]


def _row(candidate: Candidate) -> tuple[int, str, str, str]:
    return candidate.request_index, candidate.instruction, candidate.input, candidate.output


def _fate(candidate: Candidate, pieces: Sequence[Candidate | Rejection], texts: Mapping[int, str]) -> str:
    """What the piece is in which the candidate's text begins."""
    own = texts[candidate.request_index][candidate.start : candidate.end]
    begin = candidate.end - len(own.lstrip())
    same = next(piece for piece in pieces if piece.start <= begin < piece.end)
    return same.reason if isinstance(same, Rejection) else OTHER_TEXT
