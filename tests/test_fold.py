"""The fold of stage 02: answers in the order of their requests become rows and rejections."""

from pathlib import Path

import pytest

from alpaca_nb.generation.filters import ALL_FILTERS
from alpaca_nb.generation.fold import fold
from alpaca_nb.generation.kept_rows import KeptRow, KeptRows
from alpaca_nb.generation.rejections import Rejections
from alpaca_nb.records import Candidate, Rejection, Usage
from alpaca_nb.teacher.answers import TeacherAnswer

SEEDS = [f"Do the seventh thing  with {word}." for word in ("apples", "pears", "plums", "figs")]


def answer(index: int, *instructions: str, fault: str = "") -> TeacherAnswer:
    items = (
        f"{n}. Instruction: {text}\n{n}. Input: <noinput>\n{n}. Output: Yes, {n}."
        for n, text in enumerate(instructions, start=4)
    )
    return TeacherAnswer(index, "\n###\n".join(items) or "???", "stop", "stub-1", Usage(9, 9), fault)


def test_the_fold_depends_on_request_order_only_and_stops_at_the_last_row() -> None:
    answers = [
        answer(0, "Explain how rivers are made.", "Do the seventh thing with apples."),
        answer(1, "Explain how rivers are made today.", "Tell why the sky is blue."),
        answer(2, fault="unreadable_answer"),
        answer(3, "Count all the letters in banana.", "List some uses of old newspapers.", "Draw a cat, please now."),
    ]
    folds = []
    for order in (answers, answers[::-1], [answers[i] for i in (2, 0, 3, 1)]):
        rejected: list[Rejection] = []
        written = Rejections(rejected.append)
        folded = fold(order, SEEDS, wanted=3, first_position=4, threshold=0.7, rejected=written)
        folds.append((folded, rejected))
        assert len(written) == 3 and written.last == rejected[-1]
        assert written.by_reason == {"near_duplicate": 2, "unreadable_answer": 1}
        assert written.first == {"near_duplicate": rejected[0], "unreadable_answer": rejected[2]}
    for folded, rejected in folds:
        assert [(row.candidate.request_index, row.candidate.position) for row in folded.kept] == [
            (0, 4),
            (1, 5),
            (3, 4),
        ]
        assert [(r.request_index, r.reason) for r in rejected] == [
            (0, "near_duplicate"),
            (1, "near_duplicate"),
            (2, "unreadable_answer"),
        ], "what comes after the last row wanted is neither kept nor rejected"
        assert "Explain how rivers are made." in rejected[1].detail
        raw = "5. Instruction: Do the seventh thing with apples.\n5. Input: <noinput>\n5. Output: Yes, 5."
        assert rejected[0].text == raw, "as received"
        assert (list(folded.kept), rejected) == (list(folds[0][0].kept), folds[0][1])


def test_kept_rows_come_back_as_they_went_into_the_file(tmp_path: Path) -> None:
    def row(n: int) -> KeptRow:
        candidate = Candidate(n, 4, f"Do\n{n}.", "", "ü" * n, 0, n, ("no_separator",) * (n % 2))
        return KeptRow(candidate, n - 1, n / 7, f"m{n % 3}", Usage(n, 2, 1, 0, 1) if n % 2 else None)

    rows, expected = KeptRows(tmp_path), []
    for n in range(40):
        rows.append(row(n))
        expected.append(row(n))
        if n % 7 == 0:  # reading in between does not disturb the writing
            assert rows[n // 2] == expected[n // 2] and list(rows) == expected
    assert len(rows) == 40 and rows[-1] == expected[-1] and list(rows) == expected
    with pytest.raises(IndexError):
        rows[40]
    assert not list(tmp_path.iterdir()), "the file has no name, so a death leaves nothing"


def test_a_fold_with_a_filter_switched_off() -> None:
    one = [answer(0, "Draw a cat, please now.", "Go.")]
    kept = fold(one, [], wanted=9, first_position=4, threshold=0.7, filters=ALL_FILTERS - {"filtered_word"})
    assert [row.candidate.instruction for row in kept.kept] == ["Draw a cat, please now."]
    assert kept.rejected.by_reason == {"too_short": 1}
