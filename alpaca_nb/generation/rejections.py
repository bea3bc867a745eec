"""The rejected candidates of a run: counted by reason, with the first of each kept as a sample.

There may be a hundred thousand, and nobody needs them all at once: each is handed on as it comes, to a file.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from alpaca_nb.records import Rejection


def _forget(rejection: Rejection) -> None:
    """What happens to a rejection where nobody wants to read it."""


@dataclass
class Rejections:
    """`len()` counts them; `write` gets each of them once, in their order."""

    write: Callable[[Rejection], object] = _forget
    by_reason: Counter[str] = field(default_factory=Counter)
    first: dict[str, Rejection] = field(default_factory=dict)  # by reason
    last: Rejection | None = None

    def __len__(self) -> int:
        return self.by_reason.total()

    def add(self, rejection: Rejection) -> None:
        """Count one, and hand it on."""
        self.by_reason[rejection.reason] += 1
        self.first.setdefault(rejection.reason, rejection)
        self.last = rejection
        self.write(rejection)
