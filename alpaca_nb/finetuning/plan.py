"""Which rows make up which optimizer step, and which process computes which of them.

Every process works the plan out for itself from the seed: no process has to tell another one anything. A step is always
exactly `batch_size` rows, whatever the number of processes, so that a published batch size keeps its meaning.
"""

import functools
import math
import random
from collections.abc import Sequence


def number_of_steps(rows: int, epochs: float, batch_size: int) -> int:
    """Optimizer steps of a run: whole batches in `epochs` passes over the rows.

    A fraction of an epoch is rounded up to a step, as by transformers' `num_train_epochs`, but takes no more than the
    whole epoch would.
    """
    steps = math.ceil(rows * epochs / batch_size - 1e-9)  # less what a float may have too much: 0.1 x 30 is 3
    return min(steps, rows * math.ceil(epochs) // batch_size)


@functools.lru_cache(maxsize=2)  # a step meets two epochs at most; 52,000 rows take 30 ms to shuffle
def epoch_order(rows: int, seed: int, epoch: int) -> tuple[int, ...]:
    """The order in which an epoch visits the rows: a shuffle of its own for each epoch."""
    order = list(range(rows))
    random.Random(f"{seed}:order of epoch {epoch}").shuffle(order)
    return tuple(order)


def rows_of_step(step: int, rows: int, batch_size: int, seed: int) -> list[int]:
    """The `batch_size` rows of optimizer step `step` (from 0), taken from one epoch's order after the other's.

    A step at the border takes an epoch's last rows and the next one's first, so each row is seen once an epoch.
    """
    first = step * batch_size
    epochs = range(first // rows, (first + batch_size - 1) // rows + 1)
    stream = [row for epoch in epochs for row in epoch_order(rows, seed, epoch)]
    start = first - epochs[0] * rows
    return stream[start : start + batch_size]


def spread(chosen: Sequence[int], lengths: Sequence[int], processes: int, max_tokens: int) -> list[list[list[int]]]:
    """Spread a step's rows over processes and micro-batches: the answer is indexed [micro-batch][process].

    Longest first, each row to the bin with the fewest tokens so far (Graham's LPT rule), with as few micro-batches as
    keep every bin within `max_tokens`; one row longer than that gets a bin of its own. A bin may stay empty.
    """
    tokens = sum(lengths[row] for row in chosen)
    micro_batches = max(1, -(-tokens // (processes * max_tokens)))
    while True:
        bins = _longest_first(chosen, lengths, processes * micro_batches)
        fullest = max(sum(lengths[row] for row in one) for one in bins)
        if fullest <= max_tokens or len(bins) >= len(chosen):
            return [bins[m * processes : (m + 1) * processes] for m in range(micro_batches)]
        micro_batches += 1


def _longest_first(chosen: Sequence[int], lengths: Sequence[int], number: int) -> list[list[int]]:
    bins: list[list[int]] = [[] for _ in range(number)]
    load = [0] * number
    for row in sorted(chosen, key=lambda row: (-lengths[row], row)):
        lightest = load.index(min(load))
        bins[lightest].append(row)
        load[lightest] += lengths[row]
    return bins
