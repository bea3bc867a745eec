"""How much two texts must have in common to score above the threshold: the arithmetic behind the pruning.

A text of m words and one of n words score F = 2PR / (P + R) with P = L/m and R = L/n, where L is the length of their
longest common subsequence. In exact numbers that is 2L / (m + n), and L is at most the smaller of m and n. Three
bounds follow; none of them can lose a pair that scores above the threshold t.

- Length: F > t needs 2·min(m, n) > t·(m + n), so at t = 0.7 the longer text has at most 13/7 = 1.857 times the words of
  the shorter one.
- Overlap: a common subsequence is made of words that are in both texts (a word that occurs twice in both counts
  twice), so the overlap, order set aside, is at least L. Whoever needs L common words in order needs L at all.
- Difference: texts with at least `needed` words in common have at most m + n − 2·needed that are in only one of them.

`needed` is found with the very floats of `rouge_score`, since its F of an exact 7/10 may be 0.7000000000000001.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpaca_nb.similarity.rouge_l import f_measure

IMPOSSIBLE = -1  # as `most_different`: no two texts differ in fewer than 0 words


@dataclass(frozen=True)
class Bounds:
    """What a text of one length asks of others, indexed by their length; the last entry stands for all longer ones."""

    needed: NDArray[np.int32]  # least common subsequence that scores above the threshold
    most_different: NDArray[np.int32]  # words in only one of both texts, at most; IMPOSSIBLE where nothing suffices
    partners: list[tuple[int, int]]  # for the rarest word, the second rarest, …: shortest and longest text to look at
    prefix: int  # so many of its rarest words must a text be posted under, for partners of any length


def bounds_of(length: int, longest: int, threshold: float) -> Bounds:
    """The bounds for a text of `length` words among texts of up to `longest` words."""
    other = np.arange(max(longest, length) + 2)
    if threshold > 0:
        other = other[: int(length * (2 - threshold) / threshold) + 3]  # the length bound, rounded up generously
    needed = _least_common(length, other.astype(np.float64), threshold)
    possible = needed <= np.minimum(other, length)
    possible[-1] = False
    most_different = np.where(possible, length + other - 2 * needed, IMPOSSIBLE)
    # A longer partner asks for more common words, so the least that any partner asks for is found among the shorter.
    least = needed[: length + 1][possible[: length + 1]].min(initial=length + 1)
    prefix = length - int(least) + 1
    partners = []
    for rarer in range(prefix):
        lengths = np.flatnonzero(possible & (needed <= length - rarer))
        partners.append((int(lengths[0]), int(lengths[-1])))
    return Bounds(needed.astype(np.int32), most_different.astype(np.int32), partners, prefix)


def _least_common(length: int, other: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """The least L ≥ 1 with F > threshold: one below what exact numbers say, then upwards as the floats decide."""
    needed: NDArray[np.float64] = np.maximum(np.floor(threshold * (length + other) / 2) - 1, 1)
    some = np.maximum(other, 1)  # nothing is divided by an empty text
    while (too_few := (f_measure(needed, max(length, 1), some) <= threshold) & (needed <= length)).any():
        needed += too_few
    return needed.astype(np.int64)
