"""Rows made by hand for the tests of the quality report, and two ways to have it look at them."""

from collections.abc import Sequence

from alpaca_nb import cli
from alpaca_nb.quality.report import inspect_rows
from alpaca_nb.records import Example

GOOD = Example("Name three primary colours.", "", "Red, yellow and blue.")


def row(output: str = "Fine.", input: str = "", instruction: str = "Do the following task.") -> Example:
    return Example(instruction, input, output)


def defects_of(*rows: Example, evaluation: Sequence[Example] = ()) -> set[str]:
    return {finding.defect for finding in inspect_rows(rows, evaluation=evaluation).findings}


def inspect_file(*arguments: object) -> int:
    return cli.main(["inspect", *map(str, arguments)])
