"""How many words does a new text share with each of many? Exact counts, order set aside and repetitions counted.

A word's second occurrence in a text is a word of its own here, so that "the … the" and "the … the" share two. A rare
word has a list of the texts that hold it: going through a few short lists is cheap. The commonest 64 words, half of all
that is written, would have long ones; each of them gets a bit instead, and the common words that two texts share are
counted by one machine instruction. A word gets its bit when its list grows too long.
"""

from array import array

import numpy as np
from numpy.typing import NDArray

_BITS = 64
_LONG_LIST = 256  # texts; as soon as a list is longer, its word gets a bit while there are any


class SharedWords:
    """The words of texts that are numbered from 0 in the order of `append`."""

    def __init__(self) -> None:
        self._count = 0
        self._repeated: dict[tuple[int, int], int] = {}  # (word, which occurrence from the second) → negative number
        self._lists: dict[int, array[int]] = {}  # word → texts
        self._bits: dict[int, int] = {}  # common word → its bit, as a number
        self._common = np.zeros(1024, dtype=np.uint64)  # of each text; grows by doubling

    def __len__(self) -> int:
        return self._count

    def append(self, words: list[int]) -> None:
        """Remember the words of the next text, given by their numbers from 0."""
        if self._count == len(self._common):
            self._common = np.concatenate([self._common, np.zeros_like(self._common)])
        common = 0
        for word in self._told_apart(words):
            if (bit := self._bits.get(word)) is not None:
                common |= bit
                continue
            texts = self._lists.setdefault(word, array("i"))
            texts.append(self._count)
            if len(texts) > _LONG_LIST and len(self._bits) < _BITS:
                self._make_common(word)
        self._common[self._count] |= np.uint64(common)
        self._count += 1

    def counts(self, words: list[int]) -> NDArray[np.integer]:
        """How many of `words` each text has: (texts,)."""
        known, common = self._told_apart(words), 0
        lists = []
        for word in known:
            if (bit := self._bits.get(word)) is not None:
                common |= bit
            elif texts := self._lists.get(word):
                lists.append(np.frombuffer(texts, dtype=np.int32))
        shared: NDArray[np.integer] = np.bitwise_count(self._common[: self._count] & np.uint64(common))
        if len(known) > np.iinfo(np.uint8).max:
            shared = shared.astype(np.int32)
        for listed in lists:
            shared[listed] += 1  # no text stands twice in a list
        return shared

    def _make_common(self, word: int) -> None:
        bit = 1 << len(self._bits)
        self._bits[word] = bit
        texts = np.frombuffer(self._lists.pop(word), dtype=np.int32)
        self._common[texts] |= np.uint64(bit)

    def _told_apart(self, words: list[int]) -> list[int]:
        """The words without repetitions: a second, third, … occurrence has a number of its own, below 0."""
        if len(set(words)) == len(words):
            return words
        seen: dict[int, int] = {}
        apart = []
        for word in words:
            before = seen[word] = seen.get(word, 0) + 1
            apart.append(word if before == 1 else self._repeated.setdefault((word, before), -1 - len(self._repeated)))
        return apart
