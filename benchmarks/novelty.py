"""How fast is the novelty filter? Against rouge_score and rapidfuzz's brute force, and as the data set grows.

    nice -n 10 python benchmarks/novelty.py                 # about three minutes, one core
    python benchmarks/novelty.py --rows 13000 --no-write    # a quick look

Everything runs in one process on the same made-up instructions (see `instructions.py`); `--from FILE` makes them from
the words of a data set in Alpaca's format instead. The brute force counts its `cdist` calls only, the projection
multiplies rouge_score's time for a pair, tokens cached, by the number of pairs; both favour the other side. Both also
check us: the brute force must decide as we do on every row. Needs the extra `dev` (for rouge_score).
"""

import argparse
import gc
import importlib.metadata
import json
import os
import platform
import random
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from instructions import instructions, profile_of
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist
from rouge_score import rouge_scorer, scoring

from alpaca_nb.alpaca_format import read_examples
from alpaca_nb.files import write_json
from alpaca_nb.generation.novelty import NoveltyFilter
from alpaca_nb.similarity.rouge_l import words_of

THRESHOLD = 0.7
GROWTH = (0.25, 1, 4)  # times --rows: 13,000, 52,000 and 208,000
PAIRS_TIMED = 20_000  # with rouge_score
BLOCK = 256  # instructions that the brute force compares at once
RESULTS = Path(__file__).resolve().parent / "results"


def main() -> None:
    options = _options()
    texts = _texts(options, int(options.rows * max(GROWTH)))
    first = texts[: options.rows]
    print(f"{len(first):,} instructions: {profile_of(first)}", flush=True)

    runs = [_timed(partial(_decisions, first)) for _ in range(options.repeats)]
    decisions = runs[0][0]
    ours = float(np.median([seconds for _, seconds, _ in runs]))
    kept_before = np.concatenate([[0], np.cumsum(decisions)[:-1]])
    pairs = int(kept_before.sum())
    _say("alpaca-nb, add()", ours, f"{sum(decisions):,} kept; {pairs:,} pairs decided")

    brute_decisions, brute = brute_force(first)
    assert brute_decisions == decisions, "the brute force decided otherwise"
    _say("rapidfuzz cdist, brute force", brute, f"{brute / ours:.1f} x ours; the same {len(first):,} decisions")

    per_pair = rouge_seconds_per_pair(first)
    _say(
        "rouge_score, projected",
        per_pair * pairs,
        f"{per_pair * pairs / ours:,.0f} x ours; {1 / per_pair:,.0f} pairs/s",
    )

    growth = {}
    for share in GROWTH:
        rows = int(options.rows * share)
        growth[rows] = ours if share == 1 else _timed(partial(_decisions, texts[:rows]))[1]
        _say(f"alpaca-nb, {rows:,} rows", growth[rows], f"{growth[rows] / rows * 1e6:.0f} µs a row")
    exponent = float(np.polyfit(np.log(list(growth)), np.log(list(growth.values())), 1)[0])
    print(f"growth: time ~ rows ** {exponent:.2f}")

    memory = memory_megabytes(texts)
    print(f"memory at {len(texts):,} rows: {memory:.0f} MB")

    result = {
        "what": "novelty filter, add() in order over the whole stream, one core",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": {"cpu": _cpu(), "cores": os.cpu_count(), "load_average_at_end": os.getloadavg()[0]},
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in ("numpy", "rapidfuzz", "rouge-score")},
        "config": {"threshold": THRESHOLD, "rows": options.rows, "seed": options.seed, "repeats": options.repeats}
        | {"texts": options.source.name if options.source else "benchmarks/instructions.py"},
        "texts": profile_of(first),
        "rows_kept": sum(decisions),
        "pairs": pairs,
        "ours_seconds": round(ours, 3),
        "ours_seconds_of_each_run": [round(seconds, 3) for _, seconds, _ in runs],
        "ours_cpu_seconds_of_each_run": [round(cpu, 3) for _, _, cpu in runs],
        "brute_force_seconds": round(brute, 3),
        "brute_force_same_decisions": True,
        "rouge_score_projected_seconds": round(per_pair * pairs, 1),
        "rouge_score_pairs_per_second": round(1 / per_pair),
        "times_faster_than_brute_force": round(brute / ours, 1),
        "times_faster_than_rouge_score": round(per_pair * pairs / ours),
        "seconds_by_rows": {str(rows): round(seconds, 3) for rows, seconds in growth.items()},
        "growth_exponent": round(exponent, 3),
        "memory_megabytes": {"rows": len(texts), "filter": round(memory, 1)},
    }
    if options.write:
        print(write_json(RESULTS / f"novelty_{datetime.now(UTC):%Y-%m-%d}.json", result))
    else:
        print(json.dumps(result, indent=2))


def brute_force(texts: Sequence[str]) -> tuple[list[bool], float]:
    """Decide by comparing with every kept text, block by block; returns decisions and the seconds inside `cdist`."""
    letters: dict[str, str] = {}
    encoded = ["".join(letters.setdefault(word, chr(len(letters))) for word in words_of(text)) for text in texts]
    least = _least_common(max(map(len, encoded)))
    kept: list[str] = []
    lengths = np.zeros(len(texts), dtype=np.intp)
    decisions: list[bool] = []
    seconds = 0.0
    for start in range(0, len(encoded), BLOCK):
        block = encoded[start : start + BLOCK]
        began = time.perf_counter()
        common = cdist(block, kept + block, scorer=LCSseq.similarity, dtype=np.uint8)
        seconds += time.perf_counter() - began
        before = len(kept)
        block_lengths = np.array([len(text) for text in block])
        for row, text in enumerate(block):
            needed = least[len(text)]
            old = common[row, :before] >= needed[lengths[:before]]
            chosen = [at for at in range(row) if decisions[start + at]]
            new = common[row, before:][chosen] >= needed[block_lengths[chosen]]
            decisions.append(not old.any() and not new.any())
            if decisions[-1]:
                lengths[len(kept)] = len(text)
                kept.append(text)
    return decisions, seconds


def _least_common(longest: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """`[m, n]`: the least common subsequence that rouge_score's own F puts above the threshold; 255 where none does."""
    table = np.full((longest + 1, longest + 1), 255, dtype=np.uint8)
    for m in range(1, longest + 1):
        for n in range(1, longest + 1):
            for common in range(1, min(m, n) + 1):
                if scoring.fmeasure(common / m, common / n) > THRESHOLD:
                    table[m, n] = common
                    break
    return table


def rouge_seconds_per_pair(texts: Sequence[str], seed: int = 17) -> float:
    """Seconds that rouge_score takes for a random pair whose tokens are known, as the original calls it."""
    chance = random.Random(f"{seed}:pairs")
    pairs = [(words_of(chance.choice(texts)), words_of(chance.choice(texts))) for _ in range(PAIRS_TIMED)]
    began = time.perf_counter()
    for one, other in pairs:
        rouge_scorer._score_lcs(one, other)
    return (time.perf_counter() - began) / len(pairs)


def memory_megabytes(texts: Sequence[str]) -> float:
    """What the filter holds after all texts, as Python and NumPy allocated it."""
    gc.collect()
    resident = psutil.Process().memory_info().rss
    tracemalloc.start()
    novelty = NoveltyFilter(THRESHOLD)
    for text in texts:
        novelty.add(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    grown = psutil.Process().memory_info().rss - resident
    print(f"  (resident memory grew by {grown / 1e6:.0f} MB, tracemalloc's own bookkeeping included)")
    return peak / 1e6


def _decisions(texts: Sequence[str]) -> list[bool]:
    novelty = NoveltyFilter(THRESHOLD)
    return [novelty.add(text) for text in texts]


def _timed(work: Callable[[], list[bool]]) -> tuple[list[bool], float, float]:
    """Result, seconds on the clock, seconds of the processor."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def _texts(options: argparse.Namespace, count: int) -> list[str]:
    if options.source is None:
        return instructions(count, options.seed)
    return _reworded([example.instruction for example in read_examples(options.source)], count, options.seed)


def _reworded(rows: Sequence[str], count: int, seed: int) -> list[str]:
    """Rows drawn with replacement; each rare word is replaced with probability 0.7 by one as common."""
    chance = random.Random(f"{seed}:reworded")
    ranked = [word for word, _ in Counter(word for row in rows for word in words_of(row)).most_common()]
    rank_of = {word: rank for rank, word in enumerate(ranked)}

    def replaced(word: str) -> str:
        rank = rank_of[word]
        if rank < 60 or chance.random() > 0.7:
            return word
        return ranked[min(int(rank * chance.uniform(0.5, 2)), len(ranked) - 1)]

    return [" ".join(map(replaced, words_of(chance.choice(rows)))) for _ in range(count)]


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _say(name: str, seconds: float, more: str) -> None:
    print(f"{name:32s} {seconds:10.2f} s   {more}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=52_000)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--repeats", type=int, default=3, help="runs of ours; the median counts")
    parser.add_argument("--from", dest="source", type=Path, help="data set in Alpaca's format whose words are used")
    parser.add_argument("--no-write", dest="write", action="store_false", help="print the result instead")
    return parser.parse_args()


if __name__ == "__main__":
    main()
