"""Solutions of notebook 02, one function an exercise; `stage` is the notebook's own, and so are the names it imports.

What a function returns is what belongs into the exercise's cell. The tests hold every one against a finished run.
"""

from collections.abc import Callable, Sequence

from alpaca_nb.files import read_json, read_jsonl
from alpaca_nb.generation.faults import costs_of_faults
from alpaca_nb.generation.novelty import NoveltyFilter
from alpaca_nb.generation.seeds import read_seed_tasks
from alpaca_nb.generation.settings import settings_of
from alpaca_nb.prices import price_of
from alpaca_nb.runs import Stage
from alpaca_nb.similarity.rouge_l import rouge_l
from alpaca_nb.teacher.recorded import recorded_answers


def exercise_1(stage: Stage) -> tuple[float, float]:
    """Predict: which of two is dropped?

    A has 8 words, as the kept text has, and *list three in italy and their* runs through both: 2 · 6 / (8 + 8) = 0.75,
    dropped. B has 11 words, and *list three cities and rivers* runs through both: 2 · 5 / (8 + 11) = 0.526, kept.
    """
    return 2 * 6 / (8 + 8), 2 * 5 / (8 + 11)


def exercise_2(stage: Stage) -> float:
    """Compute: requests for 52,000 rows. In truth it will be more, for the share kept falls as the pool grows."""
    rows = len(read_json(stage.path("dataset.json")))
    requests = len(recorded_answers(stage.path("generation", "ledger.jsonl")))
    return 52_000 * requests / rows


def exercise_3(stage: Stage) -> Callable[[Sequence[str], float], list[str]]:
    """Write five lines: the novelty filter."""

    def my_novelty_filter(texts: Sequence[str], threshold: float) -> list[str]:
        kept: list[str] = []
        for text in texts:
            if all(rouge_l(text, other) <= threshold for other in kept):
                kept.append(text)
        return kept

    return my_novelty_filter


def exercise_4(stage: Stage) -> float:
    """Compute: the price of the faults. In the notebook: 100 * (float(rows[-1][3]) / float(rows[0][3]) - 1)."""
    settings = settings_of(stage.parameters, to_send=False)
    way = settings.way(read_seed_tasks(stage.path("seed_tasks.jsonl")))
    answers = recorded_answers(stage.path("generation", "ledger.jsonl"))
    costs = costs_of_faults(answers, way, settings, [price_of("text-davinci-003")])
    return 100 * (costs[-1].usd[0] / costs[0].usd[0] - 1)


def exercise_5(stage: Stage) -> int:
    """Change one thing: a threshold of 0.5.

    The scores in provenance.jsonl are to the nearest text kept at 0.7. At 0.5 some of those texts go themselves, and
    then a row that was close to one of them may stay.
    """
    known = NoveltyFilter(0.5)
    for task in read_seed_tasks(stage.path("seed_tasks.jsonl")):
        known.keep(task.instruction)
    return sum(known.add(row["instruction"]) for row in read_json(stage.path("dataset.json")))


def exercise_6(stage: Stage) -> int:
    """Research: is the rule right? One reading among others: near duplicates whose numbers differ are another task."""
    bad = [value for _, value in read_jsonl(stage.path("rejected.jsonl")) if value["reason"] == "near_duplicate"][:10]
    numbers = [{word for word in each["text"].split() if word.isdigit()} for each in bad]
    return sum(not here <= set(each["detail"].split()) for here, each in zip(numbers, bad, strict=True))
