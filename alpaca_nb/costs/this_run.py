"""What this run measured of the article's claims, in words beside each; empty where it measured nothing of the kind."""

from collections.abc import Callable, Mapping

from alpaca_nb.costs.accounting import SECONDS_PER_HOUR, gpus_in, number_in
from alpaca_nb.runs import StageRecord

Records = Mapping[str, StageRecord]
_SEEDS, _DATA, _TRAINING, _INFERENCE, _COMPARISON = (
    "01_seed_tasks",
    "02_generate_data",
    "03_finetune_fsdp",
    "04_inference",
    "05_blind_comparison",
)


def _base_size(records: Records) -> str:
    weights = number_in(records.get(_TRAINING), "parameters")
    return f"{weights / 1e9:.3g} billion" if weights is not None else ""


def _seed_tasks(records: Records) -> str:
    tasks = number_in(records.get(_SEEDS), "tasks")
    return f"{tasks:.0f} pairs" if tasks is not None else ""


def _tasks_per_request(records: Records) -> str:
    generation = records.get(_DATA)
    requests, candidates = number_in(generation, "requests"), number_in(generation, "candidates")
    rows = number_in(generation, "rows")
    if not requests or candidates is None or rows is None:
        return ""
    return f"{candidates / requests:.1f} tasks read per request, {rows / requests:.1f} kept"


def _rows_kept(records: Records) -> str:
    requests, rows = number_in(records.get(_DATA), "requests"), number_in(records.get(_DATA), "rows")
    return f"{rows / requests:.1f} kept" if requests and rows is not None else ""


def _rows(records: Records) -> str:
    rows = number_in(records.get(_DATA), "rows")
    return f"{rows:,.0f} rows" if rows is not None else ""


def _data_dollars(records: Records) -> str:
    usd = number_in(records.get(_DATA), "usd")
    return f"${usd:,.2f}" if usd is not None else ""


def _training_hours(records: Records) -> str:
    seconds = number_in(records.get(_TRAINING), "training_seconds")
    return f"{seconds / SECONDS_PER_HOUR:.3f} hours" if seconds is not None else ""


def _gpu_hours(records: Records) -> str:
    training = records.get(_TRAINING)
    seconds = number_in(training, "training_seconds")
    gpus = gpus_in(training.device) if training else 0
    return f"{gpus * seconds / SECONDS_PER_HOUR:.2f} GPU hours" if seconds is not None and gpus else ""


def _wins(records: Records) -> str:
    """By people or a judge model where there is one, else by the lenient marks; each of them says who judged."""
    record = records.get(_COMPARISON)
    for judge, words in (("people", "people"), ("model", "a judge model"), ("lenient", "lenient")):
        counts = record.metrics.get(judge) if record else None
        if isinstance(counts, dict):
            rival = counts.get("rival", "untuned")
            return f"tuned {counts['wins']} : {counts['losses']} {rival}, {counts['ties']} ties ({words})"
    return ""


def _tokens_per_second(records: Records) -> str:
    record = records.get(_INFERENCE)
    tuned = record.metrics.get("tuned") if record else None
    if not isinstance(tuned, dict):
        return ""
    tokens, seconds = tuned.get("new_tokens"), tuned.get("seconds")
    if not isinstance(tokens, int | float) or not isinstance(seconds, int | float) or seconds <= 0:
        return ""
    return f"{tokens / seconds:.0f} tokens/s, batched, on {record.device if record else ''}"


MEASURED: dict[str, Callable[[Records], str]] = {
    "smallest_llama": _base_size,
    "seed_tasks": _seed_tasks,
    "twenty_at_a_time": _tasks_per_request,
    "rows": _rows,
    "data_dollars": _data_dollars,
    "rows_kept_needed": _rows_kept,
    "training_hours": _training_hours,
    "cheaper_if_optimised": _gpu_hours,
    "ninety_to_eighty_nine": _wins,
    "raspberry_pi": _tokens_per_second,
}
