"""The published filter on an instruction's text: which instructions a text-only model is not asked to learn.

Stanford Alpaca's `generate_instruction.py` (tatsu-lab/stanford_alpaca @ 761dc5b) drops a teacher's new task where one
of six rules strikes; here each rule has a name, so that what is dropped can be counted and shown. Generation rejects by
it, and the seed tasks are held to it as well: a seed that breaks a rule teaches the teacher to break it.
"""

import re
import string

SHORTEST_WORDS, LONGEST_WORDS = 4, 150
FILTERED_WORDS = (
    *("image", "images", "graph", "graphs", "picture", "pictures", "file", "files", "map", "maps"),
    *("draw", "plot", "go to", "video", "audio", "music", "flowchart", "diagram"),
)
_ANY_FILTERED_WORD = re.compile(rf"\b({'|'.join(FILTERED_WORDS)})\b", re.IGNORECASE)


def reject_reason(instruction: str) -> str | None:
    """Name the first rule that `instruction` breaks, in the original's order; None where it breaks none.

    `instruction` is stripped of outer white space, as the original's parser does; words are split at white space.
    """
    instruction = instruction.strip()
    words = len(instruction.split())
    if words < SHORTEST_WORDS:
        return "too_short"
    if words > LONGEST_WORDS:
        return "too_long"
    if filtered_word(instruction) is not None:
        return "filtered_word"
    if instruction.startswith("Write a program"):
        return "starts_with_write_a_program"
    if instruction[0] in string.punctuation:
        return "starts_with_punctuation"
    if not instruction[0].isascii():
        return "starts_non_ascii"
    return None


def filtered_word(instruction: str) -> str | None:
    """Return the first whole word of `FILTERED_WORDS` in `instruction` (lower case), or None."""
    match = _ANY_FILTERED_WORD.search(instruction)
    return match.group(1).lower() if match else None
