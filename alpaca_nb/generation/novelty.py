"""The novelty filter: a new instruction is dropped if its ROUGE-L with any kept one is above the threshold.

Decisions are those of Google's `rouge_score` (DefaultTokenizer, no stemming), pair by pair and bit by bit, though few
pairs are ever compared. `similarity.overlap` names the texts that share enough words for a score above the threshold,
and proves that no other can reach it. For those alone rapidfuzz finds the longest common subsequence, each word being
one character of a string. The score is computed from it with rouge_score's own float expression, because an exact 7/10
may come out as 0.7000000000000001 there and is then dropped.
"""

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

from alpaca_nb.errors import InputFileError, RecipeError
from alpaca_nb.similarity.overlap import Outline, OverlapIndex
from alpaca_nb.similarity.rouge_l import f_measure, words_of

_BARS = tuple(step / 20 for step in range(18, 1, -1))  # scores to try, to find the most promising texts
_PROMISING = 20  # so many texts more than asked for are scored before the rest is ruled out
_ROUNDING = 1e-9  # far above the error of a float between 0 and 1, far below the step from one score to another


@dataclass(frozen=True)
class Verdict:
    """What the filter said to one text: kept or not, and its nearest text (index −1 where there was none yet)."""

    kept: bool
    nearest_index: int
    nearest_score: float


class NoveltyFilter:
    """The kept texts in order; `len()` counts them. To resume, `keep` the texts that an earlier run accepted."""

    def __init__(self, threshold: float = 0.7) -> None:
        if not 0 <= threshold <= 1:
            raise RecipeError(f"novelty_threshold is {threshold}; it must be between 0 and 1")
        self.threshold = threshold
        self._numbers: dict[str, int] = {}  # word → number, in the order in which they are first met
        self._texts: NDArray[np.object_] = np.empty(1024, dtype=object)  # one character a word; grows by doubling
        self._count = 0
        self._index = OverlapIndex(threshold)

    def __len__(self) -> int:
        return self._count

    def add(self, text: str) -> bool:
        """Keep `text` if it is new; says whether it was kept."""
        encoded, outline = self._encode(text)
        candidates = self._index.candidates(outline)
        if len(candidates):
            needed = self._index.bounds(outline.length).needed.take(self._index.lengths.take(candidates))
            for number, least in zip(candidates.tolist(), needed.tolist(), strict=True):
                if LCSseq.similarity(encoded, self._texts[number], score_cutoff=least) >= least:
                    return False  # one near duplicate is enough
        self._keep(encoded, outline)
        return True

    def judge(self, text: str) -> Verdict:
        """Like `add`, but tells the nearest kept text as well, for which it must look at more of them."""
        encoded, outline = self._encode(text)
        index, score = next(iter(self._nearest(encoded, outline, 1)), (-1, 0.0))
        kept = not score > self.threshold
        if kept:
            self._keep(encoded, outline)
        return Verdict(kept, index, score)

    def keep(self, text: str) -> None:
        """Put a text among the kept ones without judging it: a seed task, or a row of an earlier run."""
        self._keep(*self._encode(text))

    def nearest(self, text: str, k: int = 10) -> list[tuple[int, float]]:
        """The `k` nearest kept texts as (index, ROUGE-L), best first, earlier ones first among equals."""
        return self._nearest(*self._encode(text), k)

    def pairs_left(self, text: str) -> dict[str, int]:
        """How many kept texts each bound leaves to be compared with `text`, the cheapest bound first."""
        encoded, outline = self._encode(text)
        candidates = np.unique(self._index.candidates(outline))
        return {
            "all pairs": len(self),
            "length fits": self._index.of_fitting_length(outline),
            "share a rare word": len(np.unique(self._index.sharing_a_rare_word(outline))),
            "bitmaps allow it": len(candidates),
            "score above": int(np.count_nonzero(self._scores(encoded, candidates) > self.threshold)),
        }

    def _encode(self, text: str) -> tuple[str, Outline]:
        """A text as one character a word, for rapidfuzz, and as the index sees it."""
        numbers = self._numbers
        words = [numbers.setdefault(word, len(numbers)) for word in words_of(text)]
        if len(numbers) > sys.maxunicode:
            raise InputFileError(f"more than {sys.maxunicode:,} different words: too many for one novelty filter")
        return "".join(map(chr, words)), self._index.outline(words)

    def _keep(self, encoded: str, outline: Outline) -> None:
        if self._count == len(self._texts):
            self._texts = np.concatenate([self._texts, np.empty_like(self._texts)])
        self._texts[self._count] = encoded
        self._count += 1
        self._index.append(outline)

    def _nearest(self, encoded: str, outline: Outline, k: int) -> list[tuple[int, float]]:
        """Score the most promising texts; what cannot reach the k-th best of them need not be looked at."""
        if not self._count or k < 1:
            return []
        best_possible = self._index.best_possible(outline)
        bar = next((bar for bar in _BARS if np.count_nonzero(best_possible >= bar) >= k + _PROMISING), 0.0)
        texts = np.flatnonzero(best_possible >= bar)
        scores = self._scores(encoded, texts)
        reached = (np.sort(scores)[-k] if len(scores) >= k else 0.0) - _ROUNDING
        if reached < bar:  # else all that can reach it are scored already
            more = np.flatnonzero((best_possible >= reached) & (best_possible < bar))
            texts = np.concatenate([texts, more])
            scores = np.concatenate([scores, self._scores(encoded, more)])
        order = np.lexsort((texts, -scores))[:k]  # earlier texts first among equals
        return list(zip(texts[order].tolist(), scores[order].tolist(), strict=True))

    def _scores(self, encoded: str, texts: NDArray[np.integer]) -> NDArray[np.float64]:
        """ROUGE-L with each of the numbered texts."""
        scores = np.zeros(len(texts))
        if len(texts) == 0:
            return scores
        chosen = self._texts.take(texts).tolist()
        common = cdist([encoded], chosen, scorer=LCSseq.similarity, dtype=np.int32)[0]
        some = np.flatnonzero(common)
        lengths = self._index.lengths[texts[some]].astype(np.float64)
        scores[some] = f_measure(common[some].astype(np.float64), float(len(encoded)), lengths)
        return scores
