"""What a set of seed tasks is like: counts for the record, and warnings that do not forbid its use."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from alpaca_nb.instruction_rules import filtered_word, reject_reason
from alpaca_nb.records import SeedTask

PUBLISHED_STOP_STRING = "20."  # ends the teacher's answer under the published settings, wherever it comes


@dataclass(frozen=True)
class SeedWarning:
    """Why a usable seed task may do harm in generation: `detail` is the word or text at fault."""

    id: str
    reason: str
    detail: str = ""


def statistics(tasks: Sequence[SeedTask]) -> dict[str, int | float]:
    """The stage's metrics; a task counts as one with input if its first instance, the one shown, has an input."""
    words = [words_in(task.instruction) for task in tasks]
    return {
        "tasks": len(tasks),
        "with_input": sum(bool(task.instances[0].input.strip()) for task in tasks),
        "classification": sum(task.is_classification for task in tasks),
        "mean_instruction_words": round(sum(words) / len(words), 2) if words else 0.0,
        "distinct_first_words": len(first_words(tasks)),
    }


def soft_warnings(tasks: Sequence[SeedTask]) -> list[SeedWarning]:
    """Name the seeds that the published rules would reject in a teacher's answer or cut at the stop string "20."."""
    warnings = []
    for task in tasks:
        if reason := reject_reason(task.instruction):
            detail = filtered_word(task.instruction) or "" if reason == "filtered_word" else ""
            warnings.append(SeedWarning(task.id, reason, detail))
        shown = task.instances[0]
        if any(PUBLISHED_STOP_STRING in text for text in (task.instruction, shown.input, shown.output)):
            warnings.append(SeedWarning(task.id, "holds_stop_string", PUBLISHED_STOP_STRING))
    return warnings


def one_of_each_kind(tasks: Sequence[SeedTask], seed: int) -> list[SeedTask]:
    """Draw a task without input, one with input and a classification task; a kind without tasks is left out."""
    kinds = (
        [task for task in tasks if not task.is_classification and not task.instances[0].input.strip()],
        [task for task in tasks if not task.is_classification and task.instances[0].input.strip()],
        [task for task in tasks if task.is_classification],
    )
    draw = random.Random(f"{seed}:shown seed tasks")
    return [draw.choice(kind) for kind in kinds if kind]


def first_words(tasks: Sequence[SeedTask]) -> Counter[str]:
    """Count the first words of the instructions, in lower case and without punctuation at their ends."""
    return Counter(task.instruction.split()[0].strip(".,:;!?\"'“”()").lower() for task in tasks)


def words_in(text: str) -> int:
    """Number of words, split at white space as the published filter splits."""
    return len(text.split())
