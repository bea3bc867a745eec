"""Wrong answers that readers of notebook 01 are likely to give, and words of the explanation they must get."""

import json
import re
from collections.abc import Sequence
from typing import Any

from alpaca_nb.generation.prompt import numbered_item
from alpaca_nb.runs import Stage
from alpaca_nb.seed_tasks.load import load_seed_tasks

GOOD = {
    "id": "mine_1",
    "name": "mine",
    "instruction": "Say in one sentence how pasteurised milk differs from sterilised milk.",
    "instances": [{"input": "", "output": "The one is heated for seconds, the other until nothing lives."}],
    "is_classification": False,
}


def third_instruction(stage: Stage) -> str:
    return load_seed_tasks(stage.run_dir / "seed_tasks.jsonl")[2].instruction


def mean_item(stage: Stage) -> float:
    tasks = load_seed_tasks(stage.run_dir / "seed_tasks.jsonl")
    return sum(len(numbered_item(1, task)) for task in tasks) / len(tasks)


def by_substring(instruction: str, words: Sequence[str]) -> str | None:
    for word in words:
        if word in instruction.lower():
            return word
    return None


def by_split(instruction: str, words: Sequence[str]) -> str | None:
    return next((word for word in instruction.lower().split() if word in words), None)


def in_the_lists_order(instruction: str, words: Sequence[str]) -> str | None:
    for word in words:
        if re.search(rf"\b{word}\b", instruction, re.IGNORECASE):
            return word
    return None


def forgets_to_return(instruction: str, words: Sequence[str]) -> None:
    re.search("|".join(words), instruction)


def fails(instruction: str, words: Sequence[str]) -> Any:
    return re.search("|".join(words), instruction).group()  # type: ignore[union-attr]


SAID = ["passes", "too_short", "starts_with_write_a_program", "passes", "filtered_word"]
MISTAKES: dict[str, list[tuple[Any, str]]] = {  # an answer, or a function of the stage that makes it under "run"
    "01.1": [
        (["filtered_word", *SAID[1:]], "4 of 5 are right. Look at number 1: “Redraw” holds the letters of “draw”"),
        (["passes", "filtered_word", *SAID[2:]], "the first in the original's order"),
        ([*SAID[:2], "passes", *SAID[3:]], "The fourth rule compares letters"),
        ([*SAID[:4], "passes"], "A quotation mark ends a word"),
        (["ok", *SAID[1:]], "'ok' is neither 'passes' nor the name of a rule"),
        (SAID[:4], "5 items are asked for, and these are 4"),
        ("passes", "A list of 5 items is asked for"),
    ],
    "01.2": [
        (lambda stage: third_instruction(stage), "0 words differ"),
        (lambda stage: third_instruction(stage) + " Redraw", "only inside another word"),
        (lambda stage: third_instruction(stage) + " please", "none of the words of the list"),
        (lambda stage: "Draw a map of the sentence.", "words differ from the instruction of tasks[2]"),
        (lambda stage: "(" + third_instruction(stage), "dropped as starts_with_punctuation"),
        (3, "A text is asked for"),
    ],
    "01.3": [
        (lambda stage: mean_item(stage) * 3250 / 4, "That is one seed a request"),
        (lambda stage: mean_item(stage) * 3 * 3250, "Those are characters"),
        (lambda stage: mean_item(stage) * 3 * 52_000 / 4, "a request for each row"),
        (lambda stage: mean_item(stage) * 175 * 3250 / 4, "whole file in each request"),
        (lambda stage: mean_item(stage) * 3 / 4, "That is one request"),
        (7, "too low"),
        ("many", "A number is asked for"),
    ],
    "01.4": [
        ((lambda instruction, words: any(word in instruction.lower() for word in words)), "not True or False"),
        (by_substring, "letters inside other words"),
        (by_split, "split() leaves commas"),
        (in_the_lists_order, "first in the list"),
        (forgets_to_return, "does it end with return?"),
        (fails, "Your function raises AttributeError"),
        ((lambda instruction: instruction), "Your function raises TypeError"),
        ("map", "A function is asked for"),
    ],
    "01.5": [
        ({**GOOD, "instances": []}, "'instances' is empty"),
        ({**GOOD, "id": "seed_task_0"}, "same id as line 1"),
        ({**GOOD, "instances": [{"input": "<noinput>", "output": "x"}]}, "not <noinput>"),
        ({**GOOD, "instruction": "Draw the way of the milk from cow to table."}, "filtered_word draw"),
        (lambda stage: {**GOOD, "instruction": third_instruction(stage) + " Now."}, "too close to a seed"),
        (json.dumps(GOOD)[:-1], "not valid JSON"),
        ({"id", "name"}, "JSON cannot hold this"),
    ],
    "01.6": [
        (("Play a piece of music to me.", "play"), "catch it already: filtered_word"),
        (("What is the current price of wheat?", "today"), "not in it as a whole word"),
        (("Say what the weather is like now.", "the"), "seeds as well, such as"),
        ("What is the current price of wheat?", "A list of 2 items is asked for"),
    ],
}
