"""The quality report: every defect with its rows, and what the set is like in lengths, inputs, words and verbs."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median

from alpaca_nb.quality.row_defects import ROW_DEFECTS
from alpaca_nb.quality.set_defects import EVAL_DEFECTS, SET_DEFECTS
from alpaca_nb.quality.verbs import count_verbs
from alpaca_nb.records import Example

CountTokens = Callable[[str], int]
DEFECTS = {  # name → what it means, in the order of the report
    "empty_output": "empty output",
    "no_answer": "the output is N/A or the like",
    "marker_left": "a no-input marker was left in",
    "merged_tasks": "two tasks in one row",
    "cut_ending": "the output stops in the middle",
    "url_in_input": "the input holds a web address",
    "hallucinated_url": "… and the output tells what is there",
    "copied_input": "the output repeats the input",
    "placeholder_in_input": "something is missing from the input: [Image]",
    "placeholder_in_output": "something is left to be filled in: [Name]",
    "as_an_ai": "the teacher speaks about itself",
    "wrong_arithmetic": "a sum that is wrong",
    "control_characters": "invisible or unreadable characters",
    "exact_duplicate": "the same row again",
    "conflicting_duplicate": "the same task with another output",
    "near_duplicate": "nearly the same task (ROUGE-L above 0.7)",
    "eval_same_task": "an evaluation task, word for word",
    "eval_similar": "nearly an evaluation task (ROUGE-L above 0.7)",
    "eval_shared_words": "8 or more words in a row shared with one",
}
# What these functions find in a random part of the published 52,002 rows (tatsu-lab/stanford_alpaca @ 761dc5b). No row
# of this part speaks as an AI; elsewhere a few do.
IN_THE_ORIGINAL_SAMPLE, IN_THE_ORIGINAL = (
    4600,
    {
        "empty_output": 4,
        "no_answer": 9,
        "marker_left": 65,
        "merged_tasks": 4,
        "cut_ending": 7,
        "url_in_input": 21,
        "hallucinated_url": 19,
        "copied_input": 7,
        "placeholder_in_input": 17,
        "placeholder_in_output": 31,
        "as_an_ai": 0,
        "wrong_arithmetic": 10,
        "control_characters": 1,
        "exact_duplicate": 0,
        "conflicting_duplicate": 0,
        "near_duplicate": 0,
    },
)
FIRST_WORDS_SHOWN = 10


@dataclass(frozen=True)
class Finding:
    """One defect of one row; rows count from 0, as in `dataset[row]`."""

    defect: str
    row: int
    detail: str


@dataclass(frozen=True)
class Lengths:
    """How long one field is over all rows where it is not empty, in words or tokens."""

    field: str
    unit: str
    mean: float
    median: float
    p95: int
    longest: int
    counts: dict[int, int]  # upper end of a bin (1, 2, 4, 8, …) → rows in it


@dataclass(frozen=True)
class Report:
    """What `inspect_rows` found; `findings` stand in the order of the defects, then of the rows."""

    rows: int
    with_input: int
    findings: tuple[Finding, ...]
    checked: tuple[str, ...]  # the names of the defects that were looked for
    lengths: tuple[Lengths, ...]
    first_words: dict[str, int]  # the most frequent ones
    distinct_first_words: int
    verbs: dict[str, int]  # the most frequent ones that instructions begin with, by the rules of `verb_rules`

    def count(self, defect: str) -> int:
        """Rows with this defect."""
        return sum(finding.defect == defect for finding in self.findings)

    def of(self, defect: str) -> list[Finding]:
        """The findings of one defect, in the order of the rows."""
        return [finding for finding in self.findings if finding.defect == defect]

    def share(self, defect: str) -> float:
        """Share of the rows with this defect, from 0 to 1."""
        return self.count(defect) / self.rows

    def sample(self, defect: str) -> str:
        """The first finding of a defect as "row: detail"; empty where there is none."""
        found = self.of(defect)
        return f"{found[0].row}: {found[0].detail}" if found else ""

    def metrics(self) -> dict[str, int]:
        """Rows for each defect that occurs, for a stage record."""
        return {name: self.count(name) for name in self.checked if self.count(name)}


def share_in_the_original(defect: str) -> str:
    """Share of the published rows with a defect, from a sample of 4,600; "–" for what was not counted there."""
    counted = IN_THE_ORIGINAL.get(defect)
    return "–" if counted is None else f"{counted / IN_THE_ORIGINAL_SAMPLE:.2%}"


def inspect_rows(
    rows: Sequence[Example], *, evaluation: Sequence[Example] = (), count_tokens: CountTokens | None = None
) -> Report:
    """Look for every defect; those against an evaluation file only where one is given."""
    findings = [
        Finding(check.__name__, index, detail)
        for check in ROW_DEFECTS
        for index, row in enumerate(rows)
        if (detail := check(row)) is not None
    ]
    found_in_set = [(check.__name__, check(rows)) for check in SET_DEFECTS]
    found_in_set += [(check.__name__, check(rows, evaluation)) for check in EVAL_DEFECTS if evaluation]
    findings += [Finding(name, index, detail) for name, found in found_in_set for index, detail in found.items()]
    starts = first_words(rows)
    verbs: Counter[str] = Counter()
    for (verb, _), count in sorted(count_verbs(row.instruction for row in rows).pairs.items()):
        verbs[verb] += count
    return Report(
        rows=len(rows),
        with_input=sum(bool(row.input.strip()) for row in rows),
        findings=tuple(findings),
        checked=(*(check.__name__ for check in ROW_DEFECTS), *(name for name, _ in found_in_set)),
        lengths=lengths_of(rows, count_tokens),
        first_words=dict(sorted(starts.items(), key=lambda pair: (-pair[1], pair[0]))[:FIRST_WORDS_SHOWN]),
        distinct_first_words=len(starts),
        verbs=dict(verbs.most_common(FIRST_WORDS_SHOWN)),
    )


def first_words(rows: Sequence[Example]) -> Counter[str]:
    """Count the first words of the instructions, in lower case and without punctuation at their ends."""
    return Counter(row.instruction.split()[0].strip(".,:;!?\"'“”()").lower() for row in rows)


def lengths_of(rows: Sequence[Example], count_tokens: CountTokens | None = None) -> tuple[Lengths, ...]:
    """Words of each field, and tokens too where a tokenizer counts them."""
    units: list[tuple[str, CountTokens]] = [("words", lambda text: len(text.split()))]
    if count_tokens is not None:
        units.append(("tokens", count_tokens))
    texts = {name: [text for row in rows if (text := getattr(row, name)).strip()] for name in Example.__annotations__}
    return tuple(
        _lengths(field, unit, sorted(map(count, found)))
        for unit, count in units
        for field, found in texts.items()
        if found
    )


def _lengths(field: str, unit: str, sizes: list[int]) -> Lengths:
    bins = Counter(1 << max(0, size - 1).bit_length() for size in sizes)
    return Lengths(
        field=field,
        unit=unit,
        mean=round(mean(sizes), 2),
        median=median(sizes),
        p95=sizes[min(len(sizes) - 1, len(sizes) * 95 // 100)],
        longest=sizes[-1],
        counts={upper: bins[upper] for upper in sorted(bins)},
    )
