"""Families about single English words: relations, forms, letters."""

import random
from collections.abc import Callable, Mapping

from alpaca_nb.checkable_tasks.family import Case, Family, family, pairs, words

OPPOSITES = pairs(
    "hot: cold; big: small; fast: slow; happy: sad; up: down; open: closed; early: late; full: empty; rich: poor; "
    "strong: weak; young: old; day: night; black: white; high: low; wet: dry; true: false; win: lose; inside: "
    "outside; clean: dirty; thick: thin; loud: quiet; first: last; always: never; before: after; buy: sell; push: "
    "pull; heavy: light; deep: shallow; wide: narrow; sharp: blunt"
)
FURTHER_OPPOSITES = {
    "big": ("little",),
    "small": ("large",),
    "closed": ("opened",),
    "open": ("close", "shut"),
    "sad": ("cheerful",),
    "quiet": ("noisy",),
    "old": ("new",),
    "light": ("dark",),
    "happy": ("unhappy",),
    "loud": ("silent", "soft"),
    "sharp": ("dull",),
    "thin": ("fat",),
    "true": ("untrue",),
    "hot": ("cool",),
    "slow": ("quick",),
}
SYNONYMS = {
    "big": ("large", "huge", "great"),
    "small": ("little", "tiny"),
    "happy": ("glad", "cheerful", "joyful"),
    "sad": ("unhappy", "sorrowful"),
    "fast": ("quick", "rapid", "swift"),
    "begin": ("start", "commence"),
    "end": ("finish", "stop"),
    "smart": ("clever", "intelligent", "bright"),
    "angry": ("mad", "furious", "cross"),
    "rich": ("wealthy", "affluent"),
    "hard": ("difficult", "tough"),
    "shout": ("yell", "scream", "cry"),
    "buy": ("purchase",),
    "help": ("assist", "aid", "support"),
    "answer": ("reply", "response", "respond"),
    "gift": ("present",),
    "correct": ("right", "accurate"),
    "silent": ("quiet", "still"),
    "odd": ("strange", "weird", "peculiar"),
    "choose": ("pick", "select"),
    "repair": ("fix", "mend"),
    "build": ("construct", "make"),
    "brave": ("courageous", "bold"),
    "ill": ("sick", "unwell"),
}
PLURALS = {
    **{w: f"{w}s" for w in words("cat book tree car house apple river friend table pencil flower bird street door")},
    **{w: f"{w}es" for w in words("box bus glass dish fox watch church potato tomato brush")},
    **{w: f"{w[:-1]}ies" for w in words("baby city lady berry party story country family")},
    **pairs(
        "child: children; man: men; woman: women; foot: feet; tooth: teeth; mouse: mice; goose: geese; leaf: "
        "leaves; knife: knives; wolf: wolves; wife: wives; shelf: shelves"
    ),
}
PASTS = {
    **{w: f"{w}ed" for w in words("walk play look jump clean open ask help wash cook paint talk listen watch wait")},
    **pairs(
        "go: went; eat: ate; see: saw; take: took; give: gave; come: came; run: ran; write: wrote; drink: drank; "
        "sing: sang; swim: swam; buy: bought; think: thought; bring: brought; sleep: slept; find: found; make: "
        "made; drive: drove; speak: spoke"
    ),
}
COMPARATIVES = {
    **{w: f"{w}er" for w in words("tall small fast slow old young cold warm strong weak long short cheap clean")},
    **pairs(
        "big: bigger; hot: hotter; fat: fatter; thin: thinner; wet: wetter; sad: sadder; happy: happier; easy: "
        "easier; funny: funnier; heavy: heavier; good: better; bad: worse"
    ),
}
PARTS_OF_SPEECH = {
    "noun": words("table river mother kitchen window animal teacher bridge garden bottle island pencil"),
    "verb": words("eat write sing arrive speak forget bring learn choose listen decide carry"),
    "adjective": words("happy tall beautiful strong hungry careful lazy famous expensive tiny brave polite"),
}
PLAIN_WORDS = words(
    "garden window yellow orange planet silver bottle market bridge candle dragon engine forest guitar hammer island "
    "jacket kettle ladder mirror needle pencil rabbit saddle temple turtle violin walnut zebra castle desert"
)
RHYMES = (
    words("cat hat bat mat rat"),
    words("light night right fight kite"),
    words("day play say way tray"),
    words("tree bee sea key knee"),
    words("house mouse blouse"),
    words("ring king sing wing string"),
    words("cake lake snake bake"),
    words("moon spoon soon noon"),
    words("ball tall wall fall"),
    words("rose nose hose toes"),
)


def _opposite(rng: random.Random) -> Case:
    pair = rng.sample(rng.choice(tuple(OPPOSITES.items())), 2)
    return Case(pair[1], words={"word": pair[0]}, accepted=FURTHER_OPPOSITES.get(pair[0], ()))


def _synonym(rng: random.Random) -> Case:
    word = rng.choice(tuple(SYNONYMS))
    return Case(SYNONYMS[word][0], words={"word": word}, accepted=SYNONYMS[word])


def _looked_up(table: Mapping[str, str]) -> Callable[[random.Random], Case]:
    def draw(rng: random.Random) -> Case:
        word = rng.choice(tuple(table))
        return Case(table[word], words={"word": word})

    return draw


def _part_of_speech(rng: random.Random) -> Case:
    label = rng.choice(tuple(PARTS_OF_SPEECH))
    return Case(label, words={"word": rng.choice(PARTS_OF_SPEECH[label])})


def _upper(rng: random.Random) -> Case:
    words = " ".join(rng.sample(PLAIN_WORDS, rng.randint(1, 3)))
    return Case(words.upper(), data=words)


def _lower(rng: random.Random) -> Case:
    words = " ".join(rng.sample(PLAIN_WORDS, rng.randint(1, 3)))
    return Case(words, data=words.upper())


def _first_letter(rng: random.Random) -> Case:
    word = rng.choice(PLAIN_WORDS)
    return Case(word[0], words={"word": word})


def _count_letters(rng: random.Random) -> Case:
    word = rng.choice([w for w in {**PLURALS, **PASTS} if len(w) > 2])
    return Case(str(len(word)), words={"word": word})


def _rhyme(rng: random.Random) -> Case:
    group, *others = rng.sample(RHYMES, 3)
    word, rhyme = rng.sample(group, 2)
    choices = [rhyme, *(rng.choice(other) for other in others)]
    rng.shuffle(choices)
    return Case(rhyme, data=", ".join(choices), words={"word": word})


FAMILIES: tuple[Family, ...] = (
    family(
        "opposite",
        "words",
        "word",
        (
            "What is the opposite of {word}?",
            "Give an antonym for '{word}'.",
            "Name a word that means the contrary of {word}.",
            "Turn {word} into its opposite.",
            "If something is not {word}, what is it instead?",
            "Which term contrasts with {word}?",
        ),
        _opposite,
        match="any_of",
    ),
    family(
        "synonym",
        "words",
        "word",
        (
            "Give a synonym for '{word}'.",
            "What is another word for {word}?",
            "Name a term that means the same as {word}.",
            "Replace {word} by a word of equal meaning.",
            "Which word could stand instead of {word}?",
        ),
        _synonym,
        match="any_of",
    ),
    family(
        "plural",
        "words",
        "word",
        (
            "What is the plural of {word}?",
            "Write '{word}' in the plural form.",
            "One {word}, two what?",
            "How do we call more than one {word}?",
            "Change the noun {word} from singular to plural.",
        ),
        _looked_up(PLURALS),
    ),
    family(
        "past_tense",
        "words",
        "word",
        (
            "What is the past tense of {word}?",
            "Put the verb '{word}' into the simple past.",
            "Today I {word}; which verb form do I use for yesterday?",
            "Conjugate {word} for something that happened last week.",
            "Which form of {word} follows after 'yesterday she'?",
        ),
        _looked_up(PASTS),
    ),
    family(
        "comparative",
        "words",
        "word",
        (
            "What is the comparative of {word}?",
            "Complete the row with one word: {word}, ..., and the superlative.",
            "Which form of {word} do we use before 'than'?",
            "Raise the adjective '{word}' by one degree.",
            "This is {word}, but that is even more so; which single word says it?",
        ),
        _looked_up(COMPARATIVES),
    ),
    family(
        "part_of_speech",
        "words",
        "label",
        (
            "Is '{word}' a noun, a verb or an adjective?",
            "Name the part of speech of {word}: noun, verb or adjective.",
            "To which word class belongs {word}, adjective, noun or verb?",
            "Label the word {word} as verb, noun or adjective.",
            "Decide whether {word} is adjective, verb or noun.",
        ),
        _part_of_speech,
        labels=tuple(PARTS_OF_SPEECH),
    ),
    family(
        "uppercase",
        "words",
        "text",
        (
            "Write these words in capital letters.",
            "Convert the text to upper case.",
            "Make every letter a capital.",
            "How does the following look in all caps?",
            "Type this as if the shift key were stuck.",
        ),
        _upper,
        case_matters=True,
    ),
    family(
        "lowercase",
        "words",
        "text",
        (
            "Write these words in small letters.",
            "Convert the text to lower case.",
            "Remove all capitals from this line.",
            "How does the following look without any capital letter?",
            "Somebody left caps lock on; undo it.",
        ),
        _lower,
        case_matters=True,
    ),
    family(
        "first_letter",
        "words",
        "piece",
        (
            "What is the first letter of {word}?",
            "With which letter does the word '{word}' begin?",
            "Name the initial of {word}.",
            "Give the letter at the start of {word}.",
            "Under which letter would you look up {word} in a dictionary?",
        ),
        _first_letter,
    ),
    family(
        "count_letters",
        "words",
        "number",
        (
            "How many letters does {word} have?",
            "Count the letters in the word '{word}'.",
            "What is the length of {word} in letters?",
            "State how many characters it takes to type {word}.",
            "If I spell {word}, how many letters do I say?",
        ),
        _count_letters,
        match="number",
    ),
    family(
        "rhyme",
        "words",
        "word",
        (
            "Which of these words rhymes with {word}?",
            "Find the rhyme for '{word}' below.",
            "A line of my poem ends with {word}; pick the rhyming word.",
            "Choose the word that sounds like {word} at its end.",
            "Among {data}, which one rhymes with {word}?",
        ),
        _rhyme,
    ),
)
