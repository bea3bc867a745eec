"""The parts of the report that need choosing: the five numbers, a few pairs of answers, readable tables.

Everything here handles absence: a run may have stopped anywhere, and its report still says what there is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from alpaca_nb.costs.accounting import number_in
from alpaca_nb.costs.jobs import TEACHER_TODAY
from alpaca_nb.costs.stage import Analysis
from alpaca_nb.costs.tables import dollars, estimate_range
from alpaca_nb.evaluation_sets.categories import APPS, OUR_READING
from alpaca_nb.files import Json
from alpaca_nb.record_files import read_records
from alpaca_nb.records import Answer, CheckableTask, Verdict
from alpaca_nb.runs import StageRecord

NOT_MEASURED = "not measured"
COMPARISON_HEADER = ("Measure", "Untuned", "Tuned", "Difference, 95 % interval", "Wins", "Losses", "Ties", "Sign test")
CATEGORY_HEADER = ("Category", "Wins", "Losses", "Ties", "Win rate, 95 % interval")
_JUDGES = {"model": "a model", "people": "people (majority)"}
SMALLEST_P = 0.001  # below it the size says nothing more


@dataclass(frozen=True)
class Headline:
    """One of the five numbers at the top of the report."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class AnswerPair:
    """One question with both models' answers, and who was right under the lenient measure."""

    kind: str
    task: CheckableTask
    untuned: str
    tuned: str
    untuned_right: bool
    tuned_right: bool


def headlines(analysis: Analysis) -> list[Headline]:
    """Rows, held-out loss, right answers, dollars here, dollars projected: each with a word on what it means."""
    records, usd_here = analysis.records, analysis.usd_here
    training = records.get("03_finetune_fsdp")
    rows = number_in(records.get("02_generate_data"), "rows")
    before, after = number_in(training, "held_out_loss_before"), number_in(training, "held_out_loss_after")
    teacher = records["02_generate_data"].metrics.get("teacher", "") if rows is not None else ""
    held_out = number_in(training, "rows_held_out")
    return [
        Headline(
            "Training rows made",
            f"{rows:,.0f}" if rows is not None else NOT_MEASURED,
            f"by the teacher “{teacher}”" if rows is not None else "stage 02 has not run here",
        ),
        Headline(
            "Held-out loss, before → after",
            f"{before:.2f} → {after:.2f}" if before is not None and after is not None else NOT_MEASURED,
            f"on {held_out:.0f} rows the model never saw" if held_out is not None else "nats per token of the answers",
        ),
        right_answers(records.get("05_blind_comparison")),
        Headline(
            "Dollars this run cost",
            f"${usd_here:,.4f}" if usd_here < 1 else f"${usd_here:,.2f}",
            f"teacher, electricity and rent; {analysis.kwh:.3g} kWh, {analysis.grams_co2:,.0f} g of CO2",
        ),
        Headline(
            f"Dollars for {analysis.rows:,} rows and a 7B model",
            _about(analysis.usd_projected),
            f"projected: {estimate_range(analysis.now.cost.usd)}; teacher {TEACHER_TODAY}, one rented H200; the "
            "article said less than $600 for 52,000",
        ),
    ]


def _about(usd: float) -> str:
    """A projection in a few figures; a small one in cents, or as a bound."""
    return f"about ${usd:,.0f}" if usd >= 10 else f"about {dollars(usd)}" if usd >= 0.01 else dollars(usd)


def right_answers(record: StageRecord | None) -> Headline:
    """Share of right answers before and after under the lenient measure, with the interval of the difference."""
    label = "Right answers, before → after"
    lenient = record.metrics.get("lenient") if record else None
    if record is None or not isinstance(lenient, dict):
        return Headline(label, NOT_MEASURED, "stage 05 has not run here")
    untuned, tuned, difference = _number(lenient["untuned"]), _number(lenient["tuned"]), _number(lenient["difference"])
    ends = lenient["interval"]
    low, high = (_number(end) for end in ends) if isinstance(ends, list) else (difference, difference)
    note = (
        f"lenient measure; difference {100 * difference:+.0f} points "
        f"(95 % interval {100 * low:+.0f} to {100 * high:+.0f})"
    )
    return Headline(label, f"{100 * untuned:.0f} % → {100 * tuned:.0f} %", note)


def answer_pairs(run_dir: Path) -> list[AnswerPair]:
    """Up to four pairs: the first that the tuned model won, that it lost, both right, both wrong (lenient measure).

    First in the file's order, not the prettiest. Empty where stages 04 and 05 have not both run.
    """
    paths = [run_dir / name for name in ("questions.jsonl", "answers.jsonl", "comparison.jsonl")]
    if not all(path.exists() for path in paths):
        return []
    tasks = {task.id: task for task in read_records(paths[0], CheckableTask)}
    texts = {(answer.question_id, answer.model): answer.text for answer in read_records(paths[1], Answer)}
    verdicts = [verdict for verdict in read_records(paths[2], Verdict) if verdict.measure == "lenient"]
    verdicts = [v for v in verdicts if {(v.question_id, "tuned"), (v.question_id, "untuned")} <= texts.keys()]
    kinds = {
        "Tuned model won": ("tuned", True),
        "Tuned model lost": ("untuned", False),
        "Both right": ("tie", True),
        "Both wrong": ("tie", False),
    }
    pairs = []
    for kind, wanted in kinds.items():
        for verdict in verdicts:
            key = verdict.question_id
            if (verdict.winner, verdict.tuned_right) == wanted and key in tasks:
                marks = bool(verdict.untuned_right), bool(verdict.tuned_right)
                pairs.append(AnswerPair(kind, tasks[key], texts[key, "untuned"], texts[key, "tuned"], *marks))
                break
    return pairs


def flat(metrics: Mapping[str, Json], prefix: str = "") -> list[tuple[str, str]]:
    """Nested metrics as (name in words, value) rows."""
    rows: list[tuple[str, str]] = []
    for name, value in metrics.items():
        words = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, dict):
            rows += flat(value, f"{words}: ")
        else:
            rows.append((words, measured(name, value)))
    return rows


def measured(name: str, value: Json) -> str:
    """A metric's value in its own unit: shares in per cent, differences of shares in points, p-values rounded."""
    if name == "interval" and isinstance(value, list):
        return " to ".join(f"{100 * _number(end):+.1f}" for end in value) + " points"
    if not isinstance(value, float):
        return readable(value)
    if name == "difference":
        return f"{100 * value:+.1f} points"
    if name in ("untuned", "tuned") or name.endswith("share"):
        return f"{100 * value:.1f} %"
    if name == "p_value":
        return f"p < {SMALLEST_P}" if value < SMALLEST_P else f"p = {value:.3f}"
    return readable(value)


def comparison_rows(record: StageRecord | None) -> list[tuple[str, ...]]:
    """One row for each measure of stage 05, as `COMPARISON_HEADER` names its cells."""
    rows: list[tuple[str, ...]] = []
    for measure in ("strict", "lenient"):
        found = record.metrics.get(measure) if record else None
        if isinstance(found, dict):
            cells = {name: measured(name, value) for name, value in found.items()}
            difference = f"{cells.get('difference', '–')} ({cells.get('interval', '–').removesuffix(' points')})"
            counts = (cells.get(name, "–") for name in ("wins", "losses", "ties", "p_value"))
            rows.append((measure, cells.get("untuned", "–"), cells.get("tuned", "–"), difference, *counts))
    return rows


def category_rows(record: StageRecord | None) -> list[tuple[str, ...]]:
    """One row for each category that people or a judge model gave verdicts in, as `CATEGORY_HEADER` names its cells."""
    found = record.metrics.get("by_category") if record else None
    if not isinstance(found, dict):
        return []
    return [(name, *map(readable, cells)) for name, cells in found.items() if isinstance(cells, list)]


def category_note(record: StageRecord | None) -> str:
    """What the categories' table means: who judged whom, and whose reading the article's categories are."""
    judge = str(record.parameters.get("judge")) if record else ""
    found = record.metrics.get(judge) if record else None
    if record is None or not isinstance(found, dict):
        return ""
    words = f"Wins and losses of the tuned model against {found.get('rival')}, judged by {_JUDGES.get(judge, judge)}."
    ours = {row[0] for row in category_rows(record)} & APPS.keys()
    return f"{words} {OUR_READING}" if ours else words


def readable(value: Json) -> str:
    """A value for a table cell; a path of the machine is cut to its last name."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list):
        return " to ".join(readable(item) for item in value) if len(value) == 2 else ", ".join(map(readable, value))
    if isinstance(value, str):
        return _without_folders(value)
    return "none" if value is None else str(value)


def together(dictionaries: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Merge what the records say of versions; a value that differs between stages shows all of them."""
    merged: dict[str, list[str]] = {}
    for dictionary in dictionaries:
        for name, value in dictionary.items():
            if value not in merged.setdefault(name, []):
                merged[name].append(value)
    return {name: ", ".join(values) for name, values in merged.items()}


def _without_folders(text: str) -> str:
    if PurePosixPath(text).is_absolute() or text.startswith("~"):
        return PurePosixPath(text).name
    return PureWindowsPath(text).name if PureWindowsPath(text).drive else text


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
