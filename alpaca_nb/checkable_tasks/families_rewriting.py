"""Families that rewrite a line: into JSON, with other words, in another format."""

import json
import random

from alpaca_nb.checkable_tasks.families_dates import MONTHS
from alpaca_nb.checkable_tasks.families_extraction import CITIES, NAMES, SURNAMES
from alpaca_nb.checkable_tasks.families_lists import DISTINCT_GROUPS, GROUPS
from alpaca_nb.checkable_tasks.family import Case, Family, family, words

CONTRACTIONS = {
    "I am": "I'm",
    "You are": "You're",
    "We are": "We're",
    "They are": "They're",
    "She is": "She's",
    "He is": "He's",
    "It is": "It's",
    "I will": "I'll",
    "We will": "We'll",
    "They will": "They'll",
}
WITH_BE = ("very tired", "at home", "late again", "in the kitchen", "happy about it", "ready now", "quite sure")
WITH_WILL = ("call tomorrow", "wait outside", "bring some bread", "stay here", "help with that", "leave at six")
LIKED = ("tea", "old films", "long walks", "chess", "cold weather", "green apples", "the sea", "loud parties", "cheese")
THINGS = ("shop", "door", "window", "soup", "train", "room", "lake", "test", "garden", "bridge", "street", "car")
STATES = ("open", "cold", "empty", "clean", "new", "dark", "safe", "warm", "quiet", "ready")
TITLES = (
    "the silver river",
    "a winter journey",
    "letters from home",
    "seven green doors",
    "under the bridge",
    "night train south",
    "secret garden party",
    "my first bicycle",
    "lost and found again",
    "stories for rainy days",
)
SWAPS = (  # a sentence with a gap, and words that fit
    ("The {} sleeps on the sofa.", words("cat dog baby guest")),
    ("We need a new {} for the kitchen.", words("table clock lamp kettle")),
    ("She paints the {} green.", words("fence door bench chair")),
    ("My brother sells {} at the market.", words("apples flowers bread cheese")),
    ("There is a {} behind the house.", words("tree shed pond garage")),
    ("Every {} they eat soup.", words("Monday Friday winter evening")),
)


def _json_line(rng: random.Random) -> Case:
    record = {"name": rng.choice(NAMES), "age": rng.randint(18, 80)}
    pretty = json.dumps(record)
    compact = json.dumps(record, separators=(",", ":"))
    return Case(
        pretty,
        data=f"{record['name']}, {record['age']}",
        accepted=(compact, pretty.replace("{", "{ ").replace("}", " }")),
    )


def _dashes(rng: random.Random) -> Case:
    words = rng.sample(GROUPS[rng.choice(DISTINCT_GROUPS)], 3)
    return Case(" - ".join(words), data=", ".join(words))


def _semicolons(rng: random.Random) -> Case:
    words = rng.sample(GROUPS[rng.choice(DISTINCT_GROUPS)], rng.randint(2, 4))
    return Case(", ".join(words), data=";".join(words))


def _joined_by_and(rng: random.Random) -> Case:
    words = rng.sample(GROUPS[rng.choice(DISTINCT_GROUPS)], rng.randint(2, 3))
    start = ", ".join(words[:-1])
    return Case(f"{start} and {words[-1]}", data=", ".join(words), accepted=(f"{start}, and {words[-1]}",))


def _like_question(rng: random.Random) -> Case:
    name, thing = rng.choice(NAMES), rng.choice(LIKED)
    return Case(f"Does {name} like {thing}?", data=f"{name} likes {thing}.")


def _negation(rng: random.Random) -> Case:
    thing, state = rng.choice(THINGS), rng.choice(STATES)
    return Case(
        f"The {thing} is not {state}.", data=f"The {thing} is {state}.", accepted=(f"The {thing} isn't {state}.",)
    )


def _contraction(rng: random.Random) -> tuple[str, str]:
    long = rng.choice(tuple(CONTRACTIONS))
    rest = rng.choice(WITH_WILL if long.endswith("will") else WITH_BE)
    return f"{long} {rest}.", f"{CONTRACTIONS[long]} {rest}."


def _expand(rng: random.Random) -> Case:
    long, short = _contraction(rng)
    return Case(long, data=short)


def _contract(rng: random.Random) -> Case:
    long, short = _contraction(rng)
    return Case(short, data=long)


def _replace(rng: random.Random) -> Case:
    sentence, words = rng.choice(SWAPS)
    old, new = rng.sample(words, 2)
    return Case(sentence.format(new), data=sentence.format(old), words={"old": old, "new": new})


def _title_case(rng: random.Random) -> Case:
    title = rng.choice(TITLES)
    title = f"{title} {rng.choice(('one', 'two', 'three', 'four'))}" if rng.random() < 0.5 else title
    return Case(" ".join(word.capitalize() for word in title.split()), data=title)


def _iso_date(rng: random.Random) -> Case:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1950, 2030)
    return Case(f"{year}-{month:02d}-{day:02d}", data=f"{day} {MONTHS[month - 1]} {year}")


def _surname_first(rng: random.Random) -> Case:
    name, surname = rng.choice(NAMES), rng.choice(SURNAMES)
    return Case(f"{surname}, {name}", data=f"{name} {surname}")


def _underscores(rng: random.Random) -> Case:
    title = f"{rng.choice(STATES)} {rng.choice(THINGS)} {rng.choice(CITIES).lower()}"
    return Case(title.replace(" ", "_"), data=title)


FAMILIES: tuple[Family, ...] = (
    family(
        "line_to_json",
        "rewriting",
        "text",
        (
            "Turn the line into a JSON object with the keys name and age.",
            "Convert this record to JSON, fields name and age.",
            "Write the person below as a JSON object (name, age).",
            "How does this entry look in JSON with 'name' and 'age'?",
            "Store name and age of the following line in one JSON object.",
        ),
        _json_line,
    ),
    family(
        "commas_to_dashes",
        "rewriting",
        "text",
        (
            "Replace the commas by dashes with a space on each side.",
            "Write the items with ' - ' between them instead of commas.",
            "Change the separator of this row from comma to spaced dash.",
            "Where you see a comma, put a dash between spaces.",
            "How does the row look with dashes in place of its commas?",
        ),
        _dashes,
    ),
    family(
        "semicolons_to_commas",
        "rewriting",
        "text",
        (
            "Separate these items by comma and space instead of semicolons.",
            "Convert the semicolon-separated line to a comma-separated list.",
            "Change every semicolon below into a comma followed by a space.",
            "My table uses semicolons; rewrite the row with commas and spaces.",
            "How would this row look with commas and spaces in place of semicolons?",
        ),
        _semicolons,
    ),
    family(
        "join_with_and",
        "rewriting",
        "text",
        (
            "Join the items with commas and an 'and' before the last one.",
            "Write the list as in running text, with 'and' at the end.",
            "Turn this row into a phrase that uses 'and'.",
            "How would you say these things in a sentence, with the word 'and'?",
            "Link the last two entries by 'and'.",
        ),
        _joined_by_and,
    ),
    family(
        "make_a_question",
        "rewriting",
        "text",
        (
            "Turn the statement into a question that begins with 'Does'.",
            "Ask whether the following is true, starting with Does.",
            "Rewrite this as a yes-no question.",
            "Which question with 'Does' would get this sentence as its answer?",
            "Form a question from the sentence below with the help of 'does'.",
        ),
        _like_question,
        quote=True,
    ),
    family(
        "make_negative",
        "rewriting",
        "text",
        (
            "Make the sentence negative with the word 'not'.",
            "Negate the following statement.",
            "Say the contrary by putting in 'not'.",
            "How would you deny this claim, using not?",
            "Add 'not' so that the meaning is reversed.",
        ),
        _negation,
        quote=True,
    ),
    family(
        "expand_contraction",
        "rewriting",
        "text",
        (
            "Write the contraction in full.",
            "Expand the short form in this sentence.",
            "Replace the apostrophe by the letters it stands for.",
            "How does the sentence read without its contraction?",
            "Formal letters avoid contractions, so spell this one out.",
        ),
        _expand,
        quote=True,
    ),
    family(
        "use_contraction",
        "rewriting",
        "text",
        (
            "Use a contraction for the first two words.",
            "Shorten the sentence with an apostrophe.",
            "Make this sound casual by contracting pronoun and verb.",
            "How would one write this with a short form such as I'm or we'll?",
            "Contract the beginning of the line below.",
        ),
        _contract,
        quote=True,
    ),
    family(
        "replace_word",
        "rewriting",
        "text",
        (
            "Replace '{old}' by '{new}' in the sentence.",
            "Put the word {new} where {old} stands now.",
            "Change {old} to {new}.",
            "How does the line read with {new} instead of {old}?",
            "It should say {new}, not {old}; correct it.",
        ),
        _replace,
        quote=True,
    ),
    family(
        "title_case",
        "rewriting",
        "text",
        (
            "Begin every word of the title with a capital letter.",
            "Capitalise each word below.",
            "Put this heading into title case, all words included.",
            "Give each word a big first letter.",
            "How does the headline look when all its words are capitalised?",
        ),
        _title_case,
        case_matters=True,
    ),
    family(
        "iso_date",
        "rewriting",
        "text",
        (
            "Write the date in the format YYYY-MM-DD.",
            "Convert this day to an ISO date, year first.",
            "How does a computer write this date as YYYY-MM-DD?",
            "Put the date into the form year-month-day with two-digit months and days.",
            "Change the calendar date below to ISO 8601.",
        ),
        _iso_date,
    ),
    family(
        "surname_first",
        "rewriting",
        "text",
        (
            "Write the surname first, then a comma and the first name.",
            "Rewrite this name as 'Last, First'.",
            "How would a library catalogue list this person, family name first?",
            "Swap first name and family name and put a comma between them.",
            "Format the full name below as surname, given name.",
        ),
        _surname_first,
    ),
    family(
        "underscores",
        "rewriting",
        "text",
        (
            "Replace the spaces by underscores.",
            "Write these words in snake case.",
            "Link the words below with underscores.",
            "How does the line look with _ instead of each blank?",
            "The name may hold no spaces, so use an underscore for each.",
        ),
        _underscores,
    ),
)
