"""Families that put a text or a word into one of a few named classes."""

import random
from collections.abc import Callable, Mapping

from alpaca_nb.checkable_tasks.family import Case, Family, family, words

POSITIVE = ("wonderful", "excellent", "fantastic", "friendly", "perfect", "lovely", "brilliant", "superb")
NEGATIVE = ("terrible", "awful", "dreadful", "rude", "disappointing", "boring", "horrible", "useless")
REVIEWED = ("The soup", "Our hotel room", "The new phone", "This film", "The waiter", "The whole trip", "My haircut")
PRAISE = ("and I would come again.", "and we loved every minute.", "so I am very happy.", "and I smiled all day.")
BLAME = ("and I want my money back.", "and we left early.", "so I am very angry.", "and I will never return.")

ANIMALS = words("dog horse eagle salmon lizard spider whale rabbit ant owl frog shark camel penguin bee snake wolf")
PLANTS = words("oak rose fern cactus tulip moss wheat bamboo ivy daisy pine lavender clover palm orchid birch nettle")
FRUITS = words("apple banana cherry mango pear grape peach strawberry pineapple apricot raspberry melon lemon fig")
VEGETABLES = words(
    "carrot cabbage onion potato broccoli spinach leek cauliflower turnip celery radish beetroot parsnip"
)
HOT = words("fire lava steam desert oven sauna furnace bonfire volcano toaster")
COLD = words("ice snow glacier freezer frost icicle hail iceberg snowman igloo")

PEOPLE = ("Anna", "My uncle", "The teacher", "Our neighbour", "Ben", "The cook", "A tourist", "My sister", "The girl")
VERBS = (  # base form, past
    ("walk", "walked"),
    ("play", "played"),
    ("cook", "cooked"),
    ("paint", "painted"),
    ("dance", "danced"),
    ("wait", "waited"),
    ("work", "worked"),
    ("rest", "rested"),
)
PLACES = ("in the garden", "at the station", "in the old town", "near the river", "at school", "behind the house")

SENTENCES = {
    "English": (
        ("The house is", "My dog is", "This book is", "Our teacher is"),
        ("very old", "not here", "big and white", "always new"),
    ),
    "French": (
        ("La maison est", "Mon chien est", "Ce livre est", "Notre voisin est"),
        ("très calme", "vraiment magnifique", "encore ici", "toujours formidable"),
    ),
    "German": (
        ("Das Haus ist", "Mein Hund ist", "Dieses Buch ist", "Unser Lehrer ist"),  # codespell:ignore ist,unser
        ("sehr alt", "nicht hier", "groß und weiß", "immer neu"),
    ),
    "Spanish": (
        ("La casa es", "Mi perro es", "Este libro es", "Nuestro vecino es"),
        ("muy grande", "realmente importante", "siempre amable", "más interesante"),
    ),
}
SPAM = (
    "Congratulations! You have won {n} dollars, click here now!",
    "Cheap watches, {n} percent off, only today, buy now!",
    "You are our lucky winner number {n}! Claim your free prize!",
    "Earn {n} dollars a day from home, no work needed!",
    "URGENT: your account is blocked, send your password and {n} euros!",
    "Lose {n} kilos in one week with this miracle pill!",
)
NO_SPAM = (
    "Hi, could we move our meeting to room {n} tomorrow?",
    "Thanks for dinner last night, the {n} of us had a great time.",
    "Please find attached the minutes, see page {n}.",
    "Your library book is due in {n} days.",
    "Mum, I will be {n} minutes late for lunch.",
    "The parents' evening is in {n} weeks, please sign up at the office.",
)
FORMAL = (
    "Dear {who}, I am writing to request a meeting.",
    "We would be grateful for your reply, {who}.",
    "I sincerely apologise for the delay, {who}.",
    "{who}, we regret to inform you that the office is closed.",
    "It is my pleasure to invite you to dinner, {who}.",
)
INFORMAL = (
    "Hey {who}, wanna hang out later?",
    "Yo {who}, what's up?",
    "Gotta run, see ya, {who}!",
    "LOL {who}, that was so cool!",
    "{who}, gimme a call, ok?",
)
FORMAL_NAMES = ("Mr Brown", "Mrs Weber", "Professor Khan", "Dr Silva", "Ms Olsen", "Madam", "Sir")
INFORMAL_NAMES = ("Tom", "dude", "sis", "Joe", "bro", "Liz", "mate")
URGENT = (
    "The kitchen is on fire",
    "A child is hurt",
    "Water pours from the ceiling",
    "I smell gas",
    "He cannot breathe",
)
HELP = ("in house {n}, help!", "at door {n}, come at once!", "on floor {n}, please hurry!", "at number {n}, right now!")
LATER = ("Please send the brochure", "Could you water my plant", "I will return the book", "We may paint the fence")
SOME_DAY = ("some time in the next {n} weeks.", "when you find {n} free minutes.", "within {n} months, no hurry.")


def _sentiment(rng: random.Random) -> Case:
    label, words, ends = rng.choice((("positive", POSITIVE, PRAISE), ("negative", NEGATIVE, BLAME)))
    return Case(label, data=f"{rng.choice(REVIEWED)} was {rng.choice(words)} {rng.choice(ends)}")


def _two_kinds(kinds: Mapping[str, tuple[str, ...]]) -> Callable[[random.Random], Case]:
    def draw(rng: random.Random) -> Case:
        label = rng.choice(tuple(kinds))
        return Case(label, words={"word": rng.choice(kinds[label])})

    return draw


def _spam(rng: random.Random) -> Case:
    label, texts = rng.choice((("spam", SPAM), ("not spam", NO_SPAM)))
    return Case(label, data=rng.choice(texts).format(n=rng.randint(2, 99)))


def _question_or_statement(rng: random.Random) -> Case:
    who, (base, past), place = rng.choice(PEOPLE), rng.choice(VERBS), rng.choice(PLACES)
    if rng.random() < 0.5:
        subject = who if who in ("Anna", "Ben") else who[0].lower() + who[1:]
        return Case("question", data=f"Did {subject} {base} {place}")
    return Case("statement", data=f"{who} {past} {place}")


def _tense(rng: random.Random) -> Case:
    who, (base, past), place = rng.choice(PEOPLE), rng.choice(VERBS), rng.choice(PLACES)
    label = rng.choice(("past", "present", "future"))
    verb = {"past": past, "present": f"{base}s", "future": f"will {base}"}[label]
    return Case(label, data=f"{who} {verb} {place}.")


def _language(rng: random.Random) -> Case:
    language = rng.choice(tuple(SENTENCES))
    starts, ends = SENTENCES[language]
    return Case(language, data=f"{rng.choice(starts)} {rng.choice(ends)}.")


def _formality(rng: random.Random) -> Case:
    formal = rng.random() < 0.5
    texts, names = (FORMAL, FORMAL_NAMES) if formal else (INFORMAL, INFORMAL_NAMES)
    return Case("formal" if formal else "informal", data=rng.choice(texts).format(who=rng.choice(names)))


def _urgency(rng: random.Random) -> Case:
    label, starts, ends = rng.choice((("urgent", URGENT, HELP), ("can wait", LATER, SOME_DAY)))
    return Case(label, data=f"{rng.choice(starts)} {rng.choice(ends).format(n=rng.randint(2, 30))}")


def _kinds(name: str, one: str, other: str, ones: tuple[str, ...], others: tuple[str, ...], *asks: str) -> Family:
    """A family that asks of which of two kinds a single word is."""
    shared = (
        f"Is {{word}} {one} or {other}?",
        f"Classify the word '{{word}}' as {one} or {other}.",
        f"Decide between {one} and {other} for the term {{word}}.",
        f"In which group belongs {{word}}, {one} or {other}?",
        f"Label this as {one} or {other}: {{word}}.",
    )
    return family(
        name, "classification", "label", (*shared, *asks), _two_kinds({one: ones, other: others}), labels=(one, other)
    )


FAMILIES: tuple[Family, ...] = (
    family(
        "sentiment",
        "classification",
        "label",
        (
            "Is this review positive or negative?",
            "Classify the mood of the comment as positive or negative.",
            "Did the guest have a positive or a negative experience?",
            "Label the opinion below, positive or negative.",
            "Decide if the writer sounds negative or positive.",
        ),
        _sentiment,
        labels=("positive", "negative"),
        quote=True,
    ),
    family(
        "spam",
        "classification",
        "label",
        (
            "Is this message spam or not spam?",
            "Mark the mail as spam or not spam.",
            "Should my mailbox treat the text as spam or not spam?",
            "Judge the following message: spam or not spam?",
            "Sort this one into the folder 'spam' or the folder 'not spam'.",
        ),
        _spam,
        labels=("spam", "not spam"),
        quote=True,
    ),
    family(
        "question_or_statement",
        "classification",
        "label",
        (
            "Is the sentence a question or a statement?",
            "The last mark is missing; tell whether it was a question or a statement.",
            "Label these words as question or statement.",
            "Would you call this a statement or a question?",
            "Decide between question and statement for the words below.",
        ),
        _question_or_statement,
        labels=("question", "statement"),
        quote=True,
    ),
    family(
        "tense",
        "classification",
        "label",
        (
            "Is the sentence in the past, present or future tense?",
            "Name the tense of the verb: past, present or future.",
            "When does this happen: past, present or future?",
            "Label the grammar of this sentence as past, present or future.",
            "Which tense was used, future, past or present?",
        ),
        _tense,
        labels=("past", "present", "future"),
        quote=True,
    ),
    family(
        "language",
        "classification",
        "label",
        (
            "Which language is this: English, French, German or Spanish?",
            "Name the language of the sentence.",
            "In what language was the following line written?",
            "Recognise the European language of these words.",
            "The speaker comes from Paris, Berlin, Madrid or London, so which language is it?",
        ),
        _language,
        labels=tuple(SENTENCES),
        quote=True,
    ),
    family(
        "formality",
        "classification",
        "label",
        (
            "Is the tone formal or informal?",
            "Classify the style of this line as formal or informal.",
            "Would you call the wording informal or formal?",
            "Label the register of the message, formal or informal.",
            "Decide between formal and informal for this greeting.",
        ),
        _formality,
        labels=("formal", "informal"),
        quote=True,
    ),
    family(
        "urgency",
        "classification",
        "label",
        (
            "Is this message urgent or can it wait?",
            "Label the request as 'urgent' or 'can wait'.",
            "Must we act now? Say urgent or can wait.",
            "Set the priority of this note, urgent or can wait.",
            "The phone rings; decide if the caller is urgent or can wait.",
        ),
        _urgency,
        labels=("urgent", "can wait"),
        quote=True,
    ),
    _kinds("animal_or_plant", "animal", "plant", ANIMALS, PLANTS, "Does the {word} count as animal or as plant?"),
    _kinds(
        "fruit_or_vegetable", "fruit", "vegetable", FRUITS, VEGETABLES, "In the kitchen, is {word} fruit or vegetable?"
    ),
    _kinds("hot_or_cold", "hot", "cold", HOT, COLD, "If you touch it, does {word} feel hot or cold?"),
)
