"""Families that copy one detail out of a short text."""

import random
from collections.abc import Callable

from alpaca_nb.checkable_tasks.family import Case, Family, family, words

NAMES = words(
    "Anna Ben Carla David Emma Felix Grace Hugo Ivy Jack Kate Liam Maya Noah Olga Paul Rosa Sam Tina Victor Wendy "
    "Yusuf Zoe Alice Bruno Clara Diego Elena Frank Hannah"
)
SURNAMES = words("Miller Brown Garcia Novak Rossi Silva Weber Khan Olsen Dubois Tanaka Murphy Costa Hansen Kovac Reed")
CITIES = words(
    "Rome Paris Berlin Madrid Vienna Lisbon Oslo Dublin Athens Prague Warsaw Budapest Cairo Tokyo Lima Boston Chicago "
    "Toronto Sydney Mumbai"
)
MONTHS = words("January February March April May June July August September October November December")
COLOURS = words("red blue green yellow purple brown black white grey orange")
THINGS = words("lamp chair bicycle coat kettle clock carpet backpack table radio umbrella mirror teapot blanket")
TOPICS = words("garden bakery travel coffee winter running books yoga museum holiday cooking hiking fishing chess")
DOMAINS = ("example.com", "example.org", "mail.example", "shop.example", "school.example")


def _email(rng: random.Random) -> str:
    name, surname = rng.choice(NAMES).lower(), rng.choice(SURNAMES).lower()
    local = rng.choice((name, f"{name}.{surname}", f"{name}{rng.randint(1, 99)}", f"{name[0]}.{surname}"))
    return f"{local}@{rng.choice(DOMAINS)}"


def _date(rng: random.Random) -> str:
    return f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {rng.randint(1990, 2030)}"


def _price(rng: random.Random) -> str:
    return f"${rng.randint(2, 95)}{rng.choice(('', '.50', '.99', '.20'))}"


def _phone(rng: random.Random) -> str:
    return f"555-{rng.randint(1000, 9999)}"


def _hour(rng: random.Random) -> str:
    return f"{rng.randint(6, 22)}:{rng.choice(('00', '05', '15', '30', '45', '50'))}"


def _code(rng: random.Random) -> str:
    return f"{rng.choice('ABCDEFGHKLMNPRST')}{rng.choice('ABCDEFGHKLMNPRST')}-{rng.randint(100, 9999)}"


def _from(*texts: str, detail: Callable[[random.Random], str]) -> Callable[[random.Random], Case]:
    """Cases made of a text with the gap {x} for the wanted detail; the other gaps are filled with what fits."""

    def draw(rng: random.Random) -> Case:
        x = detail(rng)
        name = rng.choice([n for n in NAMES if n != x])
        fill = {"x": x, "name": name, "thing": rng.choice(THINGS), "month": rng.choice(MONTHS)}
        return Case(x, data=rng.choice(texts).format(**fill))

    return draw


def _hashtag(rng: random.Random) -> str:
    return f"#{rng.choice(TOPICS)}"


EMAIL_CASE = _from(
    "You can reach {name} at {x} until Friday.",
    "Please send the invoice for the {thing} to {x}.",
    "My new address is {x}, the old one no longer works.",
    "{name} wrote from {x} about the broken {thing}.",
    "Questions? Write to {x} before the end of {month}.",
    detail=_email,
)
NAME_CASE = _from(
    "Yesterday {x} bought a new {thing}.",
    "The {thing} in the hall belongs to {x}.",
    "In {month} we visited {x} by train.",
    "Nobody could find the {thing} until {x} came home.",
    "I gave the {thing} to {x} last week.",
    detail=lambda rng: rng.choice(NAMES),
)
DATE_CASE = _from(
    "The meeting with {name} is on {x} in room 4.",
    "Your {thing} will arrive on {x}.",
    "{name} was born on {x}.",
    "The contract ends on {x} and cannot be renewed.",
    "On {x} the shop opened its doors.",
    detail=_date,
)
PRICE_CASE = _from(
    "The {thing} costs {x} in the shop.",
    "{name} paid {x} for a {thing}.",
    "For {x} you get a {thing} and two tickets.",
    "We sold the old {thing} for {x} in {month}.",
    "Delivery is free, but the {thing} itself is {x} now.",
    detail=_price,
)
CITY_CASE = _from(
    "{name} moved to {x} in {month}.",
    "The train to {x} leaves in ten minutes.",
    "We spent a week in {x} and bought a {thing}.",
    "My sister works in {x} as a nurse.",
    "The {thing} was made in {x}.",
    detail=lambda rng: rng.choice(CITIES),
)
PHONE_CASE = _from(
    "Call {name} at {x} after lunch.",
    "The repair shop for your {thing} has the number {x}.",
    "If the {thing} is late, ring {x}.",
    "You reach our office under {x} from {month} on.",
    "{name} left a message and asked you to dial {x}.",
    detail=_phone,
)
HASHTAG_CASE = _from(
    "What a lovely morning with {name} {x}",
    "My new {thing} is here! {x}",
    "Finally {month} {x} and the sun is out",
    "{x} is all I can think about today",
    "Thanks to {name} for the {thing} {x}",
    detail=_hashtag,
)
COLOUR_CASE = _from(
    "{name} wore a {x} scarf and carried a {thing}.",
    "A {x} car stopped in front of the house.",
    "They painted the door {x} in {month}.",
    "She keeps the {thing} in a {x} box.",
    "The bird on the roof was {x}.",
    detail=lambda rng: rng.choice(COLOURS),
)
TIME_CASE = _from(
    "The bus leaves at {x} from the station.",
    "{name} has a dentist appointment at {x} today.",
    "Breakfast ends at {x}, so do not be late.",
    "At {x} the {thing} fell from the shelf.",
    "Dinner with {name} starts at {x} sharp.",
    detail=_hour,
)
CODE_CASE = _from(
    "Your order {x} for a {thing} has been shipped.",
    "Please quote {x} when you write to us.",
    "{name} returned parcel {x} in {month}.",
    "We cannot find the {thing} from delivery {x}.",
    "Reference {x}: one {thing}, paid in cash.",
    detail=_code,
)


def _quoted_word(rng: random.Random) -> Case:
    word = rng.choice(TOPICS + THINGS)
    text = rng.choice(
        (
            "{name} shouted '{x}' across the street.",
            "The sign on the wall said '{x}' in tall letters.",
            "She wrote '{x}' on the box in {month}.",
            "The password of the day is '{x}'.",
            "In the old book the word '{x}' was underlined.",
        )
    )
    return Case(word, data=text.format(x=word, name=rng.choice(NAMES), month=rng.choice(MONTHS)))


def _extraction(
    name: str, what: str, kind: str, asks: tuple[str, ...], case: Callable[[random.Random], Case]
) -> Family:
    """Every such family shares a few wordings (`what` is the detail, `kind` the text) and adds some of its own."""
    shared = (
        f"Extract the {what} from this {kind}.",
        f"Which {what} does the {kind} contain?",
        f"Find the {what} in the following {kind}.",
        f"There is one {what} in the {kind} below; give it back.",
    )
    return family(name, "extraction", "piece", (*shared, *asks), case, quote=True)


FAMILIES: tuple[Family, ...] = (
    _extraction(
        "extract_email",
        "email address",
        "message",
        ("To whom would you write according to this text?", "Give the address with the @ sign."),
        EMAIL_CASE,
    ),
    _extraction(
        "extract_name",
        "person's name",
        "sentence",
        ("Who is mentioned here?", "Name the person that the writer talks about."),
        NAME_CASE,
    ),
    _extraction(
        "extract_date",
        "date",
        "note",
        ("On which day does it happen, with month and year?", "Tell when this takes place, as day, month and year."),
        DATE_CASE,
    ),
    _extraction(
        "extract_price",
        "price",
        "line",
        ("How many dollars are mentioned, sign included?", "State the amount of money as it is written."),
        PRICE_CASE,
    ),
    _extraction(
        "extract_city",
        "city",
        "sentence",
        ("Which town is this about?", "Name the place that the text mentions."),
        CITY_CASE,
    ),
    _extraction(
        "extract_phone",
        "phone number",
        "message",
        ("What digits would you have to dial?", "Under which number can they be called?"),
        PHONE_CASE,
    ),
    _extraction(
        "extract_hashtag",
        "hashtag",
        "post",
        ("Which word carries the # sign, sign included?", "Under what tag was this posted?"),
        HASHTAG_CASE,
    ),
    _extraction(
        "extract_colour",
        "colour",
        "sentence",
        ("What colour is named here?", "Spot the word that says which colour something has."),
        COLOUR_CASE,
    ),
    _extraction(
        "extract_time",
        "time of day",
        "note",
        ("At what hour and minute is that?", "What would the clock show at that moment?"),
        TIME_CASE,
    ),
    _extraction(
        "extract_code",
        "reference code",
        "mail",
        ("What is the identifier of this case?", "Which mix of letters and digits should I type in?"),
        CODE_CASE,
    ),
    _extraction(
        "extract_quoted_word",
        "quoted word",
        "sentence",
        ("Which word stands between quotation marks?", "What exactly was said or written, in one word?"),
        _quoted_word,
    ),
)
