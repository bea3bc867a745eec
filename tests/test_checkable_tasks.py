"""Checkable tasks: right answers, enough of them, enough wordings."""

import calendar
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from rapidfuzz.distance import LCSseq

from alpaca_nb.checkable_tasks import FAMILIES, Draft, Family, make_tasks
from alpaca_nb.checkable_tasks.families_numbers import number_in_words
from alpaca_nb.instruction_rules import reject_reason
from alpaca_nb.records import CheckableTask

BY_NAME = {family.name: family for family in FAMILIES}
SAMPLE = make_tasks(15 * len(FAMILIES), "test")


# ---- drawing ---------------------------------------------------------------------------------------------------------


def test_there_are_at_least_44_families_with_distinct_names() -> None:
    assert len(BY_NAME) == len(FAMILIES) >= 44


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_family_has_many_distinct_questions_with_sound_wordings(family: Family) -> None:
    rng = random.Random("wordings")
    drafts = [family.make(rng) for _ in range(120)]
    assert len({(draft.instruction, draft.input) for draft in drafts}) >= 60
    for draft in drafts:
        assert reject_reason(draft.instruction) is None, draft.instruction
        assert not re.search(r"[{}]", draft.instruction), "a gap was left open"
        assert "  " not in draft.instruction
        assert "\n" not in draft.instruction + draft.input + draft.answer
        assert "###" not in draft.instruction + draft.input + draft.answer
        assert draft.instruction[0].isupper()
        assert draft.answer
        assert draft.accepted[0] == draft.answer
        assert draft.material in (draft.input or draft.instruction)


def test_a_polite_opening_is_followed_by_a_verb() -> None:
    opening = re.compile(r"(?:Please|Kindly|Now|task is to|need you to|like you to|Could you|Can you|Would you) (\w+)")
    verbs = Counter(match.group(1) for t in SAMPLE if (match := opening.search(t.instruction)))
    no_verbs = {"a", "an", "the", "there", "it", "my", "one", "somebody", "three", "today", "we", "where", "i", "in"}
    assert not no_verbs & set(verbs)


def test_tasks_are_distinct_reproducible_and_take_the_families_in_turn() -> None:
    tasks = make_tasks(300, "7")
    assert tasks == make_tasks(300, "7")
    assert tasks != make_tasks(300, "8")
    assert len({(t.instruction, t.input) for t in tasks}) == 300
    assert len({t.id for t in tasks}) == 300
    assert [t.family for t in tasks[: len(FAMILIES)]] == [family.name for family in FAMILIES]


def test_held_out_tasks_avoid_the_training_rows_even_with_the_same_seed() -> None:
    rows = frozenset((t.instruction, t.input) for t in make_tasks(2000, "17"))
    held_out = make_tasks(240, "17", exclude=rows)
    assert len(held_out) == 240
    assert not rows & {(t.instruction, t.input) for t in held_out}


def test_families_that_run_dry_are_an_error_and_not_a_repetition() -> None:
    def one_of_two(rng: random.Random) -> Draft:
        return Draft(rng.choice(("Say yes to me.", "Say no to me.")), "", "yes", ("yes",), "exact")

    with pytest.raises(ValueError, match="only 2 of 3 distinct tasks can be drawn from 1 families"):
        make_tasks(3, "1", families=(Family("poor", "words", one_of_two),))


def test_the_novelty_filter_leaves_enough_rows() -> None:
    kept: list[list[str]] = []
    asked = 0
    rng = random.Random(3)
    while len(kept) < 700:
        asked += 1
        tokens = re.findall("[a-z0-9]+", rng.choice(FAMILIES).make(rng).instruction.lower())
        if all(2 * LCSseq.similarity(tokens, old) <= 0.7 * (len(tokens) + len(old)) for old in kept):
            kept.append(tokens)
    assert len(kept) / asked > 0.6


def test_rows_are_short_enough_to_train_on_a_cpu() -> None:
    words = [len(f"{t.instruction} {t.input} {t.answer}".split()) for t in SAMPLE]
    assert 14 < sum(words) / len(words) < 30
    assert max(words) < 60


# ---- the answers, computed another way -------------------------------------------------------------------------------


def _ints(t: CheckableTask) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", t.instruction)]


def _items(t: CheckableTask) -> list[str]:
    return t.material.split(", ")


def _days_of_month(t: CheckableTask) -> int:
    year = max(_ints(t))
    month = next(i for i in range(1, 13) if re.search(rf"\b{calendar.month_name[i]}\b", t.instruction))
    return (date(year + month // 12, month % 12 + 1, 1) - date(year, month, 1)).days


def _has_29_february(t: CheckableTask) -> str:
    year = max(_ints(t))
    return "yes" if (date(year, 2, 28) + timedelta(days=1)).month == 2 else "no"


def _clock(t: CheckableTask) -> str:
    found = re.search(r"\d+:\d\d pm", t.instruction)
    assert found
    return datetime.strptime(found.group(), "%I:%M pm").strftime("%I:%M")


RECOMPUTED: dict[str, Callable[[CheckableTask], object]] = {
    "addition": lambda t: sum(_ints(t)),
    "subtraction": lambda t: max(_ints(t)) - min(_ints(t)),
    "multiplication": lambda t: _ints(t)[0] * _ints(t)[1],
    "largest_number": lambda t: sorted(map(int, _items(t)))[-1],
    "smallest_number": lambda t: sorted(map(int, _items(t)))[0],
    "larger_than": lambda t: "yes" if _ints(t)[0] > _ints(t)[1] else "no",
    "even_or_odd": lambda t: "odd" if str(_ints(t)[0])[-1] in "13579" else "even",
    "nearest_ten": lambda t: (_ints(t)[0] + 5) // 10 * 10,
    "next_in_sequence": lambda t: 2 * int(_items(t)[-1]) - int(_items(t)[-2]),
    "percentage": lambda t: min(_ints(t)) * max(_ints(t)) // 100,
    "kilometres_to_metres": lambda t: _ints(t)[-1] * 1000,
    "hours_to_minutes": lambda t: _ints(t)[-1] * 60,
    "weeks_to_days": lambda t: _ints(t)[-1] * 7,
    "dozens_to_pieces": lambda t: _ints(t)[-1] * 12,
    "dollars_to_cents": lambda t: _ints(t)[-1] * 100,
    "kilograms_to_grams": lambda t: _ints(t)[-1] * 1000,
    "metres_to_centimetres": lambda t: _ints(t)[-1] * 100,
    "litres_to_millilitres": lambda t: _ints(t)[-1] * 1000,
    "sort_words": lambda t: ", ".join(sorted(_items(t))),
    "sort_numbers": lambda t: ", ".join(map(str, sorted(map(int, _items(t))))),
    "first_item": lambda t: _items(t)[0],
    "last_item": lambda t: _items(t)[-1],
    "reverse_list": lambda t: ", ".join(reversed(_items(t))),
    "count_items": lambda t: t.material.count(",") + 1,
    "remove_repeats": lambda t: ", ".join(dict.fromkeys(_items(t))),
    "longest_word": lambda t: max(_items(t), key=len),
    "uppercase": lambda t: t.material.upper(),
    "lowercase": lambda t: t.material.lower(),
    "title_case": lambda t: t.material.title(),
    "iso_date": lambda t: datetime.strptime(t.material, "%d %B %Y").date().isoformat(),
    "surname_first": lambda t: re.sub(r"(\w+) (\w+)", r"\2, \1", t.material),
    "underscores": lambda t: "_".join(t.material.split()),
    "semicolons_to_commas": lambda t: t.material.replace(";", ", "),
    "commas_to_dashes": lambda t: t.material.replace(",", " -"),
    "line_to_json": lambda t: json.dumps({"name": _items(t)[0], "age": int(_items(t)[1])}),
    "make_negative": lambda t: t.material.replace(" is ", " is not "),
    "make_a_question": lambda t: "Does " + t.material.replace("likes", "like").replace(".", "?"),
    "days_in_month": _days_of_month,
    "leap_year": _has_29_february,
    "years_between": lambda t: max(_ints(t)) - min(_ints(t)),
    "24_hour_clock": lambda t: f"{int(_clock(t)[:2]) + 12}{_clock(t)[2:]}",
    "question_or_statement": lambda t: "question" if t.material.startswith("Did ") else "statement",
    "extract_email": lambda t: re.findall(r"[\w.]+@\w+\.\w+", t.material)[0],
    "extract_date": lambda t: re.findall(r"\d+ \w+ \d{4}", t.material)[0],
    "extract_price": lambda t: re.findall(r"\$\d+(?:\.\d\d)?", t.material)[0],
    "extract_phone": lambda t: re.findall(r"\d{3}-\d{4}", t.material)[0],
    "extract_hashtag": lambda t: re.findall(r"#\w+", t.material)[0],
    "extract_time": lambda t: re.findall(r"\d+:\d\d", t.material)[0],
    "extract_code": lambda t: re.findall(r"[A-Z]{2}-\d+", t.material)[0],
    "extract_quoted_word": lambda t: t.material.split("'")[1],
}


@pytest.mark.parametrize("name", RECOMPUTED)
def test_answers_agree_with_an_independent_computation(name: str) -> None:
    for t in make_tasks(60, "independent", families=(BY_NAME[name],)):
        assert str(RECOMPUTED[name](t)) == t.answer, t


def test_number_words_read_back_to_the_same_number() -> None:
    small = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    values = {word: i for i, word in enumerate([*re.findall(r"\w+", small), "eighteen", "nineteen"], start=1)}
    values |= {
        f"{t}ty": 10 * i for i, t in enumerate(("twen", "thir", "for", "fif", "six", "seven", "eigh", "nine"), 2)
    }
    for number in range(1, 1000):
        total = 0
        for word in re.findall("[a-z]+", number_in_words(number)):
            total = total * 100 if word == "hundred" else total + values.get(word, 0)
        assert total == number
    for t in make_tasks(60, "words", families=(BY_NAME["words_to_digits"],)):
        assert number_in_words(int(t.answer)) in t.instruction.lower()
