"""What the ledger must hold of a batch so that another process can take it over."""

from dataclasses import dataclass
from decimal import Decimal

from alpaca_nb.files import Json
from alpaca_nb.teacher.ledger import Record
from alpaca_nb.teacher.ledger_records import index_in


@dataclass(frozen=True)
class Place:
    """What a batch must remember of one of its questions."""

    request: int
    sha256: str
    stop: tuple[str, ...]
    worst_usd: Decimal

    def as_json(self) -> Json:
        """As it stands in the ledger."""
        return [self.request, self.sha256, list(self.stop), str(self.worst_usd)]


@dataclass(frozen=True)
class OpenBatch:
    """A batch that was planned and has not ended; `id` is empty as long as nobody knows whether it was created."""

    key: str
    places: dict[int, Place]
    planned_at: float  # Unix seconds
    id: str = ""

    def labelled(self, record: Record) -> Record:
        """An outcome's record with the batch that brought it, and the most it can cost."""
        return record | {"batch": self.key, "worst_usd": str(self.places[index_in(record)].worst_usd)}


def open_batch_in(record: Record) -> OpenBatch:
    """The batch that a record of state `planned` describes."""
    rows, at = record["questions"], record["at"]
    assert isinstance(rows, list) and isinstance(at, int | float)
    places = [Place(row[0], row[1], tuple(row[2]), Decimal(row[3])) for row in rows]  # type: ignore[index,arg-type]
    return OpenBatch(str(record["key"]), {place.request: place for place in places}, float(at))
