"""The known defects of one row, each a small function: row → what is at fault in a few words, or None.

The classes are those that people found in Stanford Alpaca's 52,000 rows (gururise/AlpacaDataCleaned, its README; issues
and pull requests of tatsu-lab/stanford_alpaca). A function says "look here", not "this is wrong": a letter may well
end with "[Your Name]". `ROW_DEFECTS` lists them in the order in which the report shows them.
"""

import re
from collections.abc import Callable

from alpaca_nb.quality.arithmetic import wrong_arithmetic
from alpaca_nb.quality.cut_endings import cut_ending
from alpaca_nb.records import Example

MARKER = re.compile(
    r"\W*(?:no[ _-]?input(?: (?:is )?(?:required|needed|necessary|provided|given))?|n/?a|none|nil|null|"
    r"not applicable)\W*",
    re.IGNORECASE,
)
MARKER_IN_OUTPUT = re.compile(r"^\s*[`\\]?<\s*no[ _-]?input\s*\\?>[`.]?[ \t]*\n*", re.IGNORECASE)
_NO_ANSWER = re.compile(
    r"\W*(?:n/?a|nan|null|nil|not applicable|"
    r"(?:there is )?no[ _-]?output(?: (?:is )?(?:required|needed|necessary|given))?)\W*"
    r"|<\s*no[ _-]?output\b.*",
    re.IGNORECASE,
)
# How many blanks and signs may stand in a heading is bounded: each is tried from every line on, and a text may be
# nothing but empty lines.
_ITEM_MARKER = re.compile(
    r"^\W{0,20}\d{1,6}\.?\W{0,20}(?:Instruction|Input|Output)\s{0,20}:", re.IGNORECASE | re.MULTILINE
)
_SEPARATOR = re.compile(r"^[^\S\n]{0,20}#{2,20}[^\S\n]{0,20}(?:\d{1,6}\.?[^\S\n]{0,20})?$", re.MULTILINE)
_SECOND_INSTRUCTION = re.compile(r"^\W{0,20}(?:New |Next )?(?:Instruction|Task)(?: \d{1,6})?\s{0,20}:", re.MULTILINE)
URL = re.compile(r"(?:https?://|www\.)[^\s<>\])\"']+", re.IGNORECASE)
_ABOUT_THE_ADDRESS = re.compile(
    r"\b(?:urls?|domains?|hyperlinks?|regex\w*|links|extract|parse|shorten|valid\w*|algorithm|function|code|script)\b",
    re.IGNORECASE,
)
_ASKS_WHAT_IS_THERE = re.compile(r"\b(?:summary|summari[sz]\w*|describe|review|content|article|page)\b", re.IGNORECASE)
_OWNS_UP = re.compile(
    r"\b(?:cannot|can't|can not|could not|couldn't|unable to|not able to|do not have access|don't have access)\b",
    re.IGNORECASE,
)
_MOST_WORDS_BESIDE_A_URL = 8
_STANDS_FOR = (
    r"(?:your|insert|enter|name|first|last|full|company|product|brand|city|country|location|date|time|day|month|year|"
    r"title|position|address|email|phone|number|amount|price|link|url|image|photo|picture|painting|figure|chart|graph|"
    r"video|file|table|excel|spreadsheet|map|logo|recipient\w*|sender|client|customer|employe[er]\w*|boss|manager|"
    r"contractor|potential|sir|signature|school|university|department|adjective|noun|verb|adverb|x{2,})"
)
_PLACEHOLDER = re.compile(
    rf"(?<![\w\])])(?:\[(?=[^\]\n]{{0,60}}\])|<(?=[^>\n]{{0,60}}>))(?:the |a |an |my |our |potential )?"
    rf"({_STANDS_FOR}(?:['’]s)?\b(?:[^\w\]>\n=\"(][^\]>\n=\"(]*)?)[\]>](?!\()",
    re.IGNORECASE,
)
_WORDS_IN_BRACKETS = re.compile(
    r"(?<![\w\])])(?:\[[a-z]{2}[^\[\]\n,;\"(={]{0,100}\]|<[a-z]{2}[^<>\n,;\"(={]{0,100}>)(?!\()", re.IGNORECASE
)
_TAG = re.compile(
    r"<(?:title|name|address|table|video|time|map|date|email|link|image|url|price|year|city|country)>|</\w+>",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"</?\w[^<>]*>")
_AS_AN_AI = re.compile(
    r"\bas (?:just )?an? (?:AI\b|artificial intelligence|(?:AI |large )*language model)\b|"
    r"\bI(?:'m| am) (?:just |only |merely )?(?:an? )(?:AI\b|artificial intelligence|(?:large )?language model|"
    r"chatbot|virtual assistant)",
    re.IGNORECASE,
)
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\ufeff]")
LOST = "\ufffd"  # what a decoder writes where it could not read a byte


def empty_output(row: Example) -> str | None:
    """Nothing but white space to learn from."""
    return None if row.output.strip() else "empty"


def no_answer(row: Example) -> str | None:
    """The teacher declined: N/A, <nooutput>. A bare "None" may be a right answer and passes."""
    return row.output.strip()[:60] if _NO_ANSWER.fullmatch(row.output.strip()) else None


def marker_left(row: Example) -> str | None:
    """An input that only says that there is none, or such a marker before the output."""
    if row.input.strip() and MARKER.fullmatch(row.input):
        return f"input {row.input.strip()!r}"
    return "output begins with <noinput>" if MARKER_IN_OUTPUT.match(row.output) else None


def merged_tasks(row: Example) -> str | None:
    """More than one task in a row: an item's heading or a separator inside a field, or a second instruction."""
    for name, text in _fields(row):
        if found := _ITEM_MARKER.search(text) or _SEPARATOR.search(text):
            return f"{found.group().strip()!r} in the {name}"
    if "instruction" not in row.instruction.lower() and (found := _SECOND_INSTRUCTION.search(row.output, 1)):
        return f"{found.group().strip()!r} in the output"
    return None


def url_in_input(row: Example) -> str | None:
    """The input holds an address that a text model cannot open."""
    found = URL.search(row.input)
    return found.group()[:60] if found else None


def hallucinated_url(row: Example) -> str | None:
    """The task is what stands at an address, and the output tells it all the same."""
    found = URL.search(row.input)
    if not found or not row.output.strip() or _OWNS_UP.search(row.output):
        return None
    if _ABOUT_THE_ADDRESS.search(row.instruction) and not _ASKS_WHAT_IS_THERE.search(row.instruction):
        return None
    beside = URL.sub(" ", row.input).split()
    return f"tells what is at {found.group()[:50]}" if len(beside) <= _MOST_WORDS_BESIDE_A_URL else None


def copied_input(row: Example) -> str | None:
    """The output repeats the input or the instruction to the letter."""
    output = " ".join(row.output.split())
    for name, text in (("input", row.input), ("instruction", row.instruction)):
        if output and output == " ".join(text.split()):
            return f"output is the {name}"
    return None


def placeholder_in_input(row: Example) -> str | None:
    """Words in brackets, for something the model does not get: [Image of …], <excel file>, [noun].

    No lists, no tags of a text with closing tags, and no marker for an empty input: that has its own class.
    """
    if MARKER.fullmatch(row.input):
        return None
    found = _WORDS_IN_BRACKETS.search(_MARKUP.sub("", row.input) if "</" in row.input else row.input)
    return found.group() if found else None


def placeholder_in_output(row: Example) -> str | None:
    """Brackets left to be filled in: [Your Name]. Fine in a template, not in a finished text."""
    found = _PLACEHOLDER.search(_TAG.sub("", row.output))
    return found.group() if found else None


def as_an_ai(row: Example) -> str | None:
    """The teacher speaks about itself."""
    found = _AS_AN_AI.search(row.output)
    return found.group() if found else None


def control_characters(row: Example) -> str | None:
    """Characters that cannot be seen, or the mark of a byte that could not be read."""
    for name, text in _fields(row):
        if found := CONTROL.search(text):
            return f"U+{ord(found.group()):04X} in the {name}"
        if LOST in text:
            return f"U+FFFD (an unreadable byte) in the {name}"
    return None


def _fields(row: Example) -> tuple[tuple[str, str], ...]:
    return (("instruction", row.instruction), ("input", row.input), ("output", row.output))


ROW_DEFECTS: tuple[Callable[[Example], str | None], ...] = (
    empty_output,
    no_answer,
    marker_left,
    merged_tasks,
    cut_ending,
    url_in_input,
    hallucinated_url,
    copied_input,
    placeholder_in_input,
    placeholder_in_output,
    as_an_ai,
    wrong_arithmetic,
    control_characters,
)
