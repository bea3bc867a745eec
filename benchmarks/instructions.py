"""Made-up instructions with the statistics of Alpaca's, for benchmarks that must not depend on downloaded data.

Words are `verb3` or `noun512`, or real function words; no sentence means anything. What is alike is what a novelty
filter notices: the length, how often the commonest words come, how fast the vocabulary grows, words repeated within an
instruction, common openings, popular sentence frames, and near duplicates. `profile_of` measures all that; beside each
target stands what 4,600 published rows show: mean 10.1, median 10 and 95th percentile 16 words; 4,736 different words
in 4,600 rows; 8 %, 30 %, 57 % and 86 % of all words are the 1, 10, 100 and 1,000 commonest; 38 % of the rows repeat a
word.
"""

import random
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

SLOT = "_"  # in a frame: a noun is drawn here for each instruction
ARTICLES = {"the": 48, "a": 40, "an": 7, "this": 3, "your": 1, "each": 1}
LINKS = {"of": 27, "to": 15, "in": 13, "for": 11, "and": 10, "that": 7, "is": 6, "about": 4, "with": 4, "on": 3}
POINTERS = {"following": 50, "given": 50}


class Drawn:
    """Draws from weighted choices; `Drawn.zipf` weighs the r-th by 1 / (r + shift) ** exponent."""

    def __init__(self, weights: dict[str, float]) -> None:
        self.choices = list(weights)
        self.sums = list(accumulate(weights.values()))

    @classmethod
    def zipf(cls, choices: Sequence[str], exponent: float, shift: float) -> "Drawn":
        return cls({choice: (rank + shift) ** -exponent for rank, choice in enumerate(choices, start=1)})

    def draw(self, chance: random.Random) -> str:
        return self.choices[bisect(self.sums, chance.random() * self.sums[-1])]


VERBS = Drawn.zipf([f"verb{rank}" for rank in range(280)], 1.2, 3)
NOUNS = Drawn.zipf([f"noun{rank}" for rank in range(40_000)], 1.45, 60)
ARTICLE, LINK, POINTER = (Drawn({k: float(v) for k, v in each.items()}) for each in (ARTICLES, LINKS, POINTERS))


def instructions(count: int, seed: int = 17, near_duplicates: float = 0.05, frames: int = 4000) -> list[str]:
    """Make `count` instructions: half follow one of some popular frames, the given share change an earlier one."""
    chance = random.Random(f"{seed}:instructions")
    popular = Drawn.zipf(list(dict.fromkeys(_frame(chance) for _ in range(frames))), 0.7, 20)
    made: list[str] = []
    for _ in range(count):
        if made and chance.random() < near_duplicates:
            made.append(_changed(made[chance.randrange(len(made))], chance))
        else:
            frame = popular.draw(chance) if chance.random() < 0.5 else _frame(chance)
            made.append(" ".join(NOUNS.draw(chance) if word == SLOT else word for word in frame.split()))
    return made


def _frame(chance: random.Random) -> str:
    """A verb, then phrases like "the given _ of", until the length drawn is reached."""
    length = max(3, min(70, round(chance.lognormvariate(2.26, 0.32))))
    words = [VERBS.draw(chance)]
    while len(words) < length:
        if chance.random() < 0.42:
            words.append(ARTICLE.draw(chance))
        if chance.random() < 0.07:
            words.append(POINTER.draw(chance))
        if chance.random() < 0.30:  # an adjective, for which the nouns do as well
            words.append(SLOT if chance.random() < 0.7 else NOUNS.draw(chance))
        words.append(SLOT if chance.random() < 0.8 else NOUNS.draw(chance))
        if chance.random() < 0.44:
            words.append(LINK.draw(chance))
    return " ".join(words[:length])


def _changed(text: str, chance: random.Random) -> str:
    """One to three words replaced, put in or left out."""
    words = text.split()
    for _ in range(chance.choice((1, 1, 2, 2, 3))):
        place, kind = chance.randrange(len(words)), chance.random()
        if kind < 0.6:
            words[place] = NOUNS.draw(chance)
        elif kind < 0.8:
            words.insert(place, NOUNS.draw(chance))
        elif len(words) > 3:
            del words[place]
    return " ".join(words)


def profile_of(texts: Sequence[str]) -> dict[str, float]:
    """The statistics that decide how hard the texts are for a filter."""
    rows = [text.split() for text in texts]
    lengths = [len(row) for row in rows]
    counts = [count for _, count in Counter(word for row in rows for word in row).most_common()]
    return {
        "mean_words": round(float(np.mean(lengths)), 2),
        "median_words": float(np.median(lengths)),
        "p95_words": float(np.quantile(lengths, 0.95)),
        "different_words": len(counts),
        **{f"share_of_{k}_commonest": round(sum(counts[:k]) / sum(counts), 3) for k in (1, 10, 100, 1000)},
        "share_with_a_repeated_word": round(sum(len(set(row)) < len(row) for row in rows) / len(rows), 3),
    }
