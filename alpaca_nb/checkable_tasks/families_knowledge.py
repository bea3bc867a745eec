"""Families about facts that every encyclopedia agrees on; each is one table."""

import random
from collections.abc import Callable, Mapping

from alpaca_nb.checkable_tasks.family import Case, Family, family, pairs, words

CAPITALS = pairs(  # only countries with one undisputed capital
    "France: Paris; Italy: Rome; Spain: Madrid; Portugal: Lisbon; Germany: Berlin; Austria: Vienna; Poland: "
    "Warsaw; Hungary: Budapest; Greece: Athens; Ireland: Dublin; Norway: Oslo; Sweden: Stockholm; Denmark: "
    "Copenhagen; Finland: Helsinki; Iceland: Reykjavik; Belgium: Brussels; Croatia: Zagreb; Serbia: Belgrade; "
    "Romania: Bucharest; Bulgaria: Sofia; Egypt: Cairo; Kenya: Nairobi; Morocco: Rabat; Ethiopia: Addis Ababa; "
    "Japan: Tokyo; China: Beijing; Thailand: Bangkok; Vietnam: Hanoi; Iran: Tehran; Iraq: Baghdad; Nepal: "
    "Kathmandu; Canada: Ottawa; Cuba: Havana; Peru: Lima; Argentina: Buenos Aires; Colombia: Bogota; Australia: "
    "Canberra"
)
CONTINENTS = {
    "Europe": words("France Italy Spain Germany Poland Sweden Norway Greece Portugal Austria Ireland Hungary"),
    "Asia": words("Japan China India Vietnam Thailand Nepal Mongolia Iran Pakistan Malaysia Cambodia"),
    "Africa": words("Kenya Nigeria Ghana Morocco Ethiopia Zambia Tanzania Uganda Algeria Senegal Angola"),
    "South America": words("Brazil Peru Chile Argentina Bolivia Ecuador Colombia Uruguay Paraguay Venezuela"),
    "North America": words("Canada Mexico Cuba Jamaica"),
}
ELEMENTS = pairs(
    "hydrogen: H; helium: He; lithium: Li; carbon: C; nitrogen: N; oxygen: O; neon: Ne; sodium: Na; magnesium: "
    "Mg; aluminium: Al; silicon: Si; sulphur: S; chlorine: Cl; potassium: K; calcium: Ca; iron: Fe; nickel: Ni; "
    "copper: Cu; zinc: Zn; silver: Ag; tin: Sn; iodine: I; gold: Au; mercury: Hg; lead: Pb; uranium: U"
)
YOUNG = pairs(
    "dog: puppy; cat: kitten; cow: calf; sheep: lamb; horse: foal; hen: chick; duck: duckling; goose: gosling; "
    "goat: kid; bear: cub; lion: cub; deer: fawn; swan: cygnet; frog: tadpole; kangaroo: joey; elephant: calf; "
    "owl: owlet; pig: piglet"
)
FURTHER_YOUNG = {"dog": ("pup",), "horse": ("colt", "filly"), "frog": ("froglet",), "hen": ("chicken",)}
LEGS = {
    "0": words("snake worm snail dolphin goldfish whale shark eel"),
    "2": words("hen duck eagle ostrich penguin parrot owl swan"),
    "4": words("dog horse cow lizard frog elephant rabbit giraffe"),
    "6": words("ant bee beetle butterfly ladybird grasshopper wasp mosquito"),
    "8": words("spider scorpion tick tarantula"),
}
CURRENCIES = pairs(
    "Japan: yen; the United Kingdom: pound; the United States: dollar; Germany: euro; France: euro; Italy: euro; "
    "Ireland: euro; India: rupee; China: yuan; Switzerland: franc; Mexico: peso; Poland: zloty; Hungary: forint; "
    "Thailand: baht; Vietnam: dong; Canada: dollar; Sweden: krona; Norway: krone; Brazil: real; Chile: peso; "
    "South Korea: won; Turkey: lira; Ukraine: hryvnia; South Africa: rand"
)
AUTHORS = {  # work: (author, short form)
    "Hamlet": ("William Shakespeare", "Shakespeare"),
    "Romeo and Juliet": ("William Shakespeare", "Shakespeare"),
    "Oliver Twist": ("Charles Dickens", "Dickens"),
    "Great Expectations": ("Charles Dickens", "Dickens"),
    "Pride and Prejudice": ("Jane Austen", "Austen"),
    "Emma": ("Jane Austen", "Austen"),
    "War and Peace": ("Leo Tolstoy", "Tolstoy"),
    "Moby-Dick": ("Herman Melville", "Melville"),
    "Don Quixote": ("Miguel de Cervantes", "Cervantes"),
    "Faust": ("Johann Wolfgang von Goethe", "Goethe"),
    "Frankenstein": ("Mary Shelley", "Shelley"),
    "Dracula": ("Bram Stoker", "Stoker"),
    "Treasure Island": ("Robert Louis Stevenson", "Stevenson"),
    "The Time Machine": ("H. G. Wells", "Wells"),
    "Les Miserables": ("Victor Hugo", "Hugo"),
    "Crime and Punishment": ("Fyodor Dostoevsky", "Dostoevsky"),
    "Jane Eyre": ("Charlotte Bronte", "Charlotte Brontë"),
    "Wuthering Heights": ("Emily Bronte", "Emily Brontë"),
    "The Jungle Book": ("Rudyard Kipling", "Kipling"),
    "Animal Farm": ("George Orwell", "Orwell"),
    "Little Women": ("Louisa May Alcott", "Alcott"),
    "Robinson Crusoe": ("Daniel Defoe", "Defoe"),
}


def _looked_up(table: Mapping[str, str], further: Mapping[str, tuple[str, ...]]) -> Callable[[random.Random], Case]:
    def draw(rng: random.Random) -> Case:
        key = rng.choice(tuple(table))
        return Case(table[key], words={"x": key}, accepted=further.get(key, ()))

    return draw


def _country_of(rng: random.Random) -> Case:
    country = rng.choice(tuple(CAPITALS))
    return Case(country, words={"x": CAPITALS[country]})


def _grouped(groups: Mapping[str, tuple[str, ...]]) -> Callable[[random.Random], Case]:
    def draw(rng: random.Random) -> Case:
        group = rng.choice(tuple(groups))
        return Case(group, words={"x": rng.choice(groups[group])})

    return draw


def _author(rng: random.Random) -> Case:
    work = rng.choice(tuple(AUTHORS))
    author, *short = AUTHORS[work]
    return Case(author, words={"x": work}, accepted=tuple(short))


FAMILIES: tuple[Family, ...] = (
    family(
        "capital_city",
        "knowledge",
        "name",
        (
            "What is the capital of {x}?",
            "Name the city where the government of {x} sits.",
            "Which city is the capital of {x}?",
            "Give the capital city of {x}.",
            "In what town would you find the national parliament of {x}?",
            "A diplomat travels to the seat of government of {x}, so where does she arrive?",
        ),
        _looked_up(CAPITALS, {"Colombia": ("Bogotá",), "Iceland": ("Reykjavík",)}),
        match="any_of",
    ),
    family(
        "country_of_capital",
        "knowledge",
        "name",
        (
            "Which country has {x} as its capital?",
            "The city of {x} is the capital of which country?",
            "Name the state that is governed from {x}.",
            "Of what nation is {x} the capital city?",
            "An embassy stands in {x}; tell me the host country.",
        ),
        _country_of,
    ),
    family(
        "continent",
        "knowledge",
        "name",
        (
            "On which continent is {x}?",
            "Name the continent that {x} belongs to.",
            "To what part of the world does {x} belong?",
            "Sort the country {x} under its continent.",
            "If I fly to {x}, on which continent do I land?",
        ),
        _grouped(CONTINENTS),
        labels=tuple(CONTINENTS),
    ),
    family(
        "chemical_symbol",
        "knowledge",
        "piece",
        (
            "What is the chemical symbol of {x}?",
            "Give the symbol for the element {x}.",
            "How is {x} abbreviated in the periodic table?",
            "Which letters stand for {x} in a chemical formula?",
            "Write the element {x} as a chemist would.",
        ),
        _looked_up(ELEMENTS, {}),
        case_matters=True,
    ),
    family(
        "young_animal",
        "knowledge",
        "word",
        (
            "What is a young {x} called?",
            "Name the baby of this animal: {x}.",
            "Which word do we use for the offspring of a {x}?",
            "The mother is a {x}; what is her little one?",
            "Before it grows up, how do we call a {x}?",
        ),
        _looked_up(YOUNG, FURTHER_YOUNG),
        match="any_of",
    ),
    family(
        "number_of_legs",
        "knowledge",
        "number",
        (
            "How many legs does this animal have: {x}?",
            "State the number of legs of a healthy {x}.",
            "On how many legs does the {x} get around?",
            "Count the legs of one {x}.",
            "A child paints a {x}; how many legs must be painted?",
        ),
        _grouped(LEGS),
        match="number",
    ),
    family(
        "currency",
        "knowledge",
        "word",
        (
            "What is the currency of {x}?",
            "With which money do people pay in {x}?",
            "Name the money used in {x}.",
            "I travel to {x}; what currency do I need?",
            "Which coins and notes would a shop in {x} accept?",
        ),
        _looked_up(CURRENCIES, {"China": ("renminbi",), "the United Kingdom": ("pound sterling", "pounds")}),
        match="any_of",
    ),
    family(
        "author",
        "knowledge",
        "name",
        (
            "Who wrote the classic '{x}'?",
            "Name the author of the book '{x}'.",
            "Whose work is '{x}'?",
            "The cover says '{x}', so which writer is it by?",
            "To whom do we owe '{x}'?",
        ),
        _author,
        match="any_of",
    ),
)
