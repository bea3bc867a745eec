"""What this run measured that decides the price of a larger one, each with its 95 % range: yield and throughput."""

from collections import Counter
from math import fsum, sqrt
from pathlib import Path

from alpaca_nb.costs.accounting import number_in
from alpaca_nb.costs.estimates import Z_95, Estimate, mean_of
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


def _number(value: Json, name: str, path: Path, line: int) -> float:
    found = value.get(name) if isinstance(value, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise InputFileError(f"{path}, line {line}: {name!r} should be a number, found {found!r:.60}")
    return float(found)
