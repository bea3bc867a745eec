"""What the offline teacher says: new tasks that carry on a numbered list, with the faults of a real teacher.

The tasks come from `checkable_tasks.FAMILIES`, with correct answers. Real teachers repeat themselves, forget a field,
count wrong, break the rules and run out of tokens, and the pipeline exists to catch that; so some tasks are spoilt on
purpose. Each kind of fault has its own probability below; a spoilt answer is either formally broken or a near copy:
no task that passes the filters has a wrong answer. The text depends on the prompt, the model id and the server's seed.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from alpaca_nb.checkable_tasks import FAMILIES
from alpaca_nb.records import FinishReason

# Probability of each fault, per task. At most one strikes a task.
NEAR_DUPLICATE = 0.12  # an earlier task of this answer again, a word or two added
FILTERED_WORD = 0.04  # "Draw a picture of …": nothing for a model that only writes text
TOO_SHORT = 0.02  # an instruction of two words
WRONG_NUMBER = 0.02  # the output carries the next task's number
MISSING_OUTPUT = 0.02  # no output line at all
SEPARATOR_IN_OUTPUT = 0.01  # the line `###` and more text within an output
CUT_BY_LENGTH = 0.08  # per answer: it ends inside its last task, finish_reason "length"

DEFAULT_LAST_NUMBER = 20
_ITEM = re.compile(r"^\s*(\d{1,6})\.\s*Instruction:", re.MULTILINE)
_ASKED_COUNT = re.compile(r"\b(\d{1,4})\b(?:\s+[a-z-]+){0,3}\s+(?:tasks?|instructions?)\b", re.IGNORECASE)
_REPEATS = ("Once more: {}", "Again, {}", "{} Thank you.", "{} Thanks!", "Next one: {}")
_UNDRAWABLE = (
    "Draw a picture of a {} in the rain.",
    "Find a video that shows a {} and describe it.",
    "Make a graph of how often a {} is mentioned online.",
    "Compose music that reminds people of a {}.",
    "Plot the price of a {} over the last ten years.",
    "Open the file named {} and summarise it.",
)
_UNDRAWABLE_THINGS = ("dog", "castle", "bicycle", "lighthouse", "teapot", "rose", "mountain", "robot", "piano")
_TOO_SHORT = ("Count upwards.", "Say hello.", "Name colours.", "Sort things.", "Translate this.")


@dataclass(frozen=True)
class TaskList:
    """The list a prompt asks for: its next number, its last one, and whether the next item has begun already."""

    next_number: int
    last_number: int
    inside_item: bool


@dataclass(frozen=True)
class WrittenTask:
    """One task as text fields, before it is numbered."""

    instruction: str
    input: str
    output: str


def write_answer(prompt: str, model: str, seed: int) -> tuple[str, FinishReason]:
    """Answer a prompt: tasks where it asks for a numbered list of them, else a sentence about what this is."""
    asked = asked_list(prompt)
    if asked is None:
        return (
            "I am an offline teacher, a small program and not a language model. I can only continue numbered lists of "
            "tasks with the fields Instruction, Input and Output."
        ), "stop"
    rng = random.Random(f"{seed}:{model}:{prompt}")
    text = "\n###\n".join(_numbered_tasks(rng, asked))
    if asked.inside_item:
        text = text.removeprefix(f"{asked.next_number}. Instruction:")
    if rng.random() < CUT_BY_LENGTH:
        last_line = text.rindex("\n")
        return text[: last_line + rng.randint(1, 8)], "length"
    return text, "stop"


def asked_list(prompt: str) -> TaskList | None:
    """Read from a prompt how its list goes on; None where it holds no numbered `Instruction:`."""
    items = list(_ITEM.finditer(prompt))
    if not items:
        return None
    last = items[-1]
    inside_item = not prompt[last.end() :].strip()
    next_number = int(last.group(1)) + (0 if inside_item else 1)
    count = _ASKED_COUNT.search(prompt[: items[0].start()])
    last_number = int(count.group(1)) if count else DEFAULT_LAST_NUMBER
    return TaskList(next_number, max(last_number, next_number), inside_item)


def _numbered_tasks(rng: random.Random, asked: TaskList) -> list[str]:
    numbered: list[str] = []
    sound: list[WrittenTask] = []
    for number in range(asked.next_number, asked.last_number + 1):
        task, spoil = _next_task(rng, sound)
        numbered.append(spoil(_numbered(number, task), number))
    return numbered


def _next_task(rng: random.Random, sound: list[WrittenTask]) -> tuple[WrittenTask, Callable[[str, int], str]]:
    """Draw one task and what is done to its text; a sound task is added to `sound`."""
    faults = {
        "near_duplicate": NEAR_DUPLICATE if sound else 0.0,
        "filtered_word": FILTERED_WORD,
        "too_short": TOO_SHORT,
        "wrong_number": WRONG_NUMBER,
        "missing_output": MISSING_OUTPUT,
        "separator": SEPARATOR_IN_OUTPUT,
    }
    none = 1.0 - sum(faults.values())
    fault = rng.choices([*faults, "none"], [*faults.values(), none])[0]
    if fault == "near_duplicate":
        return _repeated(rng, rng.choice(sound)), _unspoilt
    if fault == "filtered_word":
        instruction = rng.choice(_UNDRAWABLE).format(rng.choice(_UNDRAWABLE_THINGS))
        return WrittenTask(instruction, "", "Here it is."), _unspoilt
    if fault == "too_short":
        return WrittenTask(rng.choice(_TOO_SHORT), "", "Done."), _unspoilt
    draft = rng.choice(FAMILIES).make(rng)
    task = WrittenTask(draft.instruction, draft.input, draft.answer)
    sound.append(task)
    return task, _SPOILERS.get(fault, _unspoilt)


def _repeated(rng: random.Random, task: WrittenTask) -> WrittenTask:
    pattern = rng.choice(_REPEATS)
    instruction = task.instruction
    if not pattern.startswith("{}") and not instruction.startswith("I "):
        instruction = instruction[0].lower() + instruction[1:]
    return WrittenTask(pattern.format(instruction), task.input, task.output)


def _numbered(number: int, task: WrittenTask) -> str:
    return (
        f"{number}. Instruction: {task.instruction}\n"
        f"{number}. Input: {task.input or '<noinput>'}\n"
        f"{number}. Output: {task.output}"
    )


def _unspoilt(text: str, number: int) -> str:
    return text


def _with_wrong_number(text: str, number: int) -> str:
    return text.replace(f"\n{number}. Output:", f"\n{number + 1}. Output:")


def _without_output(text: str, number: int) -> str:
    return text[: text.index(f"\n{number}. Output:")]


def _with_separator_inside(text: str, number: int) -> str:
    return f"{text}\n###\nThis is the answer."


_SPOILERS: dict[str, Callable[[str, int], str]] = {
    "wrong_number": _with_wrong_number,
    "missing_output": _without_output,
    "separator": _with_separator_inside,
}
