"""Outputs that stop in the middle, told by their last characters.

The published generator stopped the teacher at the text `20.`, so "… October 31, 2020." was kept as "… October 31, 20"
and "Invoiced amount: $20.00" as "Invoiced amount: $". Whatever stood before `20.` can be the end: a year's first half,
a currency sign, an open bracket, a word that must go on. Only endings that can hardly be meant are named.

Of four such rows known in the published data, the sample of 4,600 that the report compares with holds these two.
"as of 20" and "at the Royal Lodge in 20" end no row of it; "October 20, 20", "1990-20" and "Investment 2 is $" do.
"""

import re

from alpaca_nb.records import Example

_HALF_A_YEAR = re.compile(
    r"(?:\b(?:as of|in|since|until|till|by|year|early|late|mid|spring|summer|autumn|fall|winter|"
    r"(?:Jan|Febr)uary|March|April|May|June|July|August|(?:Septem|Octo|Novem|Decem)ber)\s+"
    r"|\b(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.? \d{1,2}(?:st|[nr]d|th)?,?\s+"
    r"|\b(?:19|20)\d\d\s?[-–/]\s?|\b\d{1,2}/\d{1,2}/)20$"
)
_OPEN = re.compile(r"(?:^|\s)[$€£]$|[(\[{]$")
_MUST_GO_ON = re.compile(
    r"(?:^|[.!?]\s+)[A-Z][^.!?]*\s\S+\s(is|are|was|were|the|a|an|of|and|or|with|from|than|because|which|equals|approximately)$"
)
_LABEL = re.compile(r"^\W*[A-Z][\w’']*(?: [\w’']+){0,3}:$")
_CODE = re.compile(
    r"^\s*(?:for|while|if|elif|else|def|class|try|with|switch|case|do|function)\b|[;{}=<>]|^\s*[#/|+*-]{2}"
)
_LETTER_WORDS = 6  # "Dear Professor Jones," and "With heartfelt gratitude," may end a template


def cut_ending(row: Example) -> str | None:
    """The kind of cut and the last words; None where the output may well be whole."""
    text = row.output.rstrip()
    if not text:
        return None
    lines = text.split("\n")
    kind = _kind(text, lines[-1], lines[:-1])
    return f"{kind}: …{' '.join(text[-60:].split())}" if kind else None


def _kind(text: str, last: str, before: list[str]) -> str | None:
    if _HALF_A_YEAR.search(last):
        return "half a year"
    if _OPEN.search(last):
        return "nothing after the sign"
    if text.count("```") % 2:
        return "code block left open"
    if _CODE.search(last):
        return None
    if _MUST_GO_ON.search(last):
        return "the sentence goes on"
    if last.endswith(",") and len(last.split()) > _LETTER_WORDS and not any(line.endswith(",") for line in before):
        return "the sentence goes on"
    if _LABEL.search(last) and before and not any(line.rstrip().endswith(":") for line in before):
        return "nothing after the colon"
    return None
