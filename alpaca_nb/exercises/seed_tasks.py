"""Checks of notebook 01's exercises: the published rules at work, what seeds cost, and a seed task of one's own."""

import json
import re
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from alpaca_nb.exercises.answers import (
    Check,
    Feedback,
    NotAnAnswer,
    as_items,
    as_text,
    compare_function,
    compare_number,
    right,
    wrong,
)
from alpaca_nb.generation.prompt import numbered_item
from alpaca_nb.instruction_rules import FILTERED_WORDS, RULES, filtered_word, reject_reason
from alpaca_nb.quality.reading import rows_of_tasks
from alpaca_nb.quality.report import DEFECTS, inspect_rows
from alpaca_nb.records import SeedTask
from alpaca_nb.runs import Stage
from alpaca_nb.seed_tasks.load import load_seed_tasks, parse_seed_tasks
from alpaca_nb.seed_tasks.survey import soft_warnings
from alpaca_nb.similarity.rouge_l import rouge_l

REQUESTS, SEEDS_SHOWN, CHARACTERS_PER_TOKEN = 3250, 3, 4
NOVELTY_THRESHOLD = 0.7
MOST_SEEDS_LOST = 0.05  # of the run's seeds, by a rule that is meant to catch other tasks
PASSES = "passes"

PREDICT = (  # the notebook shows them in this order
    "Redraw the floor plan in words.",
    "Draw it.",
    "Write a programme for a school concert.",
    "Profile the customer in this letter.",
    "Translate “map” into Spanish.",
)
_WHY = (
    "“Redraw” holds the letters of “draw”, but the rule looks for whole words.",
    "Two rules strike here, and the first in the original's order is the one that is named.",
    "The fourth rule compares letters, not words: how do “program” and “programme” begin?",
    "“Profile” holds the letters of “file”, but the rule looks for whole words.",
    "A quotation mark ends a word as well as a space does, and no rule asks what the word is there for.",
)
_TRAPS: tuple[tuple[str, Sequence[str]], ...] = (
    ("Redraw the roadmap.", FILTERED_WORDS),
    ("Describe a photo, then profile its maker.", FILTERED_WORDS),
    ("Where does the river go to, according to this MAP?", FILTERED_WORDS),
    ("Say how to read a map.", FILTERED_WORDS),
    ("Compare the video with the picture.", FILTERED_WORDS),
    ("Sketch a chart of the photo.", ("photo", "chart")),
    ("Explain photosynthesis.", ("photo", "chart")),
)


def predict_the_rules(answer: object, stage: Stage) -> Feedback:
    """Five instructions, the first rule that each breaks."""
    said = [str(item).strip() for item in as_items(answer, len(PREDICT))]
    wanted = [reject_reason(text) or PASSES for text in PREDICT]
    missed = [number for number, pair in enumerate(zip(said, wanted, strict=True)) if pair[0] != pair[1]]
    if not missed:
        return right("Whole words, letters at the beginning, and the order of the rules: that is all the filter knows.")
    first = missed[0]
    if said[first] not in {PASSES, *RULES}:
        return wrong(f"{said[first]!r} is neither {PASSES!r} nor the name of a rule: {', '.join(RULES)}.")
    return wrong(f"{len(PREDICT) - len(missed)} of {len(PREDICT)} are right. Look at number {first + 1}: {_WHY[first]}")


def change_one_word(answer: object, stage: Stage) -> Feedback:
    """The run's third instruction with one word more or another, so that a good task is filtered out."""
    text, original = as_text(answer), _tasks(stage)[:3][-1].instruction
    changed = Levenshtein.distance(text.split(), original.split())
    if changed != 1:
        return wrong(f"{changed} words differ from the instruction of tasks[2]; change or add exactly one.")
    reason = reject_reason(text)
    if reason == "filtered_word":
        return right(f"“{filtered_word(text)}” is enough. A person would keep this task, and it was paid for.")
    if reason is not None:
        return wrong(f"This one is dropped as {reason}; the exercise asks for filtered_word.")
    hidden = [word for word in FILTERED_WORDS if word in text.lower()]
    if hidden:
        return wrong(f"It passes: the letters of “{hidden[0]}” are there, but only inside another word.")
    return wrong("It passes: none of the words of the list is in it.")


def price_of_the_seeds(answer: object, stage: Stage) -> Feedback:
    """Tokens that showing three seeds takes in 3,250 requests: 52,000 rows, were none of the 16 of a request lost."""
    tasks = _tasks(stage)
    item = sum(len(numbered_item(1, task)) for task in tasks) / len(tasks)
    instruction = sum(len(task.instruction) for task in tasks) / len(tasks)
    tokens = item * SEEDS_SHOWN * REQUESTS / CHARACTERS_PER_TOKEN
    return compare_number(
        answer,
        tokens,
        [
            (tokens / SEEDS_SHOWN, "That is one seed a request. Each request shows three."),
            (tokens * CHARACTERS_PER_TOKEN, "Those are characters. A token is about four of them."),
            (tokens * instruction / item, "You count the instructions. Input and output are shown, and paid for, too."),
            (tokens * 16, "That is a request for each row. One request brings 16."),
            (tokens / SEEDS_SHOWN * len(tasks), "That is the whole file in each request, which shows three seeds."),
            (item * SEEDS_SHOWN / CHARACTERS_PER_TOKEN, "That is one request. 52,000 rows take 3,250."),
        ],
        praise=f"{item:.0f} characters a seed: at $20 per million tokens (text-davinci-003), showing the seeds alone "
        f"costs ${tokens * 20e-6:.2f}. Seeds twice as long would cost twice that.",
        otherwise="Take the mean length of numbered_item over the run's tasks, and go on from there.",
        within=0.02,
    )  # fmt: skip


def find_the_word(answer: object, stage: Stage) -> Feedback:
    """A function (instruction, words) that finds the first whole word of a list, written by the reader."""
    cases = [*_TRAPS, *((task.instruction, FILTERED_WORDS) for task in _tasks(stage))]
    return compare_function(
        answer,
        cases,
        _first_word,
        [
            (lambda text, words: any(word in text.lower() for word in words), "Give the word, not True or False."),
            (
                lambda text, words: next((word for word in words if word in text.lower()), None),
                "“Redraw” is not “draw”: `in` finds letters inside other words. Look for whole words.",
            ),
            (
                lambda text, words: next((w for w in text.lower().split() if w in words), None),
                "split() leaves commas and full stops on the words, and “go to” is two words.",
            ),
            (
                lambda text, words: next((w for w in re.findall(r"[a-z]+", text.lower()) if w in words), None),
                "Nearly: “go to” is two words, and your function looks at one at a time.",
            ),
            (
                lambda text, words: next((w for w in words if re.search(rf"\b{w}\b", text.lower())), None),
                "Nearly: you give the word that comes first in the list; asked for is the first in the instruction.",
            ),
            (
                lambda text, words: (found := _pattern(words, 0).search(text)) and found.group(),
                "Capital letters: “MAP” is “map” as well.",
            ),
            (
                lambda text, words: (found := _pattern(words, re.IGNORECASE).search(text)) and found.group(),
                "Nearly: give the word in lower case, so that “MAP” and “map” can be counted together.",
            ),
        ],
        praise=f"The same as the kit's own on {len(cases)} instructions, those of your run among them.",
    )


def _first_word(text: str, words: Sequence[str]) -> str | None:
    found = _pattern(words, re.IGNORECASE).search(text)
    return found.group().lower() if found else None


def _pattern(words: Sequence[str], flags: int) -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(map(re.escape, words))})\b", flags)


def seed_of_ones_own(answer: object, stage: Stage) -> Feedback:
    """A seed task as a dictionary (or a line of JSON) that fits the run's file."""
    line = answer if isinstance(answer, str) else _as_line(answer)
    tasks = _tasks(stage)
    lines = stage.need("seed_tasks.jsonl", made_by="01_seed_tasks").read_text(encoding="utf-8").splitlines()
    good, problems = parse_seed_tasks([*lines, line])
    if problems:
        return wrong(f"The loader would stop: {problems[0].reason}.")
    if len(good) == len(tasks):
        return wrong("There is no task in it.")
    mine = good[-1]
    for warning in soft_warnings([mine]):
        return wrong(f"The file would load, with a warning: {warning.reason} {warning.detail}".rstrip() + ".")
    for finding in inspect_rows(rows_of_tasks([mine])).findings:
        return wrong(f"The report of known defects names it: {DEFECTS[finding.defect]} ({finding.detail}).")
    score, nearest = max((rouge_l(mine.instruction, task.instruction), task.instruction) for task in tasks)
    if score > NOVELTY_THRESHOLD:
        return wrong(f"It is too close to a seed that is there already (ROUGE-L {score:.2f}): {nearest}")
    return right(f"It fits. Its nearest neighbour has a ROUGE-L of {score:.2f}: {nearest} "
                 f"In a prompt it takes {len(numbered_item(1, mine))} characters.")  # fmt: skip


def _as_line(answer: object) -> str:
    try:
        return json.dumps(answer)
    except (TypeError, ValueError):
        raise NotAnAnswer("A dictionary of texts, lists, True and False is asked for; JSON cannot hold this.") from None


def gap_in_the_rules(answer: object, stage: Stage) -> Feedback:
    """An instruction that passes though a text model cannot follow it, and a word that would catch it."""
    text, word = map(as_text, as_items(answer, 2))
    if reason := reject_reason(text):
        return wrong(f"The rules catch it already: {reason}. Look for a task that they let pass.")
    if _first_word(text, [word]) is None:
        return wrong(f"A rule on the word {word!r} would not catch your instruction: it is not in it as a whole word.")
    tasks = _tasks(stage)
    lost = [task for task in tasks if _first_word(task.instruction, [word])]
    if len(lost) > MOST_SEEDS_LOST * len(tasks):
        samples = "; ".join(task.instruction for task in lost[:2])
        return wrong(f"A rule on it would drop {len(lost)} of the run's {len(tasks)} seeds as well, such as: {samples}")
    return right(f"The rules let it pass; your word would catch it, and {len(lost)} of the run's {len(tasks)} seeds. "
                 "Whether a text model could not do it after all, no rule can tell: ask your neighbour.")  # fmt: skip


def _tasks(stage: Stage) -> list[SeedTask]:
    return load_seed_tasks(stage.need("seed_tasks.jsonl", made_by="01_seed_tasks"))


CHECKS: dict[str, Check] = {
    "01.1": predict_the_rules,
    "01.2": change_one_word,
    "01.3": price_of_the_seeds,
    "01.4": find_the_word,
    "01.5": seed_of_ones_own,
    "01.6": gap_in_the_rules,
}
