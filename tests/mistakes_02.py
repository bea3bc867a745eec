"""Wrong answers that readers of notebook 02 are likely to give, and words of the explanation they must get."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from alpaca_nb.files import read_json, read_jsonl
from alpaca_nb.generation.faults import FaultCost, costs_of_faults
from alpaca_nb.generation.seeds import read_seed_tasks
from alpaca_nb.generation.settings import settings_of
from alpaca_nb.prices import price_of
from alpaca_nb.runs import Stage, read_record
from alpaca_nb.similarity.rouge_l import rouge_l
from alpaca_nb.teacher.recorded import recorded_answers


def rows(stage: Stage) -> int:
    return len(read_json(stage.run_dir / "dataset.json"))  # type: ignore[arg-type]


def rejected(stage: Stage) -> int:
    return len(list(read_jsonl(stage.run_dir / "rejected.jsonl")))


def requests(stage: Stage) -> int:
    return len(recorded_answers(stage.run_dir / "generation" / "ledger.jsonl"))


def greedy(texts: Sequence[str], threshold: float) -> list[str]:
    kept: list[str] = []
    for text in texts:
        if all(rouge_l(text, other) <= threshold for other in kept):
            kept.append(text)
    return kept


def at_the_edge(texts: Sequence[str], threshold: float) -> list[str]:
    kept: list[str] = []
    for text in texts:
        if not any(rouge_l(text, other) >= threshold for other in kept):
            kept.append(text)
    return kept


def with_dropped_ones(texts: Sequence[str], threshold: float) -> list[str]:
    kept, seen = [], []
    for text in texts:
        if all(rouge_l(text, other) <= threshold for other in seen):
            kept.append(text)
        seen.append(text)
    return kept


def with_the_last(texts: Sequence[str], threshold: float) -> list[str]:
    kept: list[str] = []
    for text in texts:
        if not kept or rouge_l(kept[-1], text) <= threshold:
            kept.append(text)
    return kept


def both_of_a_pair(texts: Sequence[str], threshold: float) -> list[str]:
    near = [sum(rouge_l(text, other) > threshold for other in texts) for text in texts]
    return [text for text, count in zip(texts, near, strict=True) if count == 1]


def without_return(texts: Sequence[str], threshold: float) -> None:
    greedy(texts, threshold)


@cache
def costs(run_dir: Path) -> list[FaultCost]:
    record = read_record(run_dir, "02_generate_data")
    assert record is not None
    settings = settings_of(record.parameters)
    way = settings.way(read_seed_tasks(run_dir / "seed_tasks.jsonl"))
    answers = recorded_answers(run_dir / "generation" / "ledger.jsonl")
    return costs_of_faults(answers, way, settings, [price_of("text-davinci-003")])


def bill(stage: Stage, row: int) -> float:
    return costs(stage.run_dir)[row].usd[0]


def good(stage: Stage, row: int) -> int:
    return costs(stage.run_dir)[row].good


def left(stage: Stage, with_seeds: bool = True) -> int:
    seeds = [task.instruction for task in read_seed_tasks(stage.run_dir / "seed_tasks.jsonl")] if with_seeds else []
    texts = [row["instruction"] for row in read_json(stage.run_dir / "dataset.json")]  # type: ignore
    return len(greedy([*seeds, *texts], 0.5)) - len(greedy(seeds, 0.5))


A, B = 0.75, 10 / 19
MISTAKES: dict[str, list[tuple[Any, str]]] = {
    "02.1": [
        ((1.0, B), "A: you count the words that both have, in any order"),
        ((A, 14 / 19), "B: you count the words that both have, in any order"),
        ((A, 5 / 8), "B: that is its share of the kept text"),
        ((A, 5 / 11), "B: that is its share of the new text"),
        ((A, (5 / 8 + 5 / 11) / 2), "B: that is the arithmetic mean"),
        ((6, 5), "A: that is the length of the sequence"),
        ((75, 53), "A: a score goes from 0 to 1"),
        ((0.9, B), "A: 0.9 is too high"),
        (0.75, "A list of 2 items is asked for"),
    ],
    "02.2": [
        (52_000 / 17, "only if all 17 new tasks of a list are kept"),
        (52_000 / 20, "3 of a list's 20 tasks are seeds"),
        (lambda stage: 52_000 * requests(stage) / (rows(stage) + rejected(stage)), "You count what was rejected, too"),
        (lambda stage: 52_000 * rows(stage) / requests(stage), "Upside down"),
        (52_000, "That is a request a row"),
        (100_000, "too high"),
    ],
    "02.3": [
        (at_the_edge, "At the edge"),
        (with_dropped_ones, "You compare with every earlier text"),
        (with_the_last, "You compare with one kept text only"),
        (both_of_a_pair, "You drop both texts of a pair"),
        ((lambda texts, threshold: [t for t in texts if t not in greedy(texts, threshold)]), "texts that are dropped"),
        ((lambda texts, threshold: len(greedy(texts, threshold))), "not their number"),
        ((lambda texts, threshold: list(dict.fromkeys(texts))), "You drop equal texts only"),
        ((lambda texts, threshold: texts[:2]), "of 6 cases are right. The first that is not: (['a b c d e f', "),
        (without_return, "does it end with return?"),
    ],
    "02.4": [
        (lambda stage: bill(stage, -1) / bill(stage, 0), "That is the ratio of the two"),
        (lambda stage: bill(stage, -1) / bill(stage, 0) - 1, "That is a share"),
        (lambda stage: 100 * (1 - bill(stage, 0) / bill(stage, -1)), "in per cent of the dearer one"),
        (lambda stage: bill(stage, -1) - bill(stage, 0), "Those are dollars"),
        (lambda stage: 100 * (good(stage, 0) / good(stage, -1) - 1), "You compare rows"),
        (0.001, "too low"),
    ],
    "02.5": [
        (lambda stage: rows(stage), "too high"),
        (lambda stage: left(stage, with_seeds=False), "You left the seeds out"),
        (lambda stage: rows(stage) - left(stage), "Those are the rows that go"),
        (lambda stage: left(stage) + 175, "The seeds are counted with them"),
    ],
    "02.6": [
        (0.3, "A count is asked for"),
        (11, "so the count lies between 0 and"),
        (-1, "so the count lies between 0 and"),
        ("three", "A number is asked for"),
    ],
}
