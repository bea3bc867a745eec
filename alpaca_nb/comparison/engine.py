"""The comparison itself: contests in, verdicts out, each on the disk before the next is asked for.

`comparison.jsonl` grows by whole lines that are fsynced. A comparison that was stopped goes on: a verdict counts
again if judge, order and texts are the same to the letter. Identical answers tie without asking. A pair without a
verdict (nonsense, a refusal, a time-out) is returned as undecided and never stands in the file.
"""

import asyncio
import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.comparison.judge import Judge, Ruling
from alpaca_nb.comparison.pairing import IDENTICAL, BlindPair, Contest, blind_pair, unblind
from alpaca_nb.files import write_text
from alpaca_nb.record_files import read_records, write_records
from alpaca_nb.records import Verdict

_Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Judged:
    """What a judge made of the contests: `verdicts` in their order, `undecided` with the reason of each."""

    verdicts: list[Verdict]
    undecided: dict[str, str]  # question id → why there is no verdict


class VerdictFile:
    """`comparison.jsonl`: opened, it holds what an earlier, stopped comparison left; a torn last line is cut off.

    Without a path it is kept in memory only, for trying things out.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._known: dict[_Key, Verdict] = {}
        if path is not None and path.exists():
            whole_lines = path.read_text(encoding="utf-8", errors="replace").rpartition("\n")[0]
            write_text(path, whole_lines and whole_lines + "\n")
            self._known = {_key(verdict): verdict for verdict in read_records(path, Verdict)}

    def find(self, question_id: str, judge: Judge, compared: str) -> Verdict | None:
        """The verdict of this judge on exactly this pair, if it is there."""
        return self._known.get((question_id, judge.measure, judge.name, compared))

    def append(self, verdicts: Iterable[Verdict]) -> None:
        """Add verdicts as one write that is on the disk when this returns."""
        new = list(verdicts)
        self._known.update((_key(verdict), verdict) for verdict in new)
        if self.path is None:
            return
        lines = "".join(json.dumps(dataclasses.asdict(verdict), ensure_ascii=False) + "\n" for verdict in new)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())

    def settle(self, verdicts: Sequence[Verdict]) -> None:
        """Leave exactly these verdicts in the file, in their order: those of other texts or judges go."""
        if self.path is not None and (not self.path.exists() or read_records(self.path, Verdict) != list(verdicts)):
            write_records(self.path, verdicts)
        self._known = {_key(verdict): verdict for verdict in verdicts}


async def compare(
    judge: Judge,
    contests: Sequence[Contest],
    seed: int,
    file: VerdictFile,
    *,
    concurrency: int = 1,
    report: Callable[[], None] = lambda: None,
) -> Judged:
    """Let one judge decide every contest, `concurrency` at a time; calls `report` after each verdict.

    An error of the judge (its budget is used up, say) stops the asking; pairs on their way are waited for, their
    verdicts kept, and the error raised.
    """
    gate = asyncio.Semaphore(concurrency)
    verdicts: dict[int, Verdict] = {}
    undecided: dict[str, str] = {}
    errors: list[Exception] = []

    async def decide(number: int, contest: Contest) -> None:
        shown, order = blind_pair(contest, seed)
        if known := file.find(contest.question_id, judge, shown.digest()):
            verdicts[number] = known
            return
        async with gate:
            if errors:
                return
            try:
                ruling = await _ask(judge, shown)
            except Exception as error:
                errors.append(error)
                return
        if ruling.side is None:
            undecided[contest.question_id] = ruling.reason
        else:
            verdicts[number] = _verdict(judge, shown, order, ruling)
            file.append([verdicts[number]])
        report()

    await asyncio.gather(*(decide(number, contest) for number, contest in enumerate(contests)))
    if errors:
        raise errors[0]
    return Judged([verdicts[number] for number in sorted(verdicts)], undecided)


async def _ask(judge: Judge, shown: BlindPair) -> Ruling:
    if shown.identical and judge.measure not in ("strict", "lenient"):  # code marks them all the same
        return Ruling("tie", reason=IDENTICAL)
    return await judge.rule(shown)


def _verdict(judge: Judge, shown: BlindPair, order: tuple[str, str], ruling: Ruling) -> Verdict:
    assert ruling.side is not None
    marks = dict(zip(order, ruling.right, strict=True)) if ruling.right else {}
    return Verdict(
        question_id=shown.question_id,
        measure=judge.measure,
        shown_first=order[0],
        shown_second=order[1],
        winner=unblind(ruling.side, order),
        tuned_right=marks.get("tuned"),
        untuned_right=marks.get("untuned"),
        said=ruling.said,
        reason=ruling.reason,
        judge=judge.name,
        compared=shown.digest(),
    )


def _key(verdict: Verdict) -> _Key:
    return verdict.question_id, verdict.measure, verdict.judge, verdict.compared
