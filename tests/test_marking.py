"""Marking by code is neither blind nor cruel: right and wrong answers in many forms, by both measures."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpaca_nb.checkable_tasks import FAMILIES, make_tasks
from alpaca_nb.checkable_tasks.marking import Measure, is_right
from alpaca_nb.records import CheckableTask

MEASURES: tuple[Measure, ...] = ("strict", "lenient")
SAMPLE = make_tasks(15 * len(FAMILIES), "test")


def task(answer: str, *more: str, **fields: object) -> CheckableTask:
    """A hand-made task whose answer is `answer`, for the tests of marking."""
    made = CheckableTask("t", "hand-made", "Do it, please, now.", "", answer, (answer, *more), "exact")
    return replace(made, **fields)  # type: ignore[arg-type]


def test_every_reference_answer_and_every_accepted_form_is_right() -> None:
    for t in SAMPLE:
        for form in t.accepted:
            assert all(is_right(t, form, measure) for measure in MEASURES), (t, form)
            assert is_right(t, f' "{form.removesuffix(".")}."\n', "strict"), (t, form)


def test_an_empty_answer_is_wrong() -> None:
    for t in SAMPLE[: 2 * len(FAMILIES)]:
        assert not any(is_right(t, text, measure) for measure in MEASURES for text in ("", " \n", ".", '""'))


def test_a_plain_sentence_around_the_answer_is_right_leniently_only() -> None:
    for t in SAMPLE:
        text = f'The right reply to this would be "{t.answer.rstrip(".")}". I hope that helps!'
        assert not is_right(t, text, "strict"), t
        assert is_right(t, text, "lenient"), t


def test_repeating_the_material_or_the_question_is_wrong() -> None:
    for t in SAMPLE:
        if t.material and t.family not in ("lowercase", "uppercase"):
            assert not is_right(t, t.material, "strict"), t
            assert not is_right(t, f"You gave me {t.material}", "lenient"), t


def test_another_answer_of_the_same_family_is_wrong() -> None:
    groups = {family.name: [t for t in SAMPLE if t.family == family.name] for family in FAMILIES}
    for name, tasks in groups.items():
        if name in ("synonym", "opposite"):  # other words of the table may fit as well
            continue
        for t, other in pairwise(tasks):
            if other.answer not in t.accepted:
                assert not is_right(t, other.answer, "strict"), (t, other.answer)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SAMPLE), st.text(max_size=60), st.text(max_size=60), st.booleans())
def test_whatever_is_right_strictly_is_right_leniently(t: CheckableTask, a: str, b: str, inside: bool) -> None:
    text = a + (t.answer if inside else "") + b
    assert is_right(t, text, "lenient") or not is_right(t, text, "strict")


@settings(max_examples=200, deadline=None)
@given(st.integers(-99_999, 99_999), st.integers(-99_999, 99_999))
def test_numbers_are_compared_as_numbers(a: int, b: int) -> None:
    t = task(str(a), match="number")
    for text in (f"{b}", f"{b:,}", f"{b}.0", f"{b:,}.00", f" '{b}'."):
        assert is_right(t, text, "strict") == (a == b)
    assert is_right(t, f"The result is {b:,}, I think.", "lenient") == (a == b)
    assert is_right(t, f"It makes {b:,} in all.", "lenient") == (a == b)


@pytest.mark.parametrize(
    ("text", "right"),
    [("0" * 50 + "42.0", True), ("42." + "0" * 50, True), ("42" * 50, False), ("42." + "0" * 50 + "1", False)],
)
def test_numbers_may_have_more_digits_than_arithmetic_has(text: str, right: bool) -> None:
    """A small model may repeat one digit to the end of its answer."""
    assert is_right(task("42", match="number"), text, "strict") is right


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(SAMPLE),
    st.text("0123456789.,-+٣ e/%$\n'", max_size=60) | st.integers(0, 10**80).map(str),
    st.sampled_from(MEASURES),
)
def test_no_answer_ends_the_comparison(one: CheckableTask, text: str, measure: Measure) -> None:
    assert is_right(one, text, measure) in (True, False)


@pytest.mark.parametrize(
    ("answer", "text", "right"),
    [
        ("42", "30 + 12 = 42", True),
        ("42", "It is 42.5", False),
        ("42", "It is 142", False),
        ("42", "It is -42", False),
        ("1250", "That makes 1,250 metres.", True),
        ("250", "That makes 1,250 metres.", False),
    ],
)
def test_lenient_numbers(answer: str, text: str, right: bool) -> None:
    assert is_right(task(answer, match="number"), text, "lenient") is right


@pytest.mark.parametrize(
    ("expected", "text", "right"),
    [
        ("positive", "The review is positive.", True),
        ("positive", "Positive! The guest was happy.", True),
        ("positive", "positive or negative", False),
        ("positive", "This is not positive.", False),
        ("negative", "This is not positive, it is negative.", True),
        ("positive", "This is negative.", False),
        ("negative", "I cannot say.", False),
    ],
)
def test_closed_sets_allow_one_label(expected: str, text: str, right: bool) -> None:
    t = task(expected, labels=("positive", "negative"))
    assert is_right(t, text, "lenient") is right


def test_a_label_inside_another_label_is_not_named() -> None:
    spam, not_spam = (task(label, labels=("spam", "not spam")) for label in ("spam", "not spam"))
    assert is_right(not_spam, "This message is not spam.", "lenient")
    assert not is_right(spam, "This message is not spam.", "lenient")
    assert is_right(spam, "Clearly spam.", "lenient")
    formal = task("formal", labels=("formal", "informal"))
    assert not is_right(formal, "It is informal.", "lenient")


@pytest.mark.parametrize(
    ("form", "text", "right"),
    [
        ("i", "I think the letter is b.", False),
        ("i", "The letter is i.", True),
        ("i", 'It starts with "I", of course', True),
        ("a", "A word like this starts with a letter b", False),
        ("as", "As far as I know, not so", False),
        ("no", "There is no doubt: yes!", False),
        ("no", "No, it is smaller.", True),
        ("no", "The answer is **no**", True),
    ],
)
def test_forms_of_one_or_two_letters_do_not_match_in_passing(form: str, text: str, right: bool) -> None:
    assert is_right(task(form), text, "lenient") is right


def test_capital_letters_count_only_where_the_task_is_about_them() -> None:
    assert is_right(task("Rome"), "ROME", "strict")
    assert not is_right(task("ROME", case_matters=True), "rome", "strict")
    assert not is_right(task("ROME", case_matters=True), "It is Rome, rome.", "lenient")


def test_sets_come_in_any_order_and_lists_with_any_separator() -> None:
    members = task("cat, dog", match="set", material="cat, rose, dog, oak")
    assert is_right(members, "dog, cat", "strict")
    assert is_right(members, "The animals are a dog and a cat.", "lenient")
    assert not is_right(members, "dog", "strict")
    assert not is_right(members, "dog, cat, oak", "strict")
    assert not is_right(members, "You wrote cat, rose, dog, oak.", "lenient")
    in_order = task("cat, dog, owl", material="owl, cat, dog")
    assert is_right(in_order, "Sorted:\n1. cat\n2. dog\n3. owl", "lenient")
    assert is_right(in_order, "They are cat, dog, and owl.", "lenient")
    assert not is_right(in_order, "They are dog, cat and owl.", "lenient")


def test_whole_words_only() -> None:
    assert not is_right(task("well"), "Farewell!", "lenient")
    assert not is_right(task("well"), "a well-known thing", "lenient")
    assert not is_right(task("ann@mail.example"), "Write to joann@mail.example", "lenient")
    assert is_right(task("ann@mail.example"), "Write to ann@mail.example.", "lenient")


@pytest.mark.parametrize(
    ("text", "strict", "lenient"),
    [
        ("2026-11-25", True, True),
        (" '2026-11-25'. ", True, True),
        ("The date is 2026-11-25, a Wednesday.", False, True),
        ("25 November 2026", False, False),
        ("2026-11-250", False, False),
        ("Written as 1999-12-31 it is the same.", False, False),  # a copy of the material
    ],
)
def test_a_pattern_fits_the_whole_answer_or_leniently_whole_words_of_it(text: str, strict: bool, lenient: bool) -> None:
    date = replace(task(r"\d{4}-\d\d-\d\d", match="regex"), material="1999-12-31")
    assert (is_right(date, text, "strict"), is_right(date, text, "lenient")) == (strict, lenient)


def test_letter_case_in_a_pattern_counts_only_where_the_task_is_about_it() -> None:
    assert is_right(task("[A-Z]{3}", match="regex"), "abc", "strict")
    assert not is_right(task("[A-Z]{3}", match="regex", case_matters=True), "abc", "strict")
