"""Wrong answers that readers of notebook 05 are likely to give, and words of the explanation they must get."""

from typing import Any

from alpaca_nb.comparison.stage import read_pairs
from alpaca_nb.records import CheckableTask
from alpaca_nb.runs import Stage


def count(stage: Stage) -> int:
    return len(read_pairs(stage.run_dir / "questions.jsonl", stage.run_dir / "answers.jsonl"))


def number_task(stage: Stage) -> CheckableTask:
    pairs = read_pairs(stage.run_dir / "questions.jsonl", stage.run_dir / "answers.jsonl")
    return next(pair.task for pair in pairs if pair.task.match == "number")


SAID = ["A", "tie", "tie", "tie", "None"]
MISTAKES: dict[str, list[tuple[Any, str]]] = {
    "05.1": [
        (["tie", *SAID[1:]], "4 of 5 are right. Look at number 1: “A”, and then “B” of the swapped pair"),
        (["A", "A", *SAID[2:]], "the judge looked at the place"),
        ([*SAID[:3], "B", "None"], "the judge changed its mind"),
        ([*SAID[:4], "B"], "the pair is left out"),
        (SAID[:4], "5 items are asked for"),
    ],
    "05.2": [
        (lambda stage: number_task(stage).answer, "That is simply right"),
        (lambda stage: "I do not know.", "Lenient marking is not fooled"),
        (lambda stage: f"x{number_task(stage).answer}y", "Lenient marking is not fooled"),
        (54, "A text is asked for"),
    ],
    "05.3": [
        ((lambda a, b: "A" if len(a) < len(b) else "B" if len(b) < len(a) else "tie"), "prefers the shorter one"),
        ((lambda a, b: "A" if len(a) > len(b) else "B"), "That is a tie"),
        ((lambda a, b: max(a, b, key=len)), "not the text itself"),
        ((lambda a, b: len(a) > len(b)), "not True or False"),
        ((lambda a, b: ["B", "tie", "A"][(len(a.split()) > len(b.split())) - (len(a.split()) < len(b.split())) + 1]),
         "You count words"),
        ((lambda a, b: "a"), "cases are right. The first that is not"),
        ("A", "A function is asked for"),
    ],
    "05.4": [
        (0, "So says the bootstrap"),
        (lambda stage: 100 * 1.96**2 / (count(stage) + 1.96**2), "You give per cent"),
        (lambda stage: 3 / count(stage), "the rule of three"),
        (lambda stage: 1.96**2 / count(stage), "added to n below the line"),
        (0.5, "the middle of all shares"),
        (0.33, "is too high"),
    ],
    "05.5": [
        (lambda stage: 2 * count(stage), "by a factor of 1.41 only"),
        (lambda stage: 2**0.5 * count(stage), "Turned round"),
        (lambda stage: 3 * count(stage), "must be added"),
        (4, "how many is that in your run"),
    ],
    "05.6": [
        (0.05, "That is one look"),
        (1 - 0.95**10, "ten separate experiments"),
        (0.5, "do not add up"),
        (0.9, "is too high"),
        (0.01, "is too low"),
        (15, "A share between 0 and 1"),
    ],
}  # fmt: skip
