"""Verdicts that others published: annotation files in AlpacaEval's format, and counts whose files are not at hand.

An annotation file is a JSON list; each row has `instruction`, `generator_1`, `output_1`, `generator_2`, `output_2` and
`preference`: 1 or 2 for the better output, 0 or 1.5 for a draw. Graded preferences between 1 and 2 (AlpacaEval 2)
count for the nearer side. Source: tatsu-lab/alpaca_eval, `results/*/*/annotations.json`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.comparison.judge import Ruling
from alpaca_nb.comparison.pairing import BlindPair, Contest, Side
from alpaca_nb.comparison.statistics import WinRate, win_rate
from alpaca_nb.errors import InputFileError
from alpaca_nb.files import Json, read_json
from alpaca_nb.records import Measure


@dataclass(frozen=True)
class Annotation:
    """One published verdict on two outputs; `side` is None where the judge gave none."""

    contest: Contest
    side: Side | None  # "A" is the first output of the file


@dataclass(frozen=True)
class PublishedCount:
    """A published comparison of Alpaca 7B with text-davinci-003, from Alpaca's side."""

    name: str
    judge: str
    wins: int
    losses: int
    ties: int
    source: str

    def rate(self) -> WinRate:
        """The win rate, ties counting half, with its intervals."""
        return win_rate(self.wins, self.losses, self.ties)


_ALPACA_EVAL = "tatsu-lab/alpaca_eval, results/alpaca-7b/alpaca_eval_gpt4/annotations.json at commit a023f53f"
PUBLISHED = (
    PublishedCount("Stanford’s 179 comparisons", "the five authors", 90, 89, 0, "Stanford Alpaca, blog, 2023-03-13"),
    PublishedCount("the same 252 tasks", "GPT-4", 63, 181, 8, f"{_ALPACA_EVAL}, rows of the set selfinstruct"),
    PublishedCount("all 805 tasks", "GPT-4", 205, 584, 16, _ALPACA_EVAL),
    PublishedCount(
        "all 805 tasks in another training", "AlpacaFarm’s judges", 320, 468, 16,
        "tatsu-lab/alpaca_farm, git history of auto_annotations/eval.py (SFT 52k, 40.80 %)",
    ),
)  # fmt: skip
# Win rates of alpaca-7b by subset of the 805, GPT-4 as judge: name, tasks, per cent. Source: the file above.
SUBSETS = (
    ("selfinstruct", 252, 26.6), ("oasst", 188, 27.9), ("koala", 156, 27.9), ("helpful_base", 129, 24.4),
    ("vicuna", 80, 23.1),
)  # fmt: skip


class PublishedJudge:
    """The judge of an annotation file: knows the pairs that stand there, in either order, and no others."""

    measure: Measure = "published"

    def __init__(self, annotations: Sequence[Annotation], name: str = "") -> None:
        self.name = name
        self._sides = {_key(a.contest.instruction, *a.contest.texts): a.side for a in annotations}

    async def rule(self, shown: BlindPair) -> Ruling:
        task = f"{shown.instruction}\n\n{shown.input}".strip()
        if (key := _key(task, shown.answer_a, shown.answer_b)) in self._sides:
            side = self._sides[key]
        elif (key := _key(task, shown.answer_b, shown.answer_a)) in self._sides:
            side = _turned(self._sides[key])
        else:
            return Ruling(None, reason="the file has no verdict on these two answers")
        return Ruling(side, said=(side,) if side else (), reason="" if side else "the published judge gave no verdict")


def read_annotations(path: Path) -> list[Annotation]:
    """Read an annotation file; raises `InputFileError` with the row and the field at fault."""
    value = read_json(path)
    if not isinstance(value, list) or not value:
        raise InputFileError(f"{path}: expected a JSON list of annotations, as AlpacaEval writes them")
    return [_annotation(row, number, path) for number, row in enumerate(value)]


def count_file(path: Path | str, model: str) -> WinRate:
    """`count` of a whole annotation file; raises `InputFileError` where a row does not judge `model`."""
    annotations = read_annotations(Path(path))
    for number, annotation in enumerate(annotations):
        if model not in (models := annotation.contest.models):
            raise InputFileError(f"{path}, row {number}: judges {models[0]!r} and {models[1]!r}, not {model!r}")
    if not any(annotation.side for annotation in annotations):
        raise InputFileError(f"{path}: no verdict in it")
    return count(annotations, model)


def count(annotations: Sequence[Annotation], model: str) -> WinRate:
    """Wins, losses and ties of `model` in an annotation file; pairs without a verdict are left out."""
    winners = Counter(
        "tie" if a.side == "tie" else a.contest.models[0 if a.side == "A" else 1] for a in annotations if a.side
    )
    return win_rate(winners[model], winners.total() - winners[model] - winners["tie"], winners["tie"])


def _annotation(row: Json, number: int, path: Path) -> Annotation:
    if not isinstance(row, dict):
        raise InputFileError(f"{path}, row {number}: not a JSON object")
    for name in ("instruction", "generator_1", "generator_2", "output_1", "output_2"):
        if not isinstance(row.get(name), str):
            raise InputFileError(f"{path}, row {number}: {name!r} should be text, found {row.get(name)!r:.60}")
    if row["generator_1"] == row["generator_2"]:
        raise InputFileError(f"{path}, row {number}: both outputs are by {row['generator_1']!r}")
    text = {name: str(value) for name, value in row.items()}
    contest = Contest(
        f"published_{number}",
        text["instruction"].strip(),
        "",
        (text["generator_1"], text["generator_2"]),
        (text["output_1"], text["output_2"]),
        category=text.get("dataset", ""),
    )
    return Annotation(contest, _side(row.get("preference"), f"{path}, row {number}"))


def _side(preference: Json, where: str) -> Side | None:
    if preference is None:
        return None
    if isinstance(preference, bool) or not isinstance(preference, int | float) or not 0 <= preference <= 2:
        raise InputFileError(f"{where}: preference should be 0, or between 1 and 2, or null; found {preference!r:.40}")
    if preference in (0, 1.5):
        return "tie"
    if preference < 1:
        raise InputFileError(f"{where}: preference is {preference}; between 0 and 1 it means nothing")
    return "A" if preference < 1.5 else "B"


def _key(task: str, first: str, second: str) -> tuple[str, str, str]:
    return " ".join(task.split()), first, second


def _turned(side: Side | None) -> Side | None:
    return {"A": "B", "B": "A"}.get(side or "", side)  # type: ignore[return-value]
