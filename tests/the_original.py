"""Stanford Alpaca's generator told again from its published source, to compare with.

Source: generate_instruction.py, tatsu-lab/stanford_alpaca @ 761dc5b. Written for comparison only, in other words.
"""

import re
import string
from collections.abc import Iterable, Sequence

from rouge_score import rouge_scorer
from rouge_score.tokenizers import DefaultTokenizer

from alpaca_nb.instruction_rules import FILTERED_WORDS

Row = tuple[str, str, str]
STOPS = ("\n20", "20.", "20.")


def prompt_of_the_original(head: str, seeds: Sequence[Row]) -> str:
    """What it sends: its text, then numbered blocks, then the number to go on from."""
    text = head + "\n"
    number = 0
    for instruction, given, output in seeds:
        number += 1
        one_line = " ".join(instruction.split()).rstrip(":")
        text += f"###\n{number}. Instruction: {one_line}\n"
        text += f"{number}. Input:\n{given if given else '<noinput>'}\n{number}. Output:\n{output}\n"
    return text + f"###\n{number + 1}. Instruction:"


def as_stopped(text: str, finish_reason: str) -> tuple[str, str]:
    """What an endpoint with its stop texts returns."""
    ends = [text.index(stop) for stop in STOPS if stop in text]
    return (text[: min(ends)], "stop") if ends else (text, finish_reason)


def as_the_original(text: str, finish_reason: str) -> list[Row]:
    """Its parser and filters in one."""
    parts = ("4. Instruction:" + text).split("###")
    if finish_reason == "length":
        parts.pop()
    kept = []
    for count, part in enumerate(parts):
        before_and_fields = re.sub(rf"{4 + count}\.\s+(?:Instruction|Input|Output):", "\0", part.replace("\0", "\1"))
        fields = [field.replace("\1", "\0").strip() for field in before_and_fields.split("\0")[1:]]
        if len(fields) == 3 and not dropped_by_the_original(fields[0]):
            kept.append((fields[0], "" if fields[1].lower() == "<noinput>" else fields[1], fields[2]))
    return kept


def dropped_by_the_original(instruction: str) -> bool:
    return (
        not 3 < len(instruction.split()) <= 150
        or any(re.search(rf"\b{word}\b", instruction, re.IGNORECASE) for word in FILTERED_WORDS)
        or instruction.startswith("Write a program")
        or instruction[0] in string.punctuation
        or ord(instruction[0]) > 127
    )


def kept_by_the_original(answers: Iterable[tuple[str, str]], seed_instructions: Sequence[str]) -> list[Row]:
    """All rows that it keeps of (text, finish reason) in their order; each is compared with seeds and earlier rows."""
    tokenizer = DefaultTokenizer(use_stemmer=False)
    known = [tokenizer.tokenize(instruction) for instruction in seed_instructions]
    kept = []
    for text, finish_reason in answers:
        for row in as_the_original(*as_stopped(text, finish_reason)):
            tokens = tokenizer.tokenize(row[0])
            if max(rouge_scorer._score_lcs(tokens, old).fmeasure for old in known) <= 0.7:
                known.append(tokens)
                kept.append(row)
    return kept
