"""Is an answer right? Two measures, and what each forgives.

Strict: the whole answer is the expected form. Forgiven are outer white space, one pair of surrounding quotes, one final
full stop, and letter case (unless the task is about letter case). Numbers are compared as numbers: 1,250 is 1250.0.
A pattern (`match="regex"`) must fit the whole answer; leniently, whole words of it.

Lenient: a wordy answer counts too, if the expected form stands in it as whole words. Three things do not count:
- repeating the material: "pear, fig, plum" does not say which is the first, and copying a mail extracts nothing;
- naming two labels of a closed set: "positive or negative" has not decided, nor does "not positive" say positive;
- a form of one or two letters in passing ("I", "as", "no"): it must be quoted, or end a sentence or a line, or open
  the answer before a punctuation mark.
Whatever is right strictly is right leniently. An empty answer is never right.
"""

import re
from decimal import Decimal
from typing import Literal

from alpaca_nb.records import CheckableTask

Measure = Literal["strict", "lenient"]

_QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("`", "`"))
_NUMBER = re.compile(r"(?<![\w.,])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\d)")
_LIST_MARK = r"(?:(?:\d+[.)]|[-*•])\s*)?"
_SEPARATOR = rf"\s*(?:,\s*and\b|,|\band\b|\n)\s*{_LIST_MARK}"
_START = r"(?<!\w)(?<!\w['’@.-])"  # "well" does not stand in "farewell", nor in "ne'er-well"
_END = r"(?!\w|['’@.-]\w)"
_NEGATION = re.compile(r"(?:\bnot|n['’]t|\bnever|\bneither|\bnor)\s+(?:(?:an?|the)\s+)?[\"'“‘]?$")


def is_right(task: CheckableTask, text: str, measure: Measure) -> bool:
    """Say whether `text` answers `task`, under one of the two measures explained above."""
    if not text.strip():
        return False
    strict = _is_exactly_right(task, text)
    return strict or (measure == "lenient" and _contains_the_answer(task, text))


def _is_exactly_right(task: CheckableTask, text: str) -> bool:
    given = _plain(task, text)
    if task.match == "set":
        members = sorted(part.strip() for part in given.split(","))
        return any(members == sorted(part.strip() for part in _plain(task, form).split(",")) for form in task.accepted)
    if task.match == "regex":
        return any(re.fullmatch(form, given, _flags(task)) for form in task.accepted)
    return any(given == _plain(task, form) for form in task.accepted)


def _contains_the_answer(task: CheckableTask, text: str) -> bool:
    wordy = _folded(task, text)
    if task.match == "regex":
        material = _folded(task, task.material).strip()
        wordy = wordy.replace(material, " … ") if material else wordy
        return any(re.search(f"{_START}(?:{form}){_END}", wordy, _flags(task)) for form in task.accepted)
    forms = [_plain(task, form) for form in task.accepted]
    if task.labels:
        wanted = {_plain(task, label) for label in task.labels} & set(forms)
        return _labels_named(task, _without_material(task, wordy, forms)) == wanted
    if task.match == "set":
        return any(
            all(_stands_in(member, _without_material(task, wordy, [member])) for member in form.split(", "))
            for form in forms
        )
    return any(_stands_in(form, _without_material(task, wordy, [form])) for form in forms)


def _flags(task: CheckableTask) -> re.RegexFlag:
    return re.NOFLAG if task.case_matters else re.IGNORECASE


def _plain(task: CheckableTask, text: str) -> str:
    """Take off outer white space, one final full stop and one pair of quotes, in whichever order they stand."""
    text = _folded(task, text).strip()
    stop_taken = quotes_taken = False
    while True:
        if not stop_taken and text.endswith(".") and len(text) > 1:
            text, stop_taken = text[:-1].rstrip(), True
        elif not quotes_taken and len(text) > 2 and (text[0], text[-1]) in _QUOTES:
            text, quotes_taken = text[1:-1].strip(), True
        else:
            return text


def _folded(task: CheckableTask, text: str) -> str:
    """Level what never matters: kinds of apostrophe, spelling of numbers, and letter case where it is no matter."""
    text = text.replace("’", "'").replace("\u00a0", " ")
    if not task.case_matters:
        text = text.lower()
    return _NUMBER.sub(_canonical, text) if task.match == "number" else text


def _canonical(number: re.Match[str]) -> str:
    """One spelling of a number, however many digits it has: arithmetic would stop at 28, and models may not stop."""
    spelled = f"{Decimal(number.group().replace(',', '')):f}"
    if "." in spelled:
        spelled = spelled.rstrip("0").rstrip(".")
    return "0" if spelled == "-0" else spelled


def _without_material(task: CheckableTask, wordy: str, forms: list[str]) -> str:
    """Cut the task's own material out of the answer, where the right form would otherwise be found inside it."""
    material = _folded(task, task.material).strip()
    if material and material not in forms and any(form in material for form in forms):
        return wordy.replace(material, " … ")
    return wordy


def _stands_in(form: str, wordy: str) -> bool:
    body = _SEPARATOR.join(r"\s+".join(map(re.escape, part.split())) for part in form.split(", "))
    if len(form) > 2 or any(c.isdigit() for c in form):
        sign = r"(?<!-)" if form[0].isdigit() else ""  # 42 does not stand in -42
        return re.search(_START + sign + body + _END, wordy) is not None
    quoted = rf"[\"'“‘`*]{body}[.,]?[\"'”’`*]"
    ending = rf"{_START}{body}(?:[.!?](?:\s|$)|\s*$)"
    opening = rf"\A\s*{body}[.,:;!]"
    return re.search(f"{quoted}|{ending}|{opening}", wordy, re.MULTILINE) is not None


def _labels_named(task: CheckableTask, wordy: str) -> set[str]:
    """Return the labels that the answer names, the longest first, so that "not spam" does not name "spam"."""
    named = set()
    for label in sorted((_plain(task, label) for label in task.labels), key=len, reverse=True):
        if not _stands_in(label, wordy):
            continue
        for place in reversed(list(re.finditer(_START + re.escape(label) + _END, wordy))):
            if not _NEGATION.search(wordy[: place.start()]):
                named.add(label)
            wordy = wordy[: place.start()] + "…" + wordy[place.end() :]
    return named
