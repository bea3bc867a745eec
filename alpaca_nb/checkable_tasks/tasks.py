"""All families together, and how tasks are drawn from them."""

import random
from collections.abc import Sequence
from dataclasses import asdict

from alpaca_nb.checkable_tasks import (
    families_classification,
    families_dates,
    families_extraction,
    families_knowledge,
    families_lists,
    families_numbers,
    families_rewriting,
    families_units,
    families_words,
)
from alpaca_nb.checkable_tasks.family import Draft, Family
from alpaca_nb.records import CheckableTask

FAMILIES: tuple[Family, ...] = (
    *families_numbers.FAMILIES,
    *families_units.FAMILIES,
    *families_lists.FAMILIES,
    *families_extraction.FAMILIES,
    *families_classification.FAMILIES,
    *families_words.FAMILIES,
    *families_knowledge.FAMILIES,
    *families_rewriting.FAMILIES,
    *families_dates.FAMILIES,
)
DRAWS_BEFORE_A_FAMILY_IS_DRY = 400


def make_tasks(
    count: int,
    seed: str,
    families: Sequence[Family] | None = None,
    exclude: frozenset[tuple[str, str]] = frozenset(),
) -> list[CheckableTask]:
    """Draw `count` distinct tasks, one family after the other in turn; the same arguments give the same tasks.

    `exclude` holds (instruction, input) pairs that must not come again, such as the rows of a training set.
    Raises ValueError where the families cannot give so many.
    """
    chosen = tuple(FAMILIES if families is None else families)
    generators = {family.name: random.Random(f"{seed}:{family.name}") for family in chosen}
    seen = set(exclude)
    tasks: list[CheckableTask] = []
    while len(tasks) < count:
        before = len(tasks)
        for family in chosen[: count - len(tasks)]:
            draft = _draw_new(family, generators[family.name], seen)
            if draft is not None:
                seen.add((draft.instruction, draft.input))
                tasks.append(_task(f"task_{len(tasks):05d}", family, draft))
        if len(tasks) == before:
            raise ValueError(f"only {before} of {count} distinct tasks can be drawn from {len(chosen)} families")
    return tasks


def _draw_new(family: Family, rng: random.Random, seen: set[tuple[str, str]]) -> Draft | None:
    for _ in range(DRAWS_BEFORE_A_FAMILY_IS_DRY):
        draft = family.make(rng)
        if (draft.instruction, draft.input) not in seen:
            return draft
    return None


def _task(id: str, family: Family, draft: Draft) -> CheckableTask:
    return CheckableTask(id=id, family=family.name, **asdict(draft))
