"""The records of a ledger: what is written down about each attempt, and how it is read again.

| kind | when | what it says |
|---|---|---|
| `price` | at opening, where it changed | the price at which all later records are counted |
| `sent` | before a request leaves | its number, the attempt, the most it can cost |
| `answer` | when its bytes are here, before they are read | the body as received, the prompt's hash, seconds |
| `failed` | when an attempt ends without an answer | the cause, and whether it may have been billed |
| `batch` | before, at and after a batch (see `batches`) | its state, id and requests |

A `sent` without outcome was cut off by a crash: it may have been billed.
"""

import base64
from dataclasses import asdict, fields
from decimal import Decimal

from alpaca_nb.files import Json
from alpaca_nb.prices import Price
from alpaca_nb.teacher.client import Failure, Reply
from alpaca_nb.teacher.ledger import Record


def price_record(price: Price) -> Record:
    """The price in force from here on."""
    return {"kind": "price", **asdict(price)}


def price_in(record: Record) -> Price:
    """The price that a record of this kind holds."""
    names = {field.name for field in fields(Price)}  # a later version may write more
    return Price(**{name: value for name, value in record.items() if name in names})  # type: ignore[arg-type]


def sent_record(index: int, attempt: int, worst_usd: Decimal) -> Record:
    """An attempt is about to be made."""
    return {"kind": "sent", "request": index, "attempt": attempt, "worst_usd": str(worst_usd)}


def answer_record(index: int, sha256: str, stop: tuple[str, ...], reply: Reply) -> Record:
    """An answer's bytes, as text where they are UTF-8; where the text must be cut stands with it."""
    record: Record = {"kind": "answer", "request": index, "prompt_sha256": sha256, "id": reply.request_id}
    if reply.seconds:
        record["seconds"] = round(reply.seconds, 3)
    if stop:
        record["stop"] = list(stop)
    try:
        record["body"] = reply.body.decode("utf-8")
    except UnicodeDecodeError:
        record["body_base64"] = base64.b64encode(reply.body).decode()
    return record


def body_of(record: Record) -> bytes:
    """The bytes of an answer, as they were received."""
    if "body" in record:
        return str(record["body"]).encode()
    return base64.b64decode(str(record["body_base64"]))


def stop_of(record: Record) -> tuple[str, ...]:
    """Where an answer's text must be cut."""
    stop: Json = record.get("stop")
    return tuple(str(each) for each in stop) if isinstance(stop, list) else ()


def failure_record(index: int, failure: Failure) -> Record:
    """An attempt without an answer."""
    return {
        "kind": "failed",
        "request": index,
        "cause": failure.cause,
        "maybe_billed": failure.maybe_billed,
        "message": failure.message,
    }


def index_in(record: Record) -> int:
    """The request that a record is about."""
    return int(str(record["request"]))
