"""Opinions: verdicts of a judge model or of people on answers that no code can check, and what can be said of them.

`opinion_contests` finds the answers, `opinions` asks (or reads the ratings), `summary_of` counts, and the tables say
where a model won and how far judges agree.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.choices import RIVALS
from alpaca_nb.comparison.agreement import agreement
from alpaca_nb.comparison.answer_files import OPEN_ANSWERS, OPEN_QUESTIONS, by_question, open_contests, run_contests
from alpaca_nb.comparison.bias import Habits, habits, points_of
from alpaca_nb.comparison.engine import Judged, VerdictFile, compare
from alpaca_nb.comparison.judge_model import open_judge_model
from alpaca_nb.comparison.pairing import Contest
from alpaca_nb.comparison.raters import result_lines
from alpaca_nb.comparison.ratings import people_verdicts, ratings_of, ratings_path
from alpaca_nb.comparison.statistics import WinRate, win_rate
from alpaca_nb.errors import BudgetError, InputFileError, LedgerError, RecipeError, TeacherError
from alpaca_nb.evaluation_sets.categories import category_counts
from alpaca_nb.evaluation_sets.downloads import fetched
from alpaca_nb.progress import Progress
from alpaca_nb.records import Verdict
from alpaca_nb.teacher.settings import TeacherSettings

JUDGE_LEDGER = "comparison/judge_ledger.jsonl"
TUNED = "tuned"


@dataclass(frozen=True)
class OpinionSummary:
    """What a judge with opinions said of the tuned model against `rival`."""

    rival: str
    rate: WinRate
    habits: Habits
    undecided: int
    identical: int = 0  # of the ties: pairs of identical answers, on which nobody was asked

    def words(self) -> list[str]:
        """The result in a few lines, warnings first."""
        lines = [*self.habits.warnings, f"tuned against {self.rival}: {self.rate.words()}"]
        controlled = self.habits.length_controlled
        lines.append(f"bootstrap interval {self.rate.resampled.percent()}; sign test p {self.rate.p_value:.2g}")
        lines.append(f"at equal lengths: {controlled.percent() if controlled else 'cannot be told'}")
        lines.append(f"ties without asking, the answers being identical: {self.identical}")
        lines.append(f"without a verdict (never counted): {self.undecided}")
        return lines

    def metrics(self) -> dict[str, float | int | str | list[float] | None]:
        """The form in which the stage record keeps it."""
        controlled = self.habits.length_controlled
        return {
            "rival": self.rival,
            "wins": self.rate.wins,
            "losses": self.rate.losses,
            "ties": self.rate.ties,
            "identical": self.identical,
            "win_share": self.rate.wilson.value,
            "win_range": [self.rate.wilson.low, self.rate.wilson.high],
            "p_value": self.rate.p_value,
            "length_controlled_share": controlled.value if controlled else None,
            "undecided": self.undecided,
        }


def opinion_contests(run_dir: Path, rival: str = "untuned", rival_path: str = "") -> list[Contest]:
    """The pairs to have opinions on: open answers where notebook 04 made some, else those to the checkable questions.

    `rival` is "untuned" or "text-davinci-003" (fetched), `rival_path` a file of any other model's answers. Raises
    `InputFileError` where answers to the open tasks are missing, `RecipeError` for a rival that is not known.
    """
    if not rival_path and rival not in RIVALS:
        raise RecipeError(f"rival={rival!r} is not known: {' or '.join(RIVALS)}; rival_path takes any file of answers")
    if not rival_path and rival == "untuned":
        return run_contests(run_dir)
    if not (run_dir / OPEN_ANSWERS).exists():
        raise InputFileError("another rival needs open answers: run notebook 04 with an evaluation_set")
    if rival_path:
        return open_contests(run_dir, Path(rival_path).expanduser())
    return open_contests(run_dir, fetched(rival), rival)


async def opinions(
    judge: str,
    contests: Sequence[Contest],
    seed: int,
    file: VerdictFile,
    run_dir: Path,
    settings: TeacherSettings | None,
    concurrency: int,
) -> tuple[Judged, float]:
    """Verdicts of `judge` ("model" or "people"; none for any other) and the dollars they cost.

    Raises `BudgetError`, `TeacherError` or `LedgerError` where a judge model cannot go on; what was judged is kept.
    Raises `InputFileError` where people have rated other pairs than these, or none: a stage that was done with no
    opinion would not be run again for the ratings that come after it.
    """
    if judge == "people":
        verdicts = people_verdicts(ratings_of(ratings_path(run_dir, contests), contests), contests, seed)
        known = {verdict.question_id for verdict in verdicts}
        if not known:
            raise InputFileError(
                f"judge=people, but nobody has rated these pairs yet: collect ratings with `alpaca-nb rate {run_dir}` "
                "(and the --rival or --rival-path of this notebook), then run notebook 05 again"
            )
        file.append(verdicts)
        return Judged(verdicts, {c.question_id: "not rated" for c in contests if c.question_id not in known}), 0.0
    if judge != "model" or settings is None:
        return Judged([], {}), 0.0
    progress = Progress(f"pairs judged by {settings.model}", len(contests), run_dir)
    done = 0

    def report() -> None:
        nonlocal done
        done += 1
        progress.update(done)

    try:
        async with open_judge_model(settings, run_dir / JUDGE_LEDGER) as model:
            judged = await compare(model, contests, seed, file, concurrency=concurrency, report=report)
            return judged, model.spent_usd
    except (BudgetError, LedgerError, TeacherError) as error:  # in the words of this notebook's parameters
        words = re.sub(r"\b(?:teacher_(?=\w)|(?=budget_usd))", "judge_", str(error))
        raise type(error)(words) from None


def further_inputs(run_dir: Path, contests: Sequence[Contest], rival_path: str = "") -> list[Path]:
    """The files beside the checkable answers that this stage has read: open tasks, answers to them, ratings."""
    paths = [run_dir / OPEN_QUESTIONS, run_dir / OPEN_ANSWERS, ratings_path(run_dir, contests), Path(rival_path)]
    return [path for path in paths if path.is_file()]


def summary_of(judged: Judged, contests: Sequence[Contest]) -> OpinionSummary | None:
    """Counts, rate and habits, from the tuned model's side; None where there is no verdict."""
    if not judged.verdicts:
        return None
    points = points_of(judged.verdicts, TUNED)
    rate = win_rate(points.count(1), points.count(0), points.count(0.5))
    rival = next(model for model in contests[0].models if model != TUNED)
    known = by_question(contests)
    identical = sum(known[verdict.question_id].identical for verdict in judged.verdicts)
    return OpinionSummary(rival, rate, habits(judged.verdicts, known, TUNED), len(judged.undecided), identical)


def category_rows(verdicts: Sequence[Verdict], contests: Sequence[Contest]) -> list[tuple[str, int, int, int, str]]:
    """(category, wins, losses, ties, win rate with interval) of the tuned model, largest category first."""
    categories = {contest.question_id: contest.category or "all" for contest in contests}
    points = points_of(verdicts, TUNED)
    counts = category_counts((categories[v.question_id], point) for v, point in zip(verdicts, points, strict=True))
    return [(name, *count, win_rate(*count, resamples=200).wilson.percent()) for name, count in counts.items()]


def winners_by_judge(
    verdicts: Sequence[Verdict], run_dir: Path, contests: Sequence[Contest], seed: int
) -> dict[str, dict[str, str]]:
    """Judge → question → winner: every measure among the verdicts, and people where they rated these contests.

    Identical answers are left out: nobody judged them, so nobody agreed on them.
    """
    try:
        people = people_verdicts(ratings_of(ratings_path(run_dir, contests), contests), contests, seed)
    except InputFileError:  # ratings of other pairs: `rater_lines` says so
        people = []
    found: dict[str, dict[str, str]] = {}
    identical = {contest.question_id for contest in contests if contest.identical}
    for verdict in [*verdicts, *people]:
        if verdict.question_id in identical:
            continue
        found.setdefault(verdict.measure, {})[verdict.question_id] = verdict.winner
    return found


def rater_lines(run_dir: Path, contests: Sequence[Contest]) -> list[str]:
    """What `alpaca-nb rate` says at its end: each rater's pace and habits, their agreement, and the majority."""
    try:
        return result_lines(ratings_of(ratings_path(run_dir, contests), contests), by_question(contests))
    except InputFileError as error:
        return [str(error)]


def agreement_rows(winners: Mapping[str, Mapping[str, str]]) -> list[tuple[str, int, str, str]]:
    """(two judges, pairs both judged, share of equal verdicts, Cohen's kappa) for every two judges that met."""
    names, rows = list(winners), []
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            if found := agreement(winners[one], winners[other]):
                kappa = "–" if found.kappa is None else f"{found.kappa:.2f}"
                rows.append((f"{one} and {other}", found.pairs, found.share.percent(), kappa))
    return rows
