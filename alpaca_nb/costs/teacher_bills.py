"""The bills of all teachers that a run paid: writers of data and judges, each read from its own ledger."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from alpaca_nb.costs.accounting import number_in
from alpaca_nb.costs.ledger_bill import CENT, LedgerBill, bill_of_ledger
from alpaca_nb.errors import InputFileError
from alpaca_nb.files import Json, read_jsonl
from alpaca_nb.prices import Price, price_of
from alpaca_nb.runs import StageRecord
from alpaca_nb.teacher.ledger import scan

LEDGERS = {"02_generate_data": "generation", "05_blind_comparison": "comparison"}  # stage → folder with its ledgers
_REQUESTS_OF_A_ROW = {"list": 2}  # by way of asking: a line, then its answer


def teacher_bills(run_dir: Path, records: Mapping[str, StageRecord]) -> dict[str, list[LedgerBill]]:
    """The bills of all ledgers in a run folder, by stage; a ledger counts even where its stage never finished.

    Raises `BudgetError` for a model without a price, `InputFileError` where a ledger and the sum that its finished
    stage recorded differ by a cent or more.
    """
    found: dict[str, list[LedgerBill]] = {}
    for stage, folder in LEDGERS.items():
        paths = sorted((run_dir / folder).rglob("*ledger*.jsonl"))
        useful = _useful_requests(run_dir) if stage == "02_generate_data" else None
        bills = [bill_of_ledger(path, _price(path, records.get(stage)), useful) for path in paths]
        if not bills:
            continue
        found[stage] = bills
        recorded = number_in(records.get(stage), "usd")
        summed = sum((bill.usd for bill in bills), Decimal(0))
        if recorded is not None and abs(summed - Decimal(str(recorded))) >= CENT:
            raise InputFileError(
                f"{stage[:2]}_stage.json says ${recorded:.6f}, but the ledgers in {folder}/ add up to ${summed:.6f}: "
                f"one of them was changed after the stage had finished. Run the stage again"
            )
    return found


def teacher_usd_of(stage: str, bills: Mapping[str, list[LedgerBill]], record: StageRecord | None) -> float:
    """A stage's teacher dollars: its ledgers' sum, else what its record says."""
    if stage in bills:
        return float(sum((bill.usd for bill in bills[stage]), Decimal(0)))
    return number_in(record, "usd") or 0.0


def _useful_requests(run_dir: Path) -> frozenset[int] | None:
    """Requests that brought a row of the data set; None where it is not made yet."""
    path = run_dir / "generation" / "provenance.jsonl"
    if not path.exists():
        return None
    useful: set[int] = set()
    for _, row in read_jsonl(path):
        if isinstance(row, dict):
            together = _REQUESTS_OF_A_ROW.get(str(row.get("asked_for")), 1)
            first = int(str(row["request_index"])) // together * together
            useful.update(range(first, first + together))
    return frozenset(useful)


def _price(ledger: Path, record: StageRecord | None) -> Price:
    """The price book's answer for a ledger's teacher; a ledger that names its price itself needs none."""
    records = scan(ledger.read_bytes(), ledger.name).records
    configuration: Json = records[0].get("configuration") if records else {}
    named = configuration if isinstance(configuration, dict) else {}
    if any(each["kind"] == "price" for each in records):
        return Price("", 0.0, 0.0, "", "the ledger's own")
    base_url = str(named.get("teacher_base_url", ""))
    on_this_machine = "http://localhost" if base_url == "this machine" else base_url
    model = str(named.get("teacher_model", record.metrics.get("teacher_model", "") if record else ""))
    return price_of(model, base_url=on_this_machine)
