"""Families about weekdays, months, years and the clock."""

import calendar
import random

from alpaca_nb.checkable_tasks.family import Case, Family, family, words

WEEKDAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = words("January February March April May June July August September October November December")
ORDINALS = words("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth")


def _day_after(rng: random.Random) -> Case:
    day = rng.randrange(7)
    return Case(WEEKDAYS[(day + 1) % 7], words={"x": WEEKDAYS[day]})


def _day_before(rng: random.Random) -> Case:
    day = rng.randrange(7)
    return Case(WEEKDAYS[day - 1], words={"x": WEEKDAYS[day]})


def _month_after(rng: random.Random) -> Case:
    month = rng.randrange(12)
    return Case(MONTHS[(month + 1) % 12], words={"x": MONTHS[month]})


def _month_of_number(rng: random.Random) -> Case:
    month = rng.randrange(12)
    return Case(MONTHS[month], words={"n": month + 1, "nth": ORDINALS[month]})


def _days_in_month(rng: random.Random) -> Case:
    month, year = rng.randint(1, 12), rng.randint(1950, 2040)
    return Case(str(calendar.monthrange(year, month)[1]), words={"x": MONTHS[month - 1], "y": year})


def _leap_year(rng: random.Random) -> Case:
    year = rng.choice((rng.randrange(1904, 2096, 4), rng.randint(1901, 2099)))
    return Case("yes" if calendar.isleap(year) else "no", words={"y": year})


def _years_between(rng: random.Random) -> Case:
    start = rng.randint(1900, 2010)
    gap = rng.randint(1, 40)
    return Case(str(gap), words={"a": start, "b": start + gap})


def _clock(rng: random.Random) -> Case:
    hour, minute = rng.randint(1, 11), rng.choice((0, 5, 10, 15, 20, 30, 40, 45, 50))
    return Case(f"{hour + 12}:{minute:02d}", words={"x": f"{hour}:{minute:02d} pm"})


FAMILIES: tuple[Family, ...] = (
    family(
        "day_after",
        "dates",
        "word",
        (
            "Which day comes after {x}?",
            "Today is {x}; name the weekday of tomorrow.",
            "What follows {x} in the week?",
            "The shop reopens one day after {x}, so on which weekday?",
            "Give the weekday that follows on {x}.",
        ),
        _day_after,
    ),
    family(
        "day_before",
        "dates",
        "word",
        (
            "Which day comes before {x}?",
            "Today is {x}; name the weekday of yesterday.",
            "What precedes {x} in the week?",
            "The bill is due one day ahead of {x}, so on which weekday?",
            "Give the weekday just before {x}.",
        ),
        _day_before,
    ),
    family(
        "month_after",
        "dates",
        "word",
        (
            "Which month comes after {x}?",
            "It is {x} now; name next month.",
            "What follows {x} in the calendar?",
            "School starts one month later than {x}, so in which month?",
            "Give the month between {x} and the one after next.",
        ),
        _month_after,
    ),
    family(
        "month_of_number",
        "dates",
        "word",
        (
            "Which month has the number {n}?",
            "Name the {nth} month of the year.",
            "A form says month {n}; write its name.",
            "Which page of the calendar is the {nth} one, counting months?",
            "Translate the month number {n} into a word.",
        ),
        _month_of_number,
    ),
    family(
        "days_in_month",
        "dates",
        "number",
        (
            "How many days did {x} {y} have?",
            "Count the days of {x} in the year {y}.",
            "What is the number of the last day in {x} {y}?",
            "I rent a room for all of {x} {y}; for how many days is that?",
            "State the length of {x} {y} in days.",
        ),
        _days_in_month,
        match="number",
    ),
    family(
        "leap_year",
        "dates",
        "yes or no",
        (
            "Is {y} a leap year?",
            "Does February {y} have 29 days?",
            "Tell whether the year {y} counts as a leap year, yes or no.",
            "Was there, or will there be, a 29 February in {y}?",
            "Decide with yes or no if {y} has 366 days.",
        ),
        _leap_year,
        labels=("yes", "no"),
    ),
    family(
        "years_between",
        "dates",
        "number",
        (
            "How many years lie between {a} and {b}?",
            "Someone was born in {a}; which birthday is celebrated in {b}?",
            "Count the years from {a} to {b}.",
            "A bridge was built in {a} and closed in {b}, so how many years did it serve?",
            "Subtract the year {a} from the year {b}.",
        ),
        _years_between,
        match="number",
    ),
    family(
        "24_hour_clock",
        "dates",
        "piece",
        (
            "Write {x} in the 24-hour format.",
            "How is {x} shown on a 24-hour clock?",
            "Convert {x} to military time with a colon.",
            "A train leaves at {x}; how does the European timetable print it?",
            "Give the time {x} without am and pm.",
        ),
        _clock,
    ),
)
