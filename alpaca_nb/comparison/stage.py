"""Stage 05 at the edge: answers from the run folder → blind verdicts → counts with their uncertainty.

`read_pairs` refuses anything but exactly one answer of each model to each question, because a missing answer counted
as wrong, or a double one counted twice, would decide a close comparison without a word.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.checkable_tasks import FAMILIES
from alpaca_nb.checkable_tasks.marking import Measure
from alpaca_nb.comparison.engine import VerdictFile, compare
from alpaca_nb.comparison.judge import MEASURES, CheckableJudge
from alpaca_nb.comparison.pairing import Contest
from alpaca_nb.comparison.statistics import Estimate, paired_difference, share_right, sign_test
from alpaca_nb.errors import InputFileError
from alpaca_nb.record_files import read_records
from alpaca_nb.records import Answer, CheckableTask, Verdict

_TOPICS = {family.name: family.topic for family in FAMILIES}


@dataclass(frozen=True)
class Pair:
    """One question with the answers of both models."""

    task: CheckableTask
    untuned: str
    tuned: str


@dataclass(frozen=True)
class Outcome:
    """The comparison under one measure; shares between 0 and 1, `difference` is tuned minus untuned."""

    measure: Measure
    questions: int
    untuned: Estimate
    tuned: Estimate
    difference: Estimate
    wins: int
    losses: int
    ties: int
    p_value: float

    def metrics(self) -> dict[str, float | int | list[float]]:
        """The form in which the stage record keeps an outcome."""
        return {
            "untuned": self.untuned.value,
            "tuned": self.tuned.value,
            "difference": self.difference.value,
            "interval": [self.difference.low, self.difference.high],
            "wins": self.wins,
            "losses": self.losses,
            "ties": self.ties,
            "p_value": self.p_value,
        }


@dataclass(frozen=True)
class TopicRate:
    """Shares of right answers within one topic: a handful of related families of tasks."""

    topic: str
    questions: int
    untuned: float
    tuned: float


def read_pairs(questions_path: Path, answers_path: Path) -> list[Pair]:
    """Join questions and answers in the questions' order; raises `InputFileError` for a missing or double entry."""
    tasks = read_records(questions_path, CheckableTask)
    if not tasks:
        raise InputFileError(f"{questions_path}: no questions in it; run notebook 04_inference again")
    twice = [name for name, count in Counter(task.id for task in tasks).items() if count > 1]
    if twice:
        raise InputFileError(f"{questions_path}: question id {twice[0]!r} occurs twice; ids must be unique")
    texts: dict[tuple[str, str], str] = {}
    for answer in read_records(answers_path, Answer):
        key = (answer.question_id, answer.model)
        if key in texts:
            raise InputFileError(f"{answers_path}: the {answer.model} model answers question {key[0]!r} twice")
        texts[key] = answer.text
    known = {task.id for task in tasks}
    for question_id, model in texts:
        if question_id not in known:
            raise InputFileError(
                f"{answers_path}: {model} answer to {question_id!r}, which {questions_path.name} lacks"
            )
    for task in tasks:
        for model in ("untuned", "tuned"):
            if (task.id, model) not in texts:
                raise InputFileError(
                    f"{answers_path}: no {model} answer to question {task.id!r}; run notebook 04_inference again"
                )
    return [Pair(task, texts[task.id, "untuned"], texts[task.id, "tuned"]) for task in tasks]


def contest_of(pair: Pair) -> Contest:
    """The pair as the engine takes it; its category is the topic of its family of tasks."""
    return Contest(
        pair.task.id,
        pair.task.instruction,
        pair.task.input,
        models=("untuned", "tuned"),
        texts=(pair.untuned, pair.tuned),
        category=topic_of(pair.task),
        reference=pair.task.answer,
    )


def topic_of(task: CheckableTask) -> str:
    """The topic of a task's family; a family unknown to this version of the kit is a topic of its own."""
    return _TOPICS.get(task.family, task.family)


async def compare_all(pairs: Sequence[Pair], seed: int, file: VerdictFile) -> list[Verdict]:
    """Every pair under both measures, strict first; the A/B order of a question is the same under both."""
    contests, tasks = [contest_of(pair) for pair in pairs], [pair.task for pair in pairs]
    judged = [await compare(CheckableJudge(tasks, measure), contests, seed, file) for measure in MEASURES]
    return [verdict for each in judged for verdict in each.verdicts]


def outcome(verdicts: Sequence[Verdict], measure: Measure, *, resamples: int, seed: int) -> Outcome:
    """Count the verdicts of one measure and say how sure one may be."""
    chosen = [verdict for verdict in verdicts if verdict.measure == measure]
    tuned, untuned = [bool(v.tuned_right) for v in chosen], [bool(v.untuned_right) for v in chosen]
    winners = Counter(verdict.winner for verdict in chosen)
    return Outcome(
        measure=measure,
        questions=len(chosen),
        untuned=share_right(sum(untuned), len(chosen)),
        tuned=share_right(sum(tuned), len(chosen)),
        difference=paired_difference(tuned, untuned, resamples=resamples, seed=seed),
        wins=winners["tuned"],
        losses=winners["untuned"],
        ties=winners["tie"],
        p_value=sign_test(winners["tuned"], winners["untuned"]),
    )


def topic_rates(pairs: Sequence[Pair], verdicts: Sequence[Verdict], measure: Measure) -> list[TopicRate]:
    """Shares right per topic, best tuned first (equal ones: best untuned, then by name)."""
    topics = {pair.task.id: topic_of(pair.task) for pair in pairs}
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.measure == measure:
            groups.setdefault(topics[verdict.question_id], []).append(verdict)
    rates = [
        TopicRate(
            topic,
            len(group),
            untuned=sum(bool(v.untuned_right) for v in group) / len(group),
            tuned=sum(bool(v.tuned_right) for v in group) / len(group),
        )
        for topic, group in groups.items()
    ]
    return sorted(rates, key=lambda rate: (-rate.tuned, -rate.untuned, rate.topic))


def verdict_in_words(result: Outcome) -> str:
    """One sentence that claims no more than the interval allows."""
    gap = result.difference
    span = f"{100 * gap.value:+.1f} points ({100 * gap.low:+.1f} to {100 * gap.high:+.1f})"
    if gap.low > 0:
        return f"{result.measure}: the tuned model is better, by {span}"
    if gap.high < 0:
        return f"{result.measure}: the tuned model is worse, by {span}"
    return f"{result.measure}: no difference seen, {span}"
