"""How long Alpaca's rows are, for benchmarks that must not depend on its data (CC BY-NC).

A table of quantiles, LLaMA's tokens, prompt, answer, beginning and end of text together, cut at 512. The published
points are the median 110, the 90th percentile 201, the 99th 366 and 0.15 % at 512 (plots of tloen/alpaca-lora,
`lengths.ipynb`, digitised); the others lie between them so that mean (127) and standard deviation (63) come out as
published too. The share of answers, 0.53 of the tokens, was measured on 4,600 published rows.
"""

import itertools
import random

QUANTILES = (
    (0.0, 43), (0.01, 49), (0.05, 58), (0.1, 66), (0.25, 83), (0.5, 110), (0.75, 154), (0.9, 201),
    (0.95, 238), (0.975, 285), (0.99, 366), (0.995, 420), (0.9985, 512), (1.0, 512),
)  # fmt: skip
ROWS = 52_002  # of the published data set
EPOCHS = 3
MEAN_TOKENS = 127.4
LEARNED_SHARE = 0.53
SHORTEST_PROMPT = 35  # tokens of the template alone


def length_at(share: float) -> int:
    """Tokens of the row that the given share of rows is shorter than."""
    for (low, few), (high, many) in itertools.pairwise(QUANTILES):
        if share <= high:
            return round(few + (many - few) * (share - low) / (high - low))
    return QUANTILES[-1][1]


def lengths(rows: int, seed: int = 17) -> list[int]:
    """Lengths of so many rows in mixed order: one from each of `rows` equal slices, so that few rows do as well."""
    chance = random.Random(f"{seed}:lengths")
    drawn = [length_at((place + chance.random()) / rows) for place in range(rows)]
    chance.shuffle(drawn)
    return drawn


def prompt_tokens(length: int) -> int:
    """Of how many tokens the prompt of a row of that length is: longer rows are longer for their answers."""
    return min(length - 2, max(SHORTEST_PROMPT, round(0.39 * length + 10)))
