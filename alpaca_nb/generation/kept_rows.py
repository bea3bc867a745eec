"""The kept rows of a run, in a file without a name: the memory must not grow with their text.

The file is gone with the process, however that ends; the rows are made again from the ledger.
"""

import pickle
import tempfile
import weakref
from array import array
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import IO

from alpaca_nb.records import Candidate, Example, Usage


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A row of the data set with what is known about it; `nearest_index` counts seeds first, then rows, from 0."""

    candidate: Candidate
    nearest_index: int
    nearest_score: float
    model: str  # as the endpoint named it
    usage: Usage | None  # of the item's requests, shared by all of its rows

    @property
    def example(self) -> Example:
        """The row as Alpaca's format has it."""
        return Example(self.candidate.instruction, self.candidate.input, self.candidate.output)


class KeptRows:
    """Rows in their order, to be counted, gone through and found by number; the file is in `folder`, if one is given.

    `append` raises OSError on a full disk.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._opened: IO[bytes] | None = None
        self._ends = array("q", [0])
        self._at_end = True

    @property
    def _file(self) -> IO[bytes]:
        """Made when the first row comes: until then nothing is written anywhere."""
        if self._opened is None:
            self._opened = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  it lives as long as its rows
            weakref.finalize(self, self._opened.close)
        return self._opened

    def __len__(self) -> int:
        return len(self._ends) - 1

    def append(self, row: KeptRow) -> None:
        """Keep one more."""
        if not self._at_end:
            self._file.seek(self._ends[-1])
            self._at_end = True
        usage = None if row.usage is None else astuple(row.usage)
        candidate = row.candidate
        fields = tuple(getattr(candidate, name) for name in Candidate.__slots__)
        written = self._file.write(pickle.dumps((fields, row.nearest_index, row.nearest_score, row.model, usage)))
        self._ends.append(self._ends[-1] + written)

    def __getitem__(self, number: int) -> KeptRow:
        """The row of this number; from the last one, counted backwards, below 0."""
        place = range(len(self))[number]
        self._file.seek(self._ends[place])
        self._at_end = False
        content = self._file.read(self._ends[place + 1] - self._ends[place])
        fields, nearest_index, nearest_score, model, usage = pickle.loads(content)
        return KeptRow(
            Candidate(*fields), nearest_index, nearest_score, model, None if usage is None else Usage(*usage)
        )

    def __iter__(self) -> Iterator[KeptRow]:
        return (self[number] for number in range(len(self)))
