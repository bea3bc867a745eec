"""ROUGE-L of two short texts, as Google's `rouge_score` computes it without stemming: the kit's measure of sameness."""

import re
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq

_WORD = re.compile(r"[a-z0-9]+")
_Numbers = TypeVar("_Numbers", float, NDArray[np.float64])


def words_of(text: str) -> list[str]:
    """The words ROUGE-L compares: lower case, everything but a-z and 0-9 separates."""
    return _WORD.findall(text.lower())


def rouge_l(a: str, b: str) -> float:
    """ROUGE-L F-measure of two texts: how much of both is one common sequence of words, from 0 to 1."""
    words_a, words_b = words_of(a), words_of(b)
    common = LCSseq.similarity(words_a, words_b)  # length of the longest common subsequence
    return f_measure(common, len(words_a), len(words_b)) if common else 0.0


def f_measure(common: _Numbers, length_a: float, length_b: _Numbers) -> _Numbers:
    """The harmonic mean of two shares, for 1 or more common words: rouge_score's float operations, in its order."""
    precision, recall = common / length_b, common / length_a
    return 2 * precision * recall / (precision + recall)
