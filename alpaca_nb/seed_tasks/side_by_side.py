"""Two sets of seed tasks under the same report: these, and the original's, whose counts are recorded with the kit.

Of the original's file the kit holds numbers only, each of them what `summarise` finds there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alpaca_nb.quality.reading import rows_of_tasks
from alpaca_nb.quality.report import Lengths, inspect_rows
from alpaca_nb.quality.verbs import count_verbs
from alpaca_nb.records import SeedTask
from alpaca_nb.seed_tasks.survey import soft_warnings, statistics

if TYPE_CHECKING:
    from spacy.language import Language

ORIGINAL_COUNTS = Path(__file__).with_name("original_counts.json")


@dataclass(frozen=True)
class Summary:
    """What the reports count in one set of seed tasks."""

    counts: dict[str, int | float | str]
    defects: dict[str, int]  # each defect that was looked for → tasks
    lengths: tuple[Lengths, ...]


def summarise(tasks: Sequence[SeedTask], parser: "Language | None" = None) -> Summary:
    """Count a set of tasks, the pairs of verb and object with `parser`, or by rules where it is None."""
    report = inspect_rows(rows_of_tasks(tasks))
    verbs = count_verbs((task.instruction for task in tasks), parser)
    counts = {
        **statistics(tasks),
        "warnings_of_the_published_rules": len(soft_warnings(tasks)),
        "different_pairs_of_verb_and_object": verbs.distinct,
        "pairs_found_by": verbs.method,
    }
    return Summary(counts, {name: report.count(name) for name in report.checked}, report.lengths)


def recorded_original() -> tuple[Summary, str]:
    """The original's 175 tasks as counted once, by rules, and where the counted file is to be found."""
    recorded = json.loads(ORIGINAL_COUNTS.read_text(encoding="utf-8"))
    lengths = (Lengths(**{**each, "counts": _by_size(each["counts"])}) for each in recorded["lengths"])
    source = recorded["counted_from"]
    where = f"{source['file']} of {source['repository']}, commit {source['commit']}, sha256 {source['sha256']}"
    return Summary(recorded["counts"], recorded["defects"], tuple(lengths)), where


def _by_size(counts: dict[str, int]) -> dict[int, int]:
    return {int(size): count for size, count in counts.items()}  # JSON's keys are texts
