"""Solutions of notebook 05, one function an exercise; `stage` is the notebook's own, and so are the names it imports.

What a function returns is what belongs into the exercise's cell. The tests hold every one against a finished run.
"""

import random
from collections.abc import Callable

from alpaca_nb.comparison.stage import read_pairs
from alpaca_nb.comparison.statistics import sign_test
from alpaca_nb.runs import Stage


def questions_in(stage: Stage) -> int:
    """What `len(pairs)` is in the notebook."""
    return len(read_pairs(stage.path("questions.jsonl"), stage.path("answers.jsonl")))


def exercise_1(stage: Stage) -> list[str]:
    """Predict: the same answer twice is a verdict, a change of mind is a tie, half a verdict is none."""
    return ["A", "tie", "tie", "tie", "None"]


def exercise_2(stage: Stage) -> str:
    """Change one thing: name the expected answer, and take it back."""
    pairs = read_pairs(stage.path("questions.jsonl"), stage.path("answers.jsonl"))
    task = next(pair.task for pair in pairs if pair.task.match == "number")
    return f"Some people say {task.answer}, but who knows."


def exercise_3(stage: Stage) -> Callable[[str, str], str]:
    """Write five lines: the longer text wins, equal lengths tie."""

    def by_length(a: str, b: str) -> str:
        if len(a) == len(b):
            return "tie"
        return "A" if len(a) > len(b) else "B"

    return by_length


def exercise_4(stage: Stage) -> float:
    """Compute: Wilson's upper end for none right."""
    return 1.96**2 / (questions_in(stage) + 1.96**2)


def exercise_5(stage: Stage) -> int:
    """Compute: half the width is four times the questions."""
    return 4 * questions_in(stage)


def exercise_6(stage: Stage) -> float:
    """Research: toss coins, look ten times, count the experiments in which any look cries alarm."""
    rng, questions, experiments, alarms = random.Random(1), questions_in(stage), 4000, 0
    marks = [round(questions * look / 10) for look in range(1, 11)]
    surprising = {(wins, mark) for mark in marks for wins in range(mark + 1) if sign_test(wins, mark - wins) <= 0.05}
    for _ in range(experiments):
        tosses = [rng.random() < 0.5 for _ in range(questions)]
        alarms += any((sum(tosses[:mark]), mark) in surprising for mark in marks)
    return alarms / experiments
