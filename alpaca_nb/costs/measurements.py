"""What this run measured that decides the price of a larger one, each with its 95 % range: yield and throughput."""

from collections import Counter
from math import fsum, sqrt
from pathlib import Path

from alpaca_nb.costs.accounting import gpus_in, number_in
from alpaca_nb.costs.estimates import Z_95, Estimate, exactly, mean_of
from alpaca_nb.errors import InputFileError
from alpaca_nb.files import Json, read_jsonl
from alpaca_nb.runs import StageRecord


def measured_yield(run_dir: Path, generation: StageRecord | None) -> Estimate | None:
    """Rows kept per request, over all requests that were answered; None where generation has not run.

    The range says how much a request's luck matters, not that later requests keep less than early ones.
    """
    requests = number_in(generation, "requests")
    path = run_dir / "generation" / "provenance.jsonl"
    if not requests or not path.exists():
        return None
    kept = Counter(_number(row, "request_index", path, line) for line, row in read_jsonl(path))
    samples = [float(count) for count in kept.values()]
    samples += [0.0] * max(0, round(requests) - len(samples))  # answered, but nothing of it was kept
    return mean_of(samples)


def measured_throughput(run_dir: Path) -> Estimate | None:
    """Training tokens a second, from the steps' own seconds; None where stage 03 left no metrics.

    A ratio estimator: total tokens by total seconds, its standard error from the steps' residuals (Cochran, Sampling
    Techniques, 1977, chapter 6).
    """
    path = run_dir / "finetuning" / "metrics.jsonl"
    if not path.exists():
        return None
    lines = list(read_jsonl(path))
    tokens = [_number(value, "tokens", path, line) for line, value in lines]
    seconds = [_number(value, "seconds", path, line) for line, value in lines]
    if not tokens or fsum(tokens) <= 0 or fsum(seconds) <= 0:
        return None
    per_token = fsum(seconds) / fsum(tokens)
    if len(tokens) == 1:
        return Estimate(1 / per_token, 0.5 / per_token, 2 / per_token)
    squares = fsum((s - per_token * t) ** 2 for s, t in zip(seconds, tokens, strict=True))
    half = Z_95 * sqrt(squares * len(tokens) / (len(tokens) - 1)) / fsum(tokens)
    fastest = max(per_token - half, per_token / 10)
    return Estimate(1 / per_token, 1 / (per_token + half), 1 / fastest)


def measured_mfu(training: StageRecord | None, tokens_per_second: Estimate | None) -> Estimate | None:
    """The MFU that stage 03 measured, with the range of its speed; None on a CPU, or on a card of unknown peak.

    One number, not two: what stage 03 showed while it trained is what the projection goes on with.
    """
    mfu = number_in(training, "mfu")
    if training is None or not gpus_in(training.device) or not mfu or tokens_per_second is None:
        return None
    return tokens_per_second * (mfu / tokens_per_second.value)


def seconds_for(rows: int, training: StageRecord | None, tokens_per_second: Estimate | None) -> Estimate | None:
    """Seconds this run's model would train on `rows` rows on this machine, at the speed measured."""
    tokens, trained = number_in(training, "tokens_trained"), number_in(training, "rows_trained")
    if not tokens or not trained or tokens_per_second is None or tokens_per_second.low <= 0:
        return None
    return exactly(rows * tokens / trained) / tokens_per_second


def _number(value: Json, name: str, path: Path, line: int) -> float:
    found = value.get(name) if isinstance(value, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise InputFileError(f"{path}, line {line}: {name!r} should be a number, found {found!r:.60}")
    return float(found)
