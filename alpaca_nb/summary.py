"""The table at the end of a run: each stage with its status, its seconds and the one number to look at first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alpaca_nb.runs import StageRecord

CAVEATS = {
    "smollm2-135m": (
        "The base model had been instruction-tuned before, for another (chat) format: here it is re-tuned. Much of\n"
        "the strict gain is the new format; the gain in any form is in these families of tasks, not in general ability."
    ),
    "random-llama-1m": "The base model is random: these results test the kit and say nothing about fine-tuning.",
}


@dataclass(frozen=True)
class Outcome:
    """What became of one stage: done, skipped, failed, stopped or not run; a skipped one keeps its record's seconds.

    The seconds are those of the whole stage, the start of its notebook included.
    """

    stage: str
    status: str
    seconds: float
    record: StageRecord | None


def summary_table(outcomes: Sequence[Outcome]) -> str:
    """The outcomes as aligned text, one line a stage below a header and a rule."""
    rows = [("stage", "status", "seconds", "result")]
    for item in outcomes:
        seconds = f"{item.seconds:.1f}" if item.status != "not run" else ""
        rows.append((item.stage, item.status, seconds, key_metric(item.record)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{stage:<{widths[0]}}  {status:<{widths[1]}}  {seconds:>{widths[2]}}  {result}".rstrip()
        for stage, status, seconds, result in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def key_metric(record: StageRecord | None) -> str:
    """The one result of a stage in a few words; empty where its record holds no such metric."""
    if record is None or record.stage not in _KEY_METRICS:
        return ""
    try:
        return _KEY_METRICS[record.stage](record.metrics)
    except (KeyError, TypeError, ValueError):
        return ""  # a table of results must not fail a run whose records are good


def caveat(outcomes: Sequence[Outcome]) -> str:
    """What must stand beside the result of the comparison, where its base model makes it look like more than it is."""
    records = {item.stage: item.record for item in outcomes if item.record is not None}
    answered = records.get("04_inference")
    if answered is None or not key_metric(records.get("05_blind_comparison")):
        return ""
    return CAVEATS.get(str(answered.parameters.get("base_model")), "")


def _generation(metrics: Mapping[str, Any]) -> str:
    return f"{metrics['rows']} rows of {metrics['candidates']} candidates, ${metrics['usd']:.2f}"


def _finetuning(metrics: Mapping[str, Any]) -> str:
    return f"held-out loss {metrics['held_out_loss_before']:.3f} → {metrics['held_out_loss_after']:.3f}"


def _comparison(metrics: Mapping[str, Any]) -> str:
    strict = metrics["strict"]
    low, high = strict["interval"]
    lenient = metrics.get("lenient")
    in_any_form = f"; in any form {lenient['untuned']:.0%}, {lenient['tuned']:.0%}" if lenient else ""
    return (
        f"strictly right: untuned {strict['untuned']:.0%}, tuned {strict['tuned']:.0%} "
        f"(difference {low:+.0%} to {high:+.0%}){in_any_form}"
    )


def _costs(metrics: Mapping[str, Any]) -> str:
    rows, dollars = metrics["projected_rows"], metrics["usd_projected"]
    return f"this run {_dollars(metrics['usd_here'])}, {rows:,} rows would be {_dollars(dollars)}"


def _dollars(usd: float) -> str:
    return "less than $0.01" if 0 < usd < 0.01 else f"${usd:,.2f}"


_KEY_METRICS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "01_seed_tasks": lambda metrics: f"{metrics['tasks']} seed tasks",
    "02_generate_data": _generation,
    "03_finetune_fsdp": _finetuning,
    "04_inference": lambda metrics: f"{metrics['questions']} questions to both models",
    "05_blind_comparison": _comparison,
    "06_cost_analysis": _costs,
}
