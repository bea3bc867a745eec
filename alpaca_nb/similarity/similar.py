"""All texts with a ROUGE-L above a threshold, without comparing all pairs: `overlap` names the few that can have it."""

from collections.abc import Iterator, Sequence

import numpy as np
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from alpaca_nb.similarity.overlap import Outline, OverlapIndex
from alpaca_nb.similarity.rouge_l import f_measure, words_of


class Similar:
    """Texts to be searched: `above(text)` finds those whose ROUGE-L with `text` is above the threshold."""

    def __init__(self, texts: Sequence[str], threshold: float = 0.7) -> None:
        self._numbers: dict[str, int] = {}  # word → number, in the order in which they are first met
        self._index = OverlapIndex(threshold)
        self._encoded: list[str] = []  # one character a word, so that rapidfuzz compares strings
        for text in texts:
            encoded, outline = self._encode(text)
            self._encoded.append(encoded)
            self._index.append(outline)

    def above(self, text: str, before: int | None = None) -> Iterator[tuple[int, float]]:
        """Yield (index, score) in the order of the texts; `before` leaves out the texts from that index on."""
        encoded, outline = self._encode(text)
        likely = np.unique(self._index.candidates(outline)).tolist()
        likely = [index for index in likely if before is None or index < before]
        if not likely:
            return
        others = [self._encoded[index] for index in likely]
        common = cdist([encoded], others, scorer=LCSseq.similarity, dtype=np.int32)[0].tolist()
        for index, other, length in zip(likely, others, common, strict=True):
            score = f_measure(length, len(encoded), len(other)) if length else 0.0
            if score > self._index.threshold:
                yield index, score

    def _encode(self, text: str) -> tuple[str, Outline]:
        numbers = self._numbers
        words = [numbers.setdefault(word, len(numbers)) for word in words_of(text)]
        return "".join(map(chr, words)), self._index.outline(words)
