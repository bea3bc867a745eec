"""The novelty filter: a new instruction is dropped if its ROUGE-L with any kept one is above the threshold.

Decisions are those of Google's `rouge_score` (DefaultTokenizer, no stemming), pair by pair and bit by bit. Two things
make that fast and exact: the longest common subsequence comes from rapidfuzz, where each word is one character of a
string; and the score is computed from it with rouge_score's own float expression, because an exact 7/10 may come out
as 0.7000000000000001 there and is then dropped.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist

_WORD = re.compile(r"[a-z0-9]+")


def words_of(text: str) -> list[str]:
    """The words ROUGE-L compares: lower case, everything but a-z and 0-9 separates."""
    return _WORD.findall(text.lower())


def rouge_l(a: str, b: str) -> float:
    """ROUGE-L F-measure of two texts: how much of both is one common sequence of words, from 0 to 1."""
    words_a, words_b = words_of(a), words_of(b)
    common = LCSseq.similarity(words_a, words_b)  # length of the longest common subsequence
    if common == 0:
        return 0.0
    precision, recall = common / len(words_b), common / len(words_a)
    return 2 * precision * recall / (precision + recall)


@dataclass(frozen=True)
class Verdict:
    """What the filter said to one text: kept or not, and its nearest text (index −1 where there was none yet)."""

    kept: bool
    nearest_index: int
    nearest_score: float


class NoveltyFilter:
    """The kept texts in order; `len()` counts them. Every text is compared with all of them."""

    def __init__(self, threshold: float = 0.7) -> None:
        self.threshold = threshold
        self._letters: dict[str, str] = {}  # one character for each distinct word
        self._texts: list[str] = []
        self._lengths = np.empty(1024, dtype=np.float64)  # in words; grows by doubling

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, text: str) -> bool:
        """Keep `text` if it is new; says whether it was kept."""
        return self.judge(text).kept

    def judge(self, text: str) -> Verdict:
        """Like `add`, but tells the nearest kept text as well."""
        encoded = self._encode(text)
        index, score = max(self._top(encoded, 1), key=lambda found: found[1], default=(-1, 0.0))
        kept = not score > self.threshold
        if kept:
            self._keep(encoded)
        return Verdict(kept, index, score)

    def keep(self, text: str) -> None:
        """Put a text among the kept ones without judging it: a seed task, or a row of an earlier run."""
        self._keep(self._encode(text))

    def nearest(self, text: str, k: int = 10) -> list[tuple[int, float]]:
        """The `k` nearest kept texts as (index, ROUGE-L), best first, earlier ones first among equals."""
        return self._top(self._encode(text), k)

    def _encode(self, text: str) -> str:
        letters = self._letters
        return "".join(letters.setdefault(word, chr(len(letters))) for word in words_of(text))

    def _keep(self, encoded: str) -> None:
        if len(self._texts) == len(self._lengths):
            self._lengths = np.resize(self._lengths, 2 * len(self._lengths))
        self._lengths[len(self._texts)] = len(encoded)
        self._texts.append(encoded)

    def _top(self, encoded: str, k: int) -> list[tuple[int, float]]:
        scores = self._scores(encoded)
        if len(scores) == 0 or k < 1:
            return []
        order = [int(np.argmax(scores))] if k == 1 else np.argsort(-scores, kind="stable")[:k].tolist()
        return [(index, float(scores[index])) for index in order]

    def _scores(self, encoded: str) -> NDArray[np.float64]:
        """ROUGE-L with every kept text, in order: the float operations of `rouge_l`, element by element."""
        scores = np.zeros(len(self._texts))
        if not encoded or not self._texts:
            return scores
        common = cdist([encoded], self._texts, scorer=LCSseq.similarity, dtype=np.int32)[0]
        some = np.flatnonzero(common)
        precision, recall = common[some] / self._lengths[some], common[some] / float(len(encoded))
        scores[some] = 2 * precision * recall / (precision + recall)
        return scores
