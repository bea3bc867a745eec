"""ROUGE-L of two short texts, as Google's `rouge_score` computes it without stemming: the kit's measure of sameness."""

import re

from rapidfuzz.distance import LCSseq

_WORD = re.compile(r"[a-z0-9]+")


def words_of(text: str) -> list[str]:
    """The words ROUGE-L compares: lower case, everything but a-z and 0-9 separates."""
    return _WORD.findall(text.lower())


def rouge_l(a: str, b: str) -> float:
    """ROUGE-L F-measure of two texts: how much of both is one common sequence of words, from 0 to 1."""
    words_a, words_b = words_of(a), words_of(b)
    common = LCSseq.similarity(words_a, words_b)  # length of the longest common subsequence
    return f_measure(common, len(words_a), len(words_b))


def f_measure(common: int, length_a: int, length_b: int) -> float:
    """The harmonic mean of `common / length_a` and `common / length_b`, in rouge_score's own float operations."""
    if common == 0:
        return 0.0
    precision, recall = common / length_b, common / length_a
    return 2 * precision * recall / (precision + recall)
