"""Which earlier texts could share enough words with a new one? An index that answers without looking at most of them.

Here a text is a bag of numbered words: order is left aside, repetitions count. Words are numbered as they are first
met, so a frequent word soon has a low number and a rare one a high number. That order never changes, which is all that
exactness asks for; that it is about the order of rarity only makes it fast. Three bounds prune the pairs (`bounds` has
their arithmetic):

- Rare words. Sort the words of two texts, the rarest first, equal ones side by side. If the texts share at least s
  words, let w be the rarest shared one. All s shared words stand at the first w or after it, so in a text of n words
  that w is among the first n - s + 1. So it is enough to post each text under its first few words and to look up the
  first few of a new one: pairs that share none of them are never met, and hardly anybody looks under "the".
- Length. Texts are posted under the word and their length, so lengths that cannot reach the threshold are left out;
  and from the partner's length follows s, thus how many of the new text's words are to be looked up there.
- Bitmaps. Each text has 64 bits, bit (word's number mod 64) being set for each word. A word that two texts share sets
  the same bit in both, so each bit in which their bitmaps differ is owed to a word that only one of them has. More
  differing bits than the texts may have different words: too little in common. What passes is tried with 192 bits,
  where two words fall on the same bit less often.

Each may let a pair pass that then scores below the threshold. None drops a pair that scores above.
"""

from array import array
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from alpaca_nb.similarity.bounds import IMPOSSIBLE, Bounds, bounds_of

_NARROW = 64  # bits, one machine word
_WIDE = 3 * _NARROW  # bits; a count of up to 192 still fits a byte
_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Outline:
    """What the index looks at in one text."""

    length: int
    rarest: list[int]  # the words it is posted under, the rarest first
    narrow: int  # bitmap of 64 bits
    wide: NDArray[np.uint64]  # (3, 1), bitmap of 192 bits


class OverlapIndex:
    """Outlines of the kept texts, which are numbered from 0 in the order of `append`. The arrays grow by doubling."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self._count = 0
        self._posted: dict[int, dict[int, array[int]]] = {}  # word → length → texts
        self._lengths = np.zeros(1024, dtype=np.int32)  # in words
        self._narrow = np.zeros(1024, dtype=np.uint64)
        self._wide = np.zeros((_WIDE // _NARROW, 1024), dtype=np.uint64)
        self._longest = 0
        self._bounds: dict[int, Bounds] = {}  # by length of the new text

    def __len__(self) -> int:
        return self._count

    @property
    def lengths(self) -> NDArray[np.int32]:
        """Length of each kept text in words."""
        return self._lengths[: self._count]

    def bounds(self, length: int) -> Bounds:
        """What a text of `length` words asks of the kept ones."""
        found = self._bounds.get(length)
        if found is None:
            found = self._bounds[length] = bounds_of(length, self._longest, self.threshold)
        return found

    def outline(self, words: list[int]) -> Outline:
        """The outline of a text, given its words' numbers."""
        narrow = wide = 0
        for word in words:
            narrow |= 1 << word % _NARROW
            wide |= 1 << word % _WIDE
        rarest = sorted(words, reverse=True)[: self.bounds(len(words)).prefix]
        parts = np.frombuffer(wide.to_bytes(_WIDE // 8, "little"), dtype="<u8")
        return Outline(len(words), rarest, narrow, parts[:, np.newaxis])

    def append(self, outline: Outline) -> None:
        """Remember a text under the next number."""
        number = self._count
        if number == len(self._lengths):
            self._lengths, self._narrow = _doubled(self._lengths), _doubled(self._narrow)
            self._wide = _doubled(self._wide)
        self._lengths[number] = outline.length
        self._narrow[number] = outline.narrow
        self._wide[:, number] = outline.wide[:, 0]
        self._count += 1
        for word in outline.rarest:
            by_length = self._posted.setdefault(word, {})
            if outline.length not in by_length:
                by_length[outline.length] = array("i")
            by_length[outline.length].append(number)
        if outline.length > self._longest:
            self._longest = outline.length
            self._bounds.clear()

    def candidates(self, outline: Outline) -> NDArray[np.int32]:
        """Numbers of the texts that pass all bounds: every text that scores above the threshold is among them."""
        texts = self.sharing_a_rare_word(outline)
        if len(texts) == 0:
            return texts
        allowed = self._allowed(outline, texts)
        similar = np.flatnonzero(np.bitwise_count(self._narrow.take(texts) ^ outline.narrow) <= allowed)
        if len(similar) == 0:
            return texts[:0]
        texts, allowed = texts.take(similar), allowed.take(similar)
        return texts[_differing_bits(self._wide.take(texts, axis=1), outline) <= allowed]

    def sharing_a_rare_word(self, outline: Outline) -> NDArray[np.int32]:
        """Numbers of the texts of fitting length found under a rare word; several times for several such words."""
        posted: list[array[int]] = []
        for word, (shortest, longest) in zip(outline.rarest, self.bounds(outline.length).partners, strict=True):
            if by_length := self._posted.get(word):
                posted += [texts for length, texts in by_length.items() if shortest <= length <= longest]
        return np.frombuffer(b"".join(posted), dtype=np.int32)

    def of_fitting_length(self, outline: Outline) -> int:
        """How many texts the length alone leaves; only for the picture, nothing needs to count them."""
        return int(np.count_nonzero(self._allowed(outline, np.arange(self._count)) != IMPOSSIBLE))

    def _allowed(self, outline: Outline, texts: NDArray[np.integer]) -> NDArray[np.int32]:
        """In how many words each of the numbered texts may differ; "clip" sends long ones to the last entry."""
        return self.bounds(outline.length).most_different.take(self._lengths.take(texts), mode="clip")


def _differing_bits(wide: NDArray[np.uint64], outline: Outline) -> NDArray[np.uint8]:
    """Bits in which each column of `wide`, (3, texts), differs from the outline's."""
    differing: NDArray[np.uint8] = np.bitwise_count(wide ^ outline.wide).sum(axis=0, dtype=np.uint8)
    return differing


def _doubled(values: NDArray[_Number]) -> NDArray[_Number]:
    return np.concatenate([values, np.zeros_like(values)], axis=-1)
