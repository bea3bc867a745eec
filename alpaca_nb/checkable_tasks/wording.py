"""Many natural ways to ask for the same thing.

The novelty filter compares instructions alone, so a family with five fixed sentences would run dry after five rows.
An instruction is therefore composed of up to four parts, each drawn on its own:

    [a sentence of context] [a polite opening] the question itself [what the reply should look like]

and the material stands sometimes in the input, sometimes inside the instruction, as people write it.
None of the sentences holds a word that the generation filters refuse (image, graph, file, map, draw, plot, …).
"""

import random
from collections.abc import Mapping

CONTEXT_PROBABILITY = 0.35
POLITE_PROBABILITY = 0.35
REPLY_PROBABILITY = 0.4
DATA_IN_INSTRUCTION_PROBABILITY = 0.3

CONTEXTS = (
    "I am making a short quiz for friends.",
    "This is for a worksheet in class.",
    "My daughter asked me this at breakfast.",
    "We are playing a guessing game.",
    "I have only a minute before the bus comes.",
    "My boss wants a quick reply.",
    "A colleague needs this today.",
    "I want to be sure about this one.",
    "Here is a small puzzle for you.",
    "I am writing a test for beginners.",
    "I am helping a neighbour with some forms.",
    "It is late and my head is tired.",
    "I am preparing for an exam next week.",
    "Two of my friends disagree about this.",
    "I could not find it in my notes.",
    "Let us warm up with something easy.",
    "Imagine you are a patient tutor.",
    "You are a careful assistant.",
    "The next question is part of a contest.",
    "My grandmother would like to know.",
    "I keep getting this wrong.",
    "We need it for the school newsletter.",
    "Act as a helpful clerk.",
    "This came up during lunch.",
)
TOPIC_CONTEXTS = {
    "numbers": (
        "I left my calculator at home.",
        "I am doing the accounts of our club.",
        "The numbers come from my notebook.",
        "Check your arithmetic carefully.",
        "We practise mental arithmetic every morning.",
        "I am adding up points after a card game.",
    ),
    "units": (
        "I am packing for a long trip.",
        "The recipe uses other units than mine.",
        "Our new form wants the other unit.",
        "I mix up units all the time.",
        "The delivery note has to be exact.",
        "We are measuring things around the house.",
    ),
    "lists": (
        "I am tidying up a list.",
        "Somebody typed this list in a hurry.",
        "The list will be printed on a card.",
        "I collected these while shopping.",
        "The entries are separated by commas.",
        "Work through the list slowly.",
    ),
    "extraction": (
        "I receive dozens of messages like this.",
        "We are filling in a table by hand.",
        "My address book is a mess.",
        "The text comes from a short note.",
        "Read the text closely.",
        "I only care about one detail.",
    ),
    "classification": (
        "I am putting things into two boxes.",
        "We are labelling examples together.",
        "Every item needs exactly one label.",
        "Trust your first impression.",
        "I am sorting my inbox.",
        "My class learns how to group things.",
    ),
    "words": (
        "I am learning English.",
        "I am stuck on a crossword.",
        "We are building our vocabulary.",
        "My spelling is not very good.",
        "English grammar confuses me.",
        "I am teaching a beginners' course.",
    ),
    "knowledge": (
        "There is a pub quiz tonight.",
        "I forgot what I learned at school.",
        "My flash cards are incomplete.",
        "We are learning facts about the world.",
        "An old encyclopedia would help here.",
        "General knowledge is not my strength.",
    ),
    "rewriting": (
        "I am cleaning up my notes.",
        "The text must follow our style rules.",
        "A computer will read the result.",
        "Change nothing else, please.",
        "Our editor is very strict.",
        "The form accepts only one format.",
    ),
    "dates": (
        "I am planning my year.",
        "My calendar fell off the wall.",
        "We are fixing a date for a meeting.",
        "Timetables make me nervous.",
        "I am writing a diary.",
        "Our history lesson begins soon.",
    ),
}
NOT_REQUESTS = (  # first words of sentences that tell first and request later: a polite opening does not fit them
    *("A", "An", "Formal", "It", "Must", "My", "One", "Somebody", "The", "There", "Three", "Today", "We", "Where"),
)
POLITE_REQUESTS = (  # an imperative without its full stop follows, in lower case
    "Please {ask}.",
    "Your task is to {ask}.",
    "I need you to {ask}.",
    "I would like you to {ask}.",
    "Kindly {ask}.",
    "Now {ask}.",
    "It would help me if you {ask}.",
    "Could you {ask}?",
    "Can you {ask}?",
    "Would you {ask} for me?",
    "Be so kind as to {ask}.",
    "Let me see you {ask}.",
)
POLITE_QUESTIONS = (  # a question follows, in lower case
    "Tell me: {ask}",
    "Quick question: {ask}",
    "I wonder, {ask}",
    "Just to be clear, {ask}",
    "Answer this: {ask}",
    "Here is my question: {ask}",
    "One more thing: {ask}",
    "So, {ask}",
)
REPLIES = {
    "number": (
        "Reply with the number only.",
        "Give just the number.",
        "Use digits.",
        "No explanation, only the figure.",
        "A bare number is enough.",
        "Write nothing but the result.",
        "Skip the steps in between.",
        "The answer should be a single number.",
    ),
    "word": (
        "Reply with one word.",
        "A single word is enough.",
        "Give only that word.",
        "No sentence, just the word.",
        "Keep it to one word.",
        "Do not explain your choice.",
        "Write nothing else.",
        "I expect a one-word answer.",
    ),
    "label": (
        "Answer with the label only.",
        "Give no reasons.",
        "Choose exactly one.",
        "Name the right option and stop.",
        "Reply with the option alone.",
        "Do not explain your choice.",
        "Only one of them fits.",
        "The label alone will do.",
    ),
    "name": (
        "The name alone is enough.",
        "Answer briefly.",
        "Give only the name.",
        "Do not write a full sentence.",
        "No further facts, please.",
        "Reply as shortly as you can.",
        "Just name it.",
        "Leave out any explanation.",
    ),
    "list": (
        "Separate the items with commas.",
        "Give only the finished list.",
        "Reply with a comma-separated list.",
        "Keep everything on one line.",
        "Use commas between the entries.",
        "No bullet points and no comments.",
        "Put all items in a single row.",
        "Return the list and nothing more.",
    ),
    "text": (
        "Return only the new text.",
        "Reply with the result alone.",
        "Do not add any comment.",
        "Write just the finished version.",
        "Nothing before it and nothing after it.",
        "Keep the rest as it is.",
        "Show me only the outcome.",
        "No explanation is needed.",
    ),
    "piece": (
        "Copy it exactly as written.",
        "Return nothing else from the text.",
        "Quote only that part.",
        "Leave the rest out.",
        "Do not change its spelling.",
        "Give me just that detail.",
        "Reply with it and nothing more.",
        "A whole sentence is not needed.",
    ),
    "yes or no": (
        "Answer yes or no.",
        "A plain yes or no is enough.",
        "Say only yes or no.",
        "Reply with yes or no and no reasons.",
        "I just want a yes or a no.",
        "Yes or no?",
    ),
}


def put_in_words(
    rng: random.Random,
    topic: str,
    reply: str,
    asks: tuple[str, ...],
    data: str,
    words: Mapping[str, str | int],
    *,
    quote: bool = False,
) -> tuple[str, str]:
    """Return (instruction, input) for one case; the input is empty where the material stands in the instruction."""
    ask = rng.choice(asks)
    shown = f'"{data}"' if quote else data
    inside = bool(data) and ("{data}" in ask or rng.random() < DATA_IN_INSTRUCTION_PROBABILITY)
    trailing = inside and "{data}" not in ask
    ask = ask.format(data=shown, **words)
    if rng.random() < POLITE_PROBABILITY:
        ask = _politely(rng, ask)
    parts = [ask]
    if rng.random() < CONTEXT_PROBABILITY:
        parts.insert(0, rng.choice(CONTEXTS + TOPIC_CONTEXTS[topic]))
    if rng.random() < REPLY_PROBABILITY:
        parts.append(rng.choice(REPLIES[reply]))
    if trailing:
        # "Sort the words below." followed by its material: the last full stop becomes a colon.
        parts[-1] = parts[-1][:-1] + ":" if parts[-1].endswith(".") else parts[-1]
        parts.append(shown)
    return " ".join(parts), "" if inside else data


def _politely(rng: random.Random, ask: str) -> str:
    lower = ask if ask.startswith("I ") else ask[0].lower() + ask[1:]
    if ask.endswith("."):
        if ask.split()[0] in NOT_REQUESTS:
            return ask
        return rng.choice(POLITE_REQUESTS).format(ask=lower[:-1])
    return rng.choice(POLITE_QUESTIONS).format(ask=lower)
