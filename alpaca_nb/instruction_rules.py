"""The published filter on an instruction's text: which instructions a text-only model is not asked to learn.

Stanford Alpaca's `generate_instruction.py` (tatsu-lab/stanford_alpaca @ 761dc5b) drops a teacher's new task where one
of six rules strikes; here each rule has a name, so that what is dropped can be counted and shown. Generation rejects by
it, and the seed tasks are held to it as well: a seed that breaks a rule teaches the teacher to break it.
"""

import re
import string
from collections.abc import Callable, Collection

SHORTEST_WORDS, LONGEST_WORDS = 4, 150
FILTERED_WORDS = (
    *("image", "images", "graph", "graphs", "picture", "pictures", "file", "files", "map", "maps"),
    *("draw", "plot", "go to", "video", "audio", "music", "flowchart", "diagram"),
)
_ANY_FILTERED_WORD = re.compile(rf"\b({'|'.join(FILTERED_WORDS)})\b", re.IGNORECASE)

RULES: dict[str, Callable[[str], bool]] = {  # name → whether the (stripped) instruction breaks it; the original's order
    "too_short": lambda instruction: len(instruction.split()) < SHORTEST_WORDS,
    "too_long": lambda instruction: len(instruction.split()) > LONGEST_WORDS,
    "filtered_word": lambda instruction: filtered_word(instruction) is not None,
    "starts_with_write_a_program": lambda instruction: instruction.startswith("Write a program"),
    "starts_with_punctuation": lambda instruction: instruction.startswith(tuple(string.punctuation)),
    "starts_non_ascii": lambda instruction: not instruction[:1].isascii(),
}


def reject_reason(instruction: str, rules: Collection[str] = frozenset(RULES)) -> str | None:
    """Name the first of `rules` that `instruction` breaks, in the original's order; None where it breaks none.

    `instruction` is stripped of outer white space, as the original's parser does; words are split at white space.
    """
    instruction = instruction.strip()
    return next((name for name, breaks in RULES.items() if name in rules and breaks(instruction)), None)


def filtered_word(instruction: str) -> str | None:
    """Return the first whole word of `FILTERED_WORDS` in `instruction` (lower case), or None."""
    match = _ANY_FILTERED_WORD.search(instruction)
    return match.group(1).lower() if match else None
