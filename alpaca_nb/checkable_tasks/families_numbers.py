"""Families about plain numbers: sums, comparing, rounding, sequences, number words."""

import random

from alpaca_nb.checkable_tasks.family import Case, Family, family, words

ONES = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
TENS = words("zero ten twenty thirty forty fifty sixty seventy eighty ninety")


def number_in_words(number: int) -> str:
    """Spell a number from 0 to 999 as British English does: 342 is "three hundred and forty-two"."""
    if number < 20:
        return ONES[number]
    if number < 100:
        ones = f"-{ONES[number % 10]}" if number % 10 else ""
        return TENS[number // 10] + ones
    rest = f" and {number_in_words(number % 100)}" if number % 100 else ""
    return f"{ONES[number // 100]} hundred{rest}"


def _sum(rng: random.Random) -> Case:
    a, b = rng.randint(2, 60), rng.randint(2, 39)
    return Case(str(a + b), words={"a": a, "b": b})


def _difference(rng: random.Random) -> Case:
    b = rng.randint(2, 30)
    a = b + rng.randint(1, 60)
    return Case(str(a - b), words={"a": a, "b": b})


def _product(rng: random.Random) -> Case:
    a, b = rng.randint(2, 12), rng.randint(2, 12)
    return Case(str(a * b), words={"a": a, "b": b})


def _numbers(rng: random.Random) -> list[int]:
    return rng.sample(range(2, 100), rng.randint(3, 5))


def _largest(rng: random.Random) -> Case:
    numbers = _numbers(rng)
    return Case(str(max(numbers)), data=", ".join(map(str, numbers)))


def _smallest(rng: random.Random) -> Case:
    numbers = _numbers(rng)
    return Case(str(min(numbers)), data=", ".join(map(str, numbers)))


def _larger_than(rng: random.Random) -> Case:
    a, b = rng.sample(range(2, 500), 2)
    return Case("yes" if a > b else "no", words={"a": a, "b": b})


def _even_or_odd(rng: random.Random) -> Case:
    number = rng.randint(2, 999)
    return Case("odd" if number % 2 else "even", words={"n": number})


def _nearest_ten(rng: random.Random) -> Case:
    number = 10 * rng.randint(1, 98) + rng.choice((1, 2, 3, 4, 6, 7, 8, 9))
    return Case(str(round(number / 10) * 10), words={"n": number})


def _next_in_sequence(rng: random.Random) -> Case:
    start, step = rng.randint(1, 30), rng.choice((1, 2, 3, 4, 5, 10))
    terms = [start + step * i for i in range(5)]
    return Case(str(terms[4]), data=", ".join(map(str, terms[:4])))


def _percentage(rng: random.Random) -> Case:
    percent = rng.choice((10, 20, 25, 50))
    whole = rng.choice(range(20, 420, 20))
    return Case(str(whole * percent // 100), words={"p": percent, "n": whole})


def _to_digits(rng: random.Random) -> Case:
    number = rng.randint(11, 999)
    return Case(str(number), words={"spelled": number_in_words(number)})


def _to_words(rng: random.Random) -> Case:
    number = rng.randint(11, 99)
    spelled = number_in_words(number)
    return Case(spelled, words={"n": number}, accepted=(spelled.replace("-", " "),))


FAMILIES: tuple[Family, ...] = (
    family(
        "addition",
        "numbers",
        "number",
        (
            "What is {a} plus {b}?",
            "Add {a} and {b}.",
            "Work out the sum of {a} and {b}.",
            "Calculate {a} + {b}.",
            "How much do {a} and {b} make together?",
            "If {a} visitors come and then {b} more, how many are there?",
            "There are {a} red pens and {b} blue pens, so how many pens in total?",
        ),
        _sum,
        match="number",
    ),
    family(
        "subtraction",
        "numbers",
        "number",
        (
            "What is {a} minus {b}?",
            "Subtract {b} from {a}.",
            "Calculate {a} - {b}.",
            "How many are left when {b} of {a} apples are eaten?",
            "By how much is {a} larger than {b}?",
            "Take {b} away from {a}.",
            "Of {a} seats {b} are taken, so how many are free?",
        ),
        _difference,
        match="number",
    ),
    family(
        "multiplication",
        "numbers",
        "number",
        (
            "What is {a} times {b}?",
            "Multiply {a} by {b}.",
            "Work out the product of {a} and {b}.",
            "How many chairs stand in {a} rows of {b}?",
            "Compute {a} x {b}.",
            "If one box holds {b} eggs, how many do {a} boxes hold?",
        ),
        _product,
        match="number",
    ),
    family(
        "largest_number",
        "numbers",
        "number",
        (
            "Find the largest number below.",
            "Which of these numbers is the biggest?",
            "Pick the maximum of the following values.",
            "Among {data}, which one is the greatest?",
            "Look at the values and name the highest one.",
            "Say which number in the list beats all the others.",
        ),
        _largest,
        match="number",
    ),
    family(
        "smallest_number",
        "numbers",
        "number",
        (
            "Find the smallest number below.",
            "Which of these numbers is the lowest?",
            "Pick the minimum of the following values.",
            "Among {data}, which one is the least?",
            "Look at the values and name the tiniest one.",
            "Say which number in the list is below all the others.",
        ),
        _smallest,
        match="number",
    ),
    family(
        "larger_than",
        "numbers",
        "yes or no",
        (
            "Is {a} larger than {b}?",
            "Is it true that {a} is greater than {b}?",
            "Does {a} come after {b} when we count upwards?",
            "Compare the numbers and say yes if {a} exceeds {b}, otherwise no.",
            "Would {a} points beat {b} points?",
            "Tell whether {a} is more than {b} with yes or no.",
        ),
        _larger_than,
        labels=("yes", "no"),
    ),
    family(
        "even_or_odd",
        "numbers",
        "label",
        (
            "Is {n} even or odd?",
            "Decide whether the number {n} is odd or even.",
            "Label {n} as even or odd.",
            "Say odd or even for this number: {n}.",
            "After dividing {n} by two, would you call it even or odd?",
            "Does {n} belong to the even numbers or to the odd ones?",
        ),
        _even_or_odd,
        labels=("even", "odd"),
    ),
    family(
        "nearest_ten",
        "numbers",
        "number",
        (
            "Round {n} to the nearest ten.",
            "What is {n} rounded to tens?",
            "Which multiple of ten is closest to {n}?",
            "Give {n} to the nearest multiple of 10.",
            "Replace {n} by the round ten next to it.",
        ),
        _nearest_ten,
        match="number",
    ),
    family(
        "next_in_sequence",
        "numbers",
        "number",
        (
            "Continue the sequence with one more number.",
            "What number comes next?",
            "Which number follows after {data}?",
            "The pattern goes on by equal steps, so find the next term.",
            "Extend the row below by its next member.",
        ),
        _next_in_sequence,
        match="number",
    ),
    family(
        "percentage",
        "numbers",
        "number",
        (
            "What is {p} percent of {n}?",
            "Calculate {p}% of {n}.",
            "How many people are {p} percent of {n} people?",
            "A bill of {n} euros is lowered by {p}%, so how many euros are saved?",
            "Work out a share of {p} percent when the whole is {n}.",
        ),
        _percentage,
        match="number",
    ),
    family(
        "words_to_digits",
        "numbers",
        "number",
        (
            "Write {spelled} in digits.",
            "Which number is spelled {spelled}?",
            "Turn the words '{spelled}' into a numeral.",
            "How is {spelled} written with figures?",
            "Convert this spoken number to digits: {spelled}.",
        ),
        _to_digits,
        match="number",
    ),
    family(
        "digits_to_words",
        "numbers",
        "piece",
        (
            "Spell the number {n} in words.",
            "How do you write {n} with letters?",
            "Write out {n} as an English number word.",
            "On a cheque the amount {n} must be in words, so spell it.",
            "Which number word stands for {n}?",
        ),
        _to_words,
        match="any_of",
    ),
)
