"""All pairs of texts with a ROUGE-L above a threshold, without comparing all pairs.

A pair above the threshold must share more than `t·n / (2 − t)` words of a text of `n` words, so the two must share one
of the few rarest words of each (of a text of ten words and t = 0.7: of the five rarest). Only texts that do are
compared, and nothing is lost by it.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from alpaca_nb.similarity import f_measure, words_of

_SLACK = 1e-9  # of the float product below; one word more in a prefix costs nothing but time


class Similar:
    """Texts to be searched: `above(text)` finds those whose ROUGE-L with `text` is above the threshold."""

    def __init__(self, texts: Sequence[str], threshold: float = 0.7) -> None:
        self._threshold = threshold
        self._count = Counter(word for text in texts for word in words_of(text))
        self._letters: dict[str, str] = {}  # one character for each word, so that rapidfuzz compares strings
        self._encoded: list[str] = []
        self._holders: dict[tuple[str, int], list[int]] = defaultdict(list)
        for text in texts:
            words = words_of(text)
            for token in self._rarest(words):
                self._holders[token].append(len(self._encoded))
            self._encoded.append(self._encode(words))

    def above(self, text: str, before: int | None = None) -> Iterator[tuple[int, float]]:
        """Yield (index, score) in the order of the texts; `before` leaves out the texts from that index on."""
        words = words_of(text)
        encoded, end = self._encode(words), len(self._encoded) if before is None else before
        least, most = self._lengths_for(len(encoded))
        found = {index for token in self._rarest(words) for index in self._holders.get(token, ()) if index < end}
        likely = [index for index in sorted(found) if least <= len(self._encoded[index]) <= most]
        if not likely:
            return
        others = [self._encoded[index] for index in likely]
        common = cdist([encoded], others, scorer=LCSseq.similarity, dtype=np.int32)[0].tolist()
        for index, other, length in zip(likely, others, common, strict=True):
            score = f_measure(length, len(encoded), len(other))
            if score > self._threshold:
                yield index, score

    def _lengths_for(self, length: int) -> tuple[float, float]:
        """Shortest and longest text that can be similar to one of `length` words: all of the shorter is common."""
        share = self._threshold / (2 - self._threshold)
        return length * share - _SLACK, length / share + _SLACK if share else math.inf

    def _encode(self, words: Sequence[str]) -> str:
        return "".join(self._letters.setdefault(word, chr(len(self._letters))) for word in words)

    def _rarest(self, words: Sequence[str]) -> list[tuple[str, int]]:
        """The words one of which a similar text must hold; a repeated word counts with its number."""
        seen: Counter[str] = Counter()
        tokens = []
        for word in words:
            tokens.append((word, seen[word]))
            seen[word] += 1
        must_share = math.ceil(self._threshold * len(words) / (2 - self._threshold) - _SLACK)
        tokens.sort(key=lambda token: (self._count[token[0]], token))
        return tokens[: len(words) - max(1, must_share) + 1]
