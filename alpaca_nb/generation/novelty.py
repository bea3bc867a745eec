"""The novelty filter: a new instruction is dropped if its ROUGE-L with any kept one is above the threshold.

Decisions are those of Google's `rouge_score` (DefaultTokenizer, no stemming), pair by pair and bit by bit, though few
pairs are ever compared. `similarity.overlap` names the texts that share enough words for a score above the threshold,
and proves that no other can reach it. For those alone rapidfuzz finds the longest common subsequence, each word being
one character of a string. The score is computed from it with rouge_score's own float expression, because an exact 7/10
may come out as 0.7000000000000001 there and is then dropped.

Whoever wants to know the nearest text too, with its score, finds it by the words shared (`similarity.shared_words`).
"""

import sys
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from alpaca_nb.errors import InputFileError, RecipeError
from alpaca_nb.similarity.overlap import OverlapIndex
from alpaca_nb.similarity.rouge_l import f_measure, words_of
from alpaca_nb.similarity.shared_words import SharedWords

_PROMISING = 8  # so many texts more than asked for are scored before the rest is ruled out
_ROUNDING = 1e-6  # relative; above the error of a float of 32 bits, below the step from one score to another


@dataclass(frozen=True)
class Verdict:
    """What the filter said to one text: kept or not, and its nearest text (index −1 where there was none yet)."""

    kept: bool
    nearest_index: int
    nearest_score: float


class _Encoded(NamedTuple):
    """A text as numbers of words, for the indexes, and as one character a word, for rapidfuzz."""

    words: list[int]
    letters: str


class NoveltyFilter:
    """The kept texts in order; `len()` counts them. To resume, `keep` the texts that an earlier run accepted."""

    def __init__(self, threshold: float = 0.7) -> None:
        if not 0 <= threshold <= 1:
            raise RecipeError(f"novelty_threshold is {threshold}; it must be between 0 and 1")
        self.threshold = threshold
        self._numbers: dict[str, int] = {}  # word → number, in the order in which they are first met
        self._texts: NDArray[np.object_] = np.empty(1024, dtype=object)  # one character a word; grows by doubling
        self._lengths = np.zeros(1024, dtype=np.int32)  # of each text, in words
        self._count = 0
        self._index = OverlapIndex(threshold)  # both learn of kept texts when they are next asked
        self._shared = SharedWords()

    def __len__(self) -> int:
        return self._count

    def add(self, text: str) -> bool:
        """Keep `text` if it is new; says whether it was kept."""
        encoded, index = self._encode(text), self._up_to_date_index()
        outline = index.outline(encoded.words)
        candidates = index.candidates(outline)
        if len(candidates):
            needed = index.bounds(outline.length).needed.take(index.lengths.take(candidates))
            for number, least in zip(candidates.tolist(), needed.tolist(), strict=True):
                if LCSseq.similarity(encoded.letters, self._texts[number], score_cutoff=least) >= least:
                    return False  # one near duplicate is enough
        self._keep(encoded)
        index.append(outline)
        return True

    def judge(self, text: str) -> Verdict:
        """Like `add`, but tells the nearest kept text as well, for which it must look at more of them."""
        encoded = self._encode(text)
        index, score = next(iter(self._nearest(encoded, 1)), (-1, 0.0))
        kept = not score > self.threshold
        if kept:
            self._keep(encoded)
        return Verdict(kept, index, score)

    def keep(self, text: str) -> None:
        """Put a text among the kept ones without judging it: a seed task, or a row of an earlier run."""
        self._keep(self._encode(text))

    def nearest(self, text: str, k: int = 10) -> list[tuple[int, float]]:
        """The `k` nearest kept texts as (index, ROUGE-L), best first, earlier ones first among equals."""
        return self._nearest(self._encode(text), k)

    def pairs_left(self, text: str) -> dict[str, int]:
        """How many kept texts each bound leaves to be compared with `text`, the cheapest bound first."""
        encoded, index = self._encode(text), self._up_to_date_index()
        outline = index.outline(encoded.words)
        candidates = np.unique(index.candidates(outline))
        return {
            "all pairs": len(self),
            "length fits": index.of_fitting_length(outline),
            "share a rare word": len(np.unique(index.sharing_a_rare_word(outline))),
            "bitmaps allow it": len(candidates),
            "score above": int(np.count_nonzero(self._scores(encoded.letters, candidates) > self.threshold)),
        }

    def _encode(self, text: str) -> _Encoded:
        numbers = self._numbers
        words = [numbers.setdefault(word, len(numbers)) for word in words_of(text)]
        if len(numbers) > sys.maxunicode:
            raise InputFileError(f"more than {sys.maxunicode:,} different words: too many for one novelty filter")
        return _Encoded(words, "".join(map(chr, words)))

    def _keep(self, text: _Encoded) -> None:
        if self._count == len(self._texts):
            self._texts = np.concatenate([self._texts, np.empty_like(self._texts)])
            self._lengths = np.concatenate([self._lengths, np.zeros_like(self._lengths)])
        self._texts[self._count] = text.letters
        self._lengths[self._count] = len(text.words)
        self._count += 1

    def _up_to_date_index(self) -> OverlapIndex:
        for number in range(len(self._index), self._count):
            self._index.append(self._index.outline(self._words(number)))
        return self._index

    def _up_to_date_shared(self) -> SharedWords:
        for number in range(len(self._shared), self._count):
            self._shared.append(self._words(number))
        return self._shared

    def _words(self, number: int) -> list[int]:
        return [ord(letter) for letter in self._texts[number]]

    def _nearest(self, text: _Encoded, k: int) -> list[tuple[int, float]]:
        """Score the texts that share the most words, then all others that can reach the k-th best of those.

        A common subsequence is made of shared words, so with c of them F is at most 2c / (m + n).
        """
        if not self._count or k < 1:
            return []
        shared = self._up_to_date_shared().counts(text.words)
        bar, enough = int(shared.max()), k + _PROMISING
        while bar > 1 and np.count_nonzero(shared >= bar) < enough:
            bar -= 1
        found = np.flatnonzero(shared >= max(bar, 1))
        scores = self._scores(text.letters, found)
        if len(found) >= k:
            half = float(np.sort(scores)[-k]) * (1 - _ROUNDING) / 2
            needed = np.multiply(self._lengths[: self._count], half, dtype=np.float32) + half * len(text.words)
            more = np.flatnonzero((shared >= needed) & (shared < bar))
            more_scores = self._scores(text.letters, more)
        else:  # the rest shares no word, and scores 0
            more = np.flatnonzero(shared == 0)[: k - len(found)]
            more_scores = np.zeros(len(more))
        found, scores = np.concatenate([found, more]), np.concatenate([scores, more_scores])
        order = np.lexsort((found, -scores))[:k]  # earlier texts first among equals
        return list(zip(found[order].tolist(), scores[order].tolist(), strict=True))

    def _scores(self, letters: str, texts: NDArray[np.integer]) -> NDArray[np.float64]:
        """ROUGE-L with each of the numbered texts."""
        scores = np.zeros(len(texts))
        if len(texts) == 0:
            return scores
        chosen = self._texts.take(texts).tolist()
        common = cdist([letters], chosen, scorer=LCSseq.similarity, dtype=np.int32)[0]
        some = np.flatnonzero(common)
        lengths = self._lengths[texts[some]].astype(np.float64)
        scores[some] = f_measure(common[some].astype(np.float64), float(len(letters)), lengths)
        return scores
