"""The request: our own words for what Alpaca asked of its teacher, some seed tasks, and the number to go on from.

The published prompt numbers its requirements 1, 2, 3, 2, 3, …; this one counts right and is written anew. Tasks are
numbered items with three fields, separated by a line `###`, and the prompt ends inside the next item; a teacher that
can be held to a JSON schema is shown, and asked for, JSON instead.
"""

import json
import random
import re
from collections.abc import Sequence

from alpaca_nb.files import Json
from alpaca_nb.records import SeedTask

NO_INPUT = "<noinput>"
SEPARATOR = "###"

RULES = """\
Please write a varied list of {count} tasks that a language model could be asked to do. Another model will learn from
them, so every task comes with a good answer. Keep to these rules:

1. Start the instructions with different verbs; use a verb twice only if you must.
2. Change the tone from task to task: some instructions are orders, some are questions.
3. Mix the kinds of work: explaining, classifying, rewriting, extracting, calculating, planning, inventing, and others.
4. A model that reads and writes nothing but text must be able to do the task: no pictures, no sound, no reminders, no
   looking things up.
5. Write in English.
6. An instruction has one sentence or two.
7. Where a task needs material to work on, put it into the input: real-looking and specific, never a placeholder, rich
   enough to make the task interesting, at most 100 words.
8. Where the instruction says everything, the input is just {no_input}.
9. The output answers the instruction fully and correctly in at most 100 words.

"""
REQUEST = (
    RULES
    + """\
Write each task as an Instruction, an Input and an Output line, all with the task's number, and put a line {separator}
between two tasks. The list begins here; carry it on up to task {count}.

"""
)
STRUCTURED_REQUEST = (
    RULES
    + """\
The first {shown} tasks of the list, as JSON:

{examples}

Write the other {missing} tasks, in the same form.
"""
)

_TASK: dict[str, Json] = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("instruction", "input", "output")},
    "required": ["instruction", "input", "output"],
    "additionalProperties": False,
}
TASKS_SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {"tasks": {"type": "array", "items": _TASK}},
    "required": ["tasks"],
    "additionalProperties": False,
}


def choose_seeds(tasks: Sequence[SeedTask], seed: int, request_index: int, count: int) -> list[SeedTask]:
    """The `count` seed tasks that request `request_index` shows: always the same ones for the same `seed`."""
    return random.Random(f"{seed}:{request_index}").sample(list(tasks), count)


def request_prompt(examples: Sequence[SeedTask], tasks_per_request: int) -> str:
    """The whole user message: rules, the examples as items 1 to k, and the beginning of item k+1."""
    items = [numbered_item(number, task) for number, task in enumerate(examples, start=1)]
    begin = f"{len(items) + 1}. Instruction:"
    rules = REQUEST.format(count=tasks_per_request, no_input=NO_INPUT, separator=SEPARATOR)
    return rules + f"\n{SEPARATOR}\n".join([*items, begin])


def structured_prompt(examples: Sequence[SeedTask], tasks_per_request: int) -> str:
    """The same request to a teacher that is held to `TASKS_SCHEMA`."""
    shown = {"tasks": [dict(zip(("instruction", "input", "output"), _fields(task), strict=True)) for task in examples]}
    return STRUCTURED_REQUEST.format(
        count=tasks_per_request,
        no_input='""',
        shown=len(examples),
        examples=json.dumps(shown, ensure_ascii=False, indent=1),
        missing=tasks_per_request - len(examples),
    )


def numbered_item(number: int, task: SeedTask) -> str:
    """One seed task as a list item; the instruction on one line, an empty input as the no-input marker."""
    instruction, given, output = _fields(task)
    return f"{number}. Instruction: {instruction}\n{number}. Input: {given or NO_INPUT}\n{number}. Output: {output}"


def _fields(task: SeedTask) -> tuple[str, str, str]:
    instance = task.instances[0]
    return re.sub(r"\s+", " ", task.instruction).strip(), instance.input.strip(), instance.output.strip()
