"""Solutions of notebook 01, one function an exercise; `stage` is the notebook's own, and so are the names it imports.

What a function returns is what belongs into the exercise's cell. The tests hold every one against a finished run.
"""

import re
from collections.abc import Callable, Sequence

from alpaca_nb.generation.prompt import numbered_item
from alpaca_nb.runs import Stage
from alpaca_nb.seed_tasks.load import load_seed_tasks


def exercise_1(stage: Stage) -> list[str]:
    """Predict: which rule strikes?

    Whole words (1, 4), the first rule in order (2), letters at the beginning (3), a word whatever its sense (5).
    """
    return ["passes", "too_short", "starts_with_write_a_program", "passes", "filtered_word"]


def exercise_2(stage: Stage) -> str:
    """Change one thing. The kit's own third task is: Count the vowels in the sentence, treating y as a consonant."""
    instruction = load_seed_tasks(stage.path("seed_tasks.jsonl"))[2].instruction
    return f"{instruction} Music"  # of any task; more naturally: Count the vowels in the file, treating …


def exercise_3(stage: Stage) -> float:
    """Compute: what does it cost to show the seeds?"""
    tasks = load_seed_tasks(stage.path("seed_tasks.jsonl"))
    mean_characters = sum(len(numbered_item(1, task)) for task in tasks) / len(tasks)
    return mean_characters * 3 * 3250 / 4


def exercise_4(stage: Stage) -> Callable[[str, Sequence[str]], str | None]:
    """Write five lines: find the word. `re.search` finds the leftmost, `\\b` keeps to whole words."""

    def my_filtered_word(instruction: str, words: Sequence[str]) -> str | None:
        found = re.search(rf"\b({'|'.join(words)})\b", instruction, re.IGNORECASE)
        return found.group().lower() if found else None

    return my_filtered_word


def exercise_5(stage: Stage) -> dict[str, object]:
    """A seed task of one's own, here from a dairy."""
    output = (
        "Pasteurising heats milk for seconds and kills what makes ill; sterilising kills every germ, and changes taste."
    )
    return {
        "id": "mine_1",
        "name": "milk_two_ways",
        "instruction": "Say in one sentence how pasteurised milk differs from sterilised milk.",
        "instances": [{"input": "", "output": output}],
        "is_classification": False,
    }


def exercise_6(stage: Stage) -> tuple[str, str]:
    """Research: a model knows no later day than its training's last. The word would also cost harmless tasks."""
    return "What is the current price of wheat in Chicago?", "current"
