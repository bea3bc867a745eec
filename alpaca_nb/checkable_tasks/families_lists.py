"""Families about short comma-separated lists: order, picking, counting, cleaning."""

import random

from alpaca_nb.checkable_tasks.family import Case, Family, family, words

GROUPS = {
    "fruit": words("apple banana cherry grape lemon mango orange peach pear plum melon fig kiwi lime apricot"),
    "animals": words("cat dog horse cow sheep goat lion tiger bear wolf rabbit mouse zebra camel donkey"),
    "tools": words("hammer saw drill pliers wrench shovel rake axe screwdriver chisel"),
    "clothes": words("shirt coat hat scarf glove sock shoe jacket skirt belt"),
    "furniture": words("table chair sofa bed desk shelf stool bench wardrobe cupboard"),
    "vehicles": words("car bus train bicycle truck tram ship boat scooter van"),
    "colours": words("red blue green yellow purple brown black white pink grey"),
}
WORDS = sorted(word for group in GROUPS.values() for word in group)
DISTINCT_GROUPS = ("fruit", "animals", "tools", "clothes", "furniture", "vehicles")  # an orange could be a colour
ORDINALS = {2: "second", 3: "third", 4: "fourth"}


def _words(rng: random.Random, least: int = 3, most: int = 5) -> list[str]:
    return rng.sample(WORDS, rng.randint(least, most))


def _join(items: list[str]) -> str:
    return ", ".join(items)


def _sort_words(rng: random.Random) -> Case:
    words = _words(rng, 3, 4)
    while words == sorted(words):
        rng.shuffle(words)
    return Case(_join(sorted(words)), data=_join(words))


def _sort_numbers(rng: random.Random) -> Case:
    numbers = rng.sample(range(1, 100), rng.randint(3, 4))
    while numbers == sorted(numbers):
        rng.shuffle(numbers)
    return Case(_join([str(n) for n in sorted(numbers)]), data=_join([str(n) for n in numbers]))


def _first(rng: random.Random) -> Case:
    words = _words(rng)
    return Case(words[0], data=_join(words))


def _last(rng: random.Random) -> Case:
    words = _words(rng)
    return Case(words[-1], data=_join(words))


def _nth(rng: random.Random) -> Case:
    words = _words(rng, 4, 6)
    position = rng.choice(tuple(ORDINALS))
    return Case(words[position - 1], data=_join(words), words={"nth": ORDINALS[position], "n": position})


def _reverse(rng: random.Random) -> Case:
    words = _words(rng, 3, 4)
    return Case(_join(words[::-1]), data=_join(words))


def _count(rng: random.Random) -> Case:
    words = _words(rng, 2, 8)
    return Case(str(len(words)), data=_join(words))


def _without_repeats(rng: random.Random) -> Case:
    words = _words(rng, 3, 4)
    repeated = rng.choice(words)
    where = rng.randint(words.index(repeated) + 1, len(words))
    return Case(_join(words), data=_join([*words[:where], repeated, *words[where:]]))


def _odd_one_out(rng: random.Random) -> Case:
    group, other = rng.sample(DISTINCT_GROUPS, 2)
    stranger = rng.choice(GROUPS[other])
    words = [*rng.sample(GROUPS[group], 3), stranger]
    rng.shuffle(words)
    return Case(stranger, data=_join(words))


def _longest(rng: random.Random) -> Case:
    while True:
        words = _words(rng)
        lengths = sorted(len(word) for word in words)
        if lengths[-1] > lengths[-2]:
            return Case(max(words, key=len), data=_join(words))


def _remove(rng: random.Random) -> Case:
    words = _words(rng, 4, 5)
    gone = rng.choice(words)
    return Case(_join([word for word in words if word != gone]), data=_join(words), words={"gone": gone})


def _members(rng: random.Random) -> Case:
    group, other = rng.sample(DISTINCT_GROUPS, 2)
    wanted = rng.sample(GROUPS[group], 2)
    words = [*wanted, *rng.sample(GROUPS[other], 2)]
    rng.shuffle(words)
    return Case(_join([w for w in words if w in wanted]), data=_join(words), words={"group": group})


FAMILIES: tuple[Family, ...] = (
    family(
        "sort_words",
        "lists",
        "list",
        (
            "Sort these words alphabetically.",
            "Put the words below in alphabetical order.",
            "Arrange the following terms from A to Z.",
            "In which order would a dictionary list these words?",
            "Bring the entries into the order of the alphabet.",
        ),
        _sort_words,
    ),
    family(
        "sort_numbers",
        "lists",
        "list",
        (
            "Sort these numbers from smallest to largest.",
            "Put the numbers below in ascending order.",
            "Arrange the following values, lowest first.",
            "How does the list look when its numbers rise from left to right?",
            "Rank these scores upwards.",
        ),
        _sort_numbers,
    ),
    family(
        "first_item",
        "lists",
        "word",
        (
            "What is the first item of the list?",
            "Copy the entry that opens the list.",
            "Which word stands at the beginning?",
            "Name the item that comes before all the others.",
            "Take only the leading element of this list.",
        ),
        _first,
    ),
    family(
        "last_item",
        "lists",
        "word",
        (
            "What is the last item of the list?",
            "Copy the entry that closes the list.",
            "Which word stands at the very end?",
            "Name the item that comes after all the others.",
            "Take only the final element of this list.",
        ),
        _last,
    ),
    family(
        "nth_item",
        "lists",
        "word",
        (
            "What is the {nth} item of the list?",
            "Give me entry number {n}.",
            "Which word stands in {nth} place?",
            "Count from the left and stop at the {nth} word.",
            "Name the thing at position {n} in this row.",
        ),
        _nth,
    ),
    family(
        "reverse_list",
        "lists",
        "list",
        (
            "Reverse the order of the list.",
            "Write these items backwards, last one first.",
            "Turn the list around.",
            "How does the list read from right to left?",
            "Begin with the final entry and end with the first one.",
        ),
        _reverse,
    ),
    family(
        "count_items",
        "lists",
        "number",
        (
            "How many items are in the list?",
            "Count the entries below.",
            "State the number of words in this row.",
            "What is the length of the following list?",
            "Tell how many things are named here.",
        ),
        _count,
        match="number",
    ),
    family(
        "remove_repeats",
        "lists",
        "list",
        (
            "Remove the repeated word from the list.",
            "Clean the list so that every entry occurs once.",
            "Delete duplicates and keep the order.",
            "One item was typed twice; drop its second copy.",
            "Make all items unique without moving them.",
        ),
        _without_repeats,
    ),
    family(
        "odd_one_out",
        "lists",
        "word",
        (
            "Which word does not belong with the others?",
            "Find the odd one out.",
            "Three of these are of a kind; name the stranger.",
            "Spot the item that does not fit.",
            "Which of {data} is of a different kind?",
        ),
        _odd_one_out,
    ),
    family(
        "longest_word",
        "lists",
        "word",
        (
            "Which of these words has the most letters?",
            "Find the longest word below.",
            "Name the entry that takes the most space when written.",
            "Pick the word of greatest length.",
            "Among {data}, which word is longest?",
        ),
        _longest,
    ),
    family(
        "remove_item",
        "lists",
        "list",
        (
            "Remove {gone} from the list.",
            "Write the list without the word {gone}.",
            "We no longer need {gone}; strike it off.",
            "How does the list look after {gone} has been taken away?",
            "Drop the entry '{gone}' and keep all others.",
        ),
        _remove,
    ),
    family(
        "members_of_group",
        "lists",
        "list",
        (
            "Which of these words are {group}?",
            "Keep only the {group}.",
            "Pick out everything that belongs to {group}.",
            "Copy the entries that count as {group}.",
            "List the {group} named here.",
        ),
        _members,
        match="set",
    ),
)
