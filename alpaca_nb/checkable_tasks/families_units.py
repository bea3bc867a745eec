"""Families that convert a quantity from one unit to another; the factors stand in one table."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from alpaca_nb.checkable_tasks.family import Case, Family, family


@dataclass(frozen=True)
class Conversion:
    """`factor` of the small unit `to` make one of the unit `of`; `one` is the singular of `of`."""

    name: str
    one: str
    of: str
    to: str
    short: str
    factor: int
    most: int  # quantities run from 2 to this


CONVERSIONS = (
    Conversion("kilometres_to_metres", "kilometre", "kilometres", "metres", "m", 1000, 60),
    Conversion("hours_to_minutes", "hour", "hours", "minutes", "min", 60, 40),
    Conversion("kilograms_to_grams", "kilogram", "kilograms", "grams", "g", 1000, 60),
    Conversion("metres_to_centimetres", "metre", "metres", "centimetres", "cm", 100, 90),
    Conversion("dollars_to_cents", "dollar", "dollars", "cents", "c", 100, 90),
    Conversion("litres_to_millilitres", "litre", "litres", "millilitres", "ml", 1000, 60),
    Conversion("weeks_to_days", "week", "weeks", "days", "d", 7, 40),
    Conversion("dozens_to_pieces", "dozen", "dozen", "pieces", "pcs", 12, 40),
)


def _case(unit: Conversion) -> Callable[[random.Random], Case]:
    def draw(rng: random.Random) -> Case:
        quantity = rng.randint(2, unit.most)
        result = str(quantity * unit.factor)
        spellings = {unit.to, unit.to.replace("metre", "meter").replace("litre", "liter"), unit.short}
        accepted = (*(f"{result} {name}" for name in sorted(spellings)), f"{result}{unit.short}")
        return Case(result, words={"q": quantity}, accepted=accepted)

    return draw


def _asks(unit: Conversion) -> tuple[str, ...]:
    of, to = unit.of, unit.to
    return (
        f"Convert {{q}} {of} to {to}.",
        f"How many {to} are {{q}} {of}?",
        f"Express {{q}} {of} in {to}.",
        f"What are {{q}} {of} when measured in {to}?",
        f"Someone says {{q}} {of}; how many {to} does that make?",
        f"If one {unit.one} has {unit.factor} {to}, what number of {to} is in {{q}} {of}?",
        f"Change the unit of {{q}} {of} to {to}.",
    )


FAMILIES: tuple[Family, ...] = tuple(
    family(unit.name, "units", "number", _asks(unit), _case(unit), match="number") for unit in CONVERSIONS
)
