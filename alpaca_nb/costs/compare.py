"""Comparing runs: which parameters differ, and what became of the data, the quality and the bill.

Everything is read from the stage records and ledgers of the run folders; a run that stopped early shows what it has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpaca_nb.costs.accounting import Rates, cost_of_stage, finished_stages, number_in, total_usd
from alpaca_nb.costs.teacher_bills import teacher_bills, teacher_usd_of
from alpaca_nb.errors import InputFileError
from alpaca_nb.parameters import declared_by_stage
from alpaca_nb.runs import STAGES, Parameter, StageRecord, read_record

Records = Mapping[str, StageRecord]
_MISSING = "–"


@dataclass(frozen=True)
class Interval:
    """A measured number, with its 95 % interval where the stage gave one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Outcome:
    """One thing that runs are compared by; `better` says which direction is better, if either is."""

    name: str
    unit: str
    better: str  # "higher", "lower" or ""
    form: str  # how a value is written


@dataclass(frozen=True)
class RunSummary:
    """One run: its parameters, what differs in its surroundings, and its outcomes by name."""

    name: str
    parameters: Mapping[str, Parameter]
    surroundings: Mapping[str, str]
    outcomes: Mapping[str, Interval]


OUTCOMES = (
    Outcome("rows", "rows", "", "{:,.0f}"),
    Outcome("rows kept per request", "rows", "higher", "{:.1f}"),
    Outcome("candidates rejected", "share", "lower", "{:.1%}"),
    Outcome("held-out loss", "nats per token", "lower", "{:.3f}"),
    Outcome("right answers, strict", "share", "higher", "{:.1%}"),
    Outcome("right answers, lenient", "share", "higher", "{:.1%}"),
    Outcome("gain over untuned, lenient", "points", "higher", "{:+.1f}"),
    Outcome("won, by a judge model", "share", "higher", "{:.1%}"),
    Outcome("won, by people", "share", "higher", "{:.1%}"),
    Outcome("training speed", "tokens a second", "higher", "{:,.0f}"),
    Outcome("time", "seconds", "lower", "{:,.0f}"),
    Outcome("cost", "dollars", "lower", "${:,.4f}"),
)


def read_runs(run_dirs: Sequence[Path]) -> list[RunSummary]:
    """Summarise run folders; raises `InputFileError` for fewer than two, or for one in which no stage has finished."""
    folders = [run_dir.expanduser().resolve() for run_dir in run_dirs]
    if len(folders) < 2 or len(set(folders)) < len(folders):
        raise InputFileError("compare needs two run folders or more, each named once")
    names = _names(folders)
    return [_summary(folder, name) for folder, name in zip(folders, names, strict=True)]


def differing(summaries: Sequence[RunSummary]) -> list[str]:
    """Names of the parameters and surroundings that are not the same in all runs."""
    found = {name: None for each in summaries for name in (*each.parameters, *each.surroundings)}
    return [name for name in found if len({value_of(each, name) for each in summaries}) > 1]


def value_of(summary: RunSummary, name: str) -> str:
    """A parameter or a surrounding as text; a dash where the run does not have it."""
    if name in summary.parameters:
        value = summary.parameters[name]
        return f"{value:g}" if isinstance(value, float) else str(value) or "(empty)"
    return summary.surroundings.get(name, _MISSING)


def measured_outcomes(summaries: Sequence[RunSummary]) -> list[Outcome]:
    """The outcomes that at least one run has."""
    return [outcome for outcome in OUTCOMES if any(outcome.name in each.outcomes for each in summaries)]


def comparison_table(summaries: Sequence[RunSummary]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """(header, rows): what differed first, then the outcomes, each later run with its difference from the first."""
    header = ("", *(each.name for each in summaries))
    rows: list[tuple[str, ...]] = [
        (name, *(value_of(each, name) for each in summaries)) for name in differing(summaries)
    ]
    for outcome in measured_outcomes(summaries):
        found = [each.outcomes.get(outcome.name) for each in summaries]
        cells = [_cell(outcome, found[0], None), *(_cell(outcome, one, found[0]) for one in found[1:])]
        rows.append((f"{outcome.name} ({outcome.unit})", *cells))
    return header, rows


def _cell(outcome: Outcome, found: Interval | None, first: Interval | None) -> str:
    if found is None:
        return _MISSING
    text = outcome.form.format(found.value)
    if found.low is not None and found.high is not None:
        text += f" [{outcome.form.format(found.low)}, {outcome.form.format(found.high)}]"
    if first is None or first.value == 0 or found.value == first.value:
        return text
    if outcome.form.endswith("%}"):
        return f"{text} ({100 * (found.value - first.value):+.1f} points)"
    if outcome.unit == "points":
        return text
    return f"{text} ({found.value / first.value - 1:+.0%})"


def _summary(folder: Path, name: str) -> RunSummary:
    records = finished_stages(folder)
    if not records:
        raise InputFileError(f"no stage has finished in {folder}: nothing to compare")
    last = read_record(folder, STAGES[-1])
    all_records = [*records.values(), *([last] if last else [])]
    outcomes = {outcome: found for outcome, read in _READ.items() if (found := read(records)) is not None}
    bills = teacher_bills(folder, records)
    rates = _rates(last)
    costs = [cost_of_stage(record, rates, teacher_usd_of(stage, bills, record)) for stage, record in records.items()]
    outcomes["time"] = Interval(sum(cost.seconds for cost in costs))
    outcomes["cost"] = Interval(total_usd(costs))
    return RunSummary(
        name=name,
        parameters={key: value for record in all_records for key, value in record.parameters.items()},
        surroundings={
            "commit of the kit": _together(record.commit for record in all_records),
            "hardware": _together(record.device for record in records.values()),
            "torch": _together(record.versions.get("torch", "absent") for record in all_records),
            "stages done": ", ".join(stage[:2] for stage in records),
        },
        outcomes=outcomes,
    )


def _rates(last: StageRecord | None) -> Rates:
    """The rates that the run's own notebook 06 used, else that notebook's defaults."""
    declared = declared_by_stage()[STAGES[-1]]
    given = last.parameters if last else {}

    def number(name: str) -> float:
        return float(given.get(name, declared[name].default))

    own = bool(given.get("own_gpu", declared["own_gpu"].default))
    return Rates(number("usd_per_kwh"), number("watts"), number("usd_per_gpu_hour"), own, number("grams_co2_per_kwh"))


def _metric(stage: str, name: str) -> Callable[[Records], Interval | None]:
    def read(records: Records) -> Interval | None:
        value = number_in(records.get(stage), name)
        return None if value is None else Interval(value)

    return read


def _kept(records: Records) -> Interval | None:
    rows, requests = (number_in(records.get("02_generate_data"), name) for name in ("rows", "requests"))
    return Interval(rows / requests) if rows is not None and requests else None


def _rejected(records: Records) -> Interval | None:
    rows, candidates = (number_in(records.get("02_generate_data"), name) for name in ("rows", "candidates"))
    return Interval(1 - rows / candidates) if rows is not None and candidates else None


def _share(measure: str, name: str, factor: float = 1.0) -> Callable[[Records], Interval | None]:
    def read(records: Records) -> Interval | None:
        record = records.get("05_blind_comparison")
        found = record.metrics.get(measure) if record else None
        value = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(value, int | float):
            return None
        ends = found.get("interval") if name == "difference" else None
        low, high = (float(str(end)) * factor for end in ends) if isinstance(ends, list) else (None, None)
        return Interval(factor * value, low, high)

    return read


def _won(judge: str) -> Callable[[Records], Interval | None]:
    def read(records: Records) -> Interval | None:
        record = records.get("05_blind_comparison")
        found = record.metrics.get(judge) if record else None
        share = found.get("win_share") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(share, int | float):
            return None
        ends = found.get("win_range")
        low, high = (float(str(end)) for end in ends) if isinstance(ends, list) else (None, None)
        return Interval(float(share), low, high)

    return read


_READ: dict[str, Callable[[Records], Interval | None]] = {
    "rows": _metric("02_generate_data", "rows"),
    "rows kept per request": _kept,
    "candidates rejected": _rejected,
    "held-out loss": _metric("03_finetune_fsdp", "held_out_loss_after"),
    "right answers, strict": _share("strict", "tuned"),
    "right answers, lenient": _share("lenient", "tuned"),
    "gain over untuned, lenient": _share("lenient", "difference", 100.0),
    "won, by a judge model": _won("model"),
    "won, by people": _won("people"),
    "training speed": _metric("03_finetune_fsdp", "tokens_per_second"),
}


def _together(values: object) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values))  # type: ignore[attr-defined]


def _names(folders: Sequence[Path]) -> list[str]:
    """Folder names, with the parent's before them where two are the same."""
    plain = [folder.name for folder in folders]
    return [
        name if plain.count(name) == 1 else f"{folder.parent.name}/{name}"
        for name, folder in zip(plain, folders, strict=True)
    ]
