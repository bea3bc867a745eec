"""The fold: recorded answers in request order become rows and rejections.

Novelty depends on order, so order must not depend on the network: answers are taken by request index, never as they
arrive. The fold stops for good at the last row wanted, in the middle of an answer if need be; so rows, provenance and
rejections are the same bytes whatever the concurrency, and whatever was asked beyond them.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from alpaca_nb.generation.filters import ALL_FILTERS, filters_of, reject_reason
from alpaca_nb.generation.kept_rows import KeptRow, KeptRows
from alpaca_nb.generation.novelty import NoveltyFilter
from alpaca_nb.generation.parse import parse_answer
from alpaca_nb.generation.pieces import Parsed
from alpaca_nb.generation.protocol import Protocol
from alpaca_nb.generation.rejections import Rejections
from alpaca_nb.records import Candidate, Example, Rejection, Usage
from alpaca_nb.teacher.answers import TeacherAnswer

NEAR_DUPLICATE = "near_duplicate"
Reader = Callable[[tuple[TeacherAnswer, ...]], Parsed]  # of the answers to one item of work
Check = Callable[[Example], tuple[str, str] | None]  # reason and detail for a row that must not be in the data set


@dataclass
class Fold:
    """Rows and rejections so far. Take answers with `take`, one after the other by request index."""

    wanted: int
    read: Reader
    known: NoveltyFilter
    texts: list[str]  # instructions that `nearest_index` counts
    protocol: Protocol = "repaired"
    filters: frozenset[str] = ALL_FILTERS
    check: Check | None = None  # of a candidate that passed the filters
    kept: KeptRows = field(default_factory=KeptRows)
    rejected: Rejections = field(default_factory=Rejections)
    answers: int = 0
    barren: int = 0  # answers in a row without a kept row

    @property
    def complete(self) -> bool:
        """Whether all rows wanted are there."""
        return len(self.kept) >= self.wanted

    def take(self, *answers: TeacherAnswer) -> int:
        """Go through the answers to one item, of which the last may be faulty; returns how many tasks were kept."""
        if self.complete:
            return 0
        before = len(self.kept)
        self.answers += 1
        last = answers[-1]
        if last.fault:
            self.rejected.add(Rejection(last.request_index, 0, last.fault, last.text, end=len(last.text)))
        else:
            self._take_tasks(answers)
        self.barren = 0 if len(self.kept) > before else self.barren + 1
        return len(self.kept) - before

    def _take_tasks(self, answers: tuple[TeacherAnswer, ...]) -> None:
        parsed = self.read(answers)
        for task in parsed.tasks:
            if self.complete:
                return
            if isinstance(task, Rejection):
                self.rejected.add(task)
            else:
                self._judge(task, answers, parsed.raw(task))

    def _judge(self, candidate: Candidate, answers: tuple[TeacherAnswer, ...], raw: str) -> None:
        if reason := reject_reason(candidate, self.filters):
            self._reject(candidate, reason, raw)
            return
        row = Example(candidate.instruction, candidate.input, candidate.output)
        if self.check is not None and (found := self.check(row)):
            self._reject(candidate, found[0], raw, found[1])
            return
        verdict = self.known.judge(candidate.instruction)
        if not verdict.kept:
            near = f"ROUGE-L {verdict.nearest_score:.3f} with: {self.texts[verdict.nearest_index]}"
            self._reject(candidate, NEAR_DUPLICATE, raw, near)
            return
        self.texts.append(candidate.instruction)
        model, usage = answers[-1].model, _sum_of(answers)
        self.kept.append(KeptRow(candidate, verdict.nearest_index, verdict.nearest_score, model, usage))

    def _reject(self, task: Candidate, reason: str, raw: str, detail: str = "") -> None:
        place = (task.start, task.end)
        self.rejected.add(Rejection(task.request_index, task.position, reason, raw, detail, *place))


def empty_fold(
    seed_instructions: Sequence[str],
    read: Reader,
    *,
    wanted: int,
    threshold: float,
    protocol: Protocol = "repaired",
    filters: Collection[str] = ALL_FILTERS,
    check: Check | None = None,
    rejected: Rejections | None = None,
    kept: KeptRows | None = None,
) -> Fold:
    """A fold that knows the seed tasks only: they count as kept, so that no row repeats one.

    Of `filters`, those hold that the protocol has (see `filters.filters_of`).
    """
    known = NoveltyFilter(threshold)
    for instruction in seed_instructions:
        known.keep(instruction)
    return Fold(
        wanted,
        read,
        known,
        list(seed_instructions),
        protocol,
        filters_of(protocol, filters),
        check,
        kept=KeptRows() if kept is None else kept,
        rejected=Rejections() if rejected is None else rejected,
    )


def fold(
    answers: Iterable[TeacherAnswer],
    seed_instructions: Sequence[str],
    *,
    wanted: int,
    first_position: int,
    threshold: float,
    protocol: Protocol = "repaired",
    filters: Collection[str] = ALL_FILTERS,
    rejected: Rejections | None = None,
) -> Fold:
    """Fold answers of one request each, in any order; the result depends on their request indices only."""

    def read(of_item: tuple[TeacherAnswer, ...]) -> Parsed:
        answer = of_item[0]
        return parse_answer(
            answer.text,
            request_index=answer.request_index,
            first_position=first_position,
            finish_reason=answer.finish_reason,
            protocol=protocol,
        )

    folded = empty_fold(
        seed_instructions,
        read,
        wanted=wanted,
        threshold=threshold,
        protocol=protocol,
        filters=filters,
        rejected=rejected,
    )
    for answer in sorted(answers, key=lambda answer: answer.request_index):
        folded.take(answer)
    return folded


def _sum_of(answers: Sequence[TeacherAnswer]) -> Usage | None:
    """The usage of all requests of an item; None where the endpoint did not say of one."""
    known = [answer.usage for answer in answers if answer.usage is not None]
    if len(known) < len(answers):
        return None
    if len(known) == 1:
        return known[0]
    return Usage(sum(usage.prompt_tokens for usage in known), sum(usage.completion_tokens for usage in known))
