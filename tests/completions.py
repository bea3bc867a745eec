"""Completions for the parser's tests: sound ones, and what chance makes of them."""

import json
import random

TASKS = [
    ("Add the two numbers in the input.", "2 and 3", "5"),
    ("Name the longest river of Africa.", "", "The Nile.\nIt flows north."),
    ("Write a heading about tall mountains.", "the Alps", "### The Alps\n\nThey are high."),
    ("Tell in which year the war ended.", "", "It ended in 1945. In 2020 people remembered it."),
    ("Draw a picture of a lighthouse, please.", "", "Here it is."),
    ("List three steps of making some tea.", "", "1. Boil water.\n2. Add leaves.\n3. Wait."),
    ("Répondez en français, s'il vous plaît.", "Où est la gare?", "Là-bas."),
    ("Go", "", "Gone."),
]
HEADINGS = [f"{n}. {name}:" for n in (1, 3, 4, 5, 6, 14) for name in ("Instruction", "Input", "Output")]
FRAGMENTS = [
    *HEADINGS,
    *["**4. Input:**", "5) OUTPUT :", "Instruction:", "Input:", "Output:", "### Task 5\n", "4.\nOutput:", "٤. Input:"],
    *["###", "\n###\n", "####", "\n", "\n\n", " ", "\t", "\r\n", "\u2028", "\x00", "\u3000", "<noinput>", "<NoInput>"],
    *['{"', "{", "}", "[", "]", '"', ",", ":", '{"tasks": [', '"instruction": "x"', "\\ud800", "```json\n", "20."],
]
REPLACEMENTS = [("###", ""), ("\n", " "), ("4.", "7."), (". ", ".\n"), (":", " :"), ('"output": "', '"output": ["')]
REPLACEMENTS += [('"output"', '"output": [], "tags"')]


def numbered(tasks: list[tuple[str, str, str]], first: int = 4) -> str:
    """The completion as asked for: it goes on behind `{first}. Instruction:`."""
    items = [
        f"{number}. Instruction: {instruction}\n{number}. Input: {given or '<noinput>'}\n{number}. Output: {output}"
        for number, (instruction, given, output) in enumerate(tasks, start=first)
    ]
    return "\n###\n".join(items).removeprefix(f"{first}. Instruction:")


def structured(tasks: list[tuple[str, str, str]], *, wrapped: bool = True) -> str:
    """The same tasks as JSON."""
    rows = [dict(zip(("instruction", "input", "output"), task, strict=True)) for task in tasks]
    return json.dumps({"tasks": rows} if wrapped else rows, ensure_ascii=False, indent=1)


def mutated(seed: str) -> str:
    """A completion with none to some faults: pieces deleted, doubled, moved or put in; cut anywhere."""
    chance = random.Random(seed)
    tasks = chance.sample(TASKS, chance.randint(1, 6))
    text = numbered(tasks) if chance.random() < 0.7 else structured(tasks, wrapped=chance.random() < 0.5)
    for _ in range(chance.choice([0, 1, 1, 2, 3, 5, 12])):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice([1, 2, 5, 20, 60]))
        lines = text.split("\n")
        line = chance.randrange(len(lines))
        match chance.randrange(8):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = text[:end] + text[start:]
            case 2:
                text = text[:start] + chance.choice(FRAGMENTS) + text[start:]
            case 3:
                text = "\n".join([*lines[:line], *lines[line + 1 :]])
            case 4:
                text = "\n".join([*lines[:line], chance.choice(FRAGMENTS), *lines[line:]])
            case 5:
                text = text.replace(*chance.choice(REPLACEMENTS))
            case 6:
                text = text[:start]
            case _:
                text = chance.choice(["Sure! Here are the tasks:\n\n", "```json\n", "4. Instruction:", "Ok\n"]) + text
    return text
