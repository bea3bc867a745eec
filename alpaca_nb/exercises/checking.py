"""`exercises.check("01.2", my_answer)`: find the check of an exercise, apply it, print what it says.

An exercise that is not answered yet costs nothing: its check is not even loaded, so an untouched notebook runs as if
the exercises were not there.
"""

import importlib
import textwrap

from alpaca_nb.exercises.answers import Check, Feedback, NotAnAnswer, is_open, wrong
from alpaca_nb.runs import Stage

ROOMS = {  # the notebook's number → the file here that holds its checks
    "01": "seed_tasks",
    "02": "generation",
    "03": "finetuning",
    "04": "inference",
    "05": "comparison",
    "06": "costs",
}
NOT_ANSWERED = "not answered yet"
_VERDICTS = {"right": "right.", "wrong": "not yet.", "open": ""}
_WIDTH = 110  # characters of a printed line; a browser window at 200 % breaks longer ones itself


class Exercises:
    """The exercises of one notebook, checked against the run of its `stage`."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def check(self, number: str, answer: object) -> None:
        """Print what the check of exercise `number` says to `answer`; a wrong answer is explained, not raised."""
        said = self.feedback(number, answer)
        print(textwrap.fill(" ".join(f"Exercise {number}: {_VERDICTS[said.status]} {said.text}".split()), _WIDTH))

    def feedback(self, number: str, answer: object) -> Feedback:
        """What `check` prints. Raises `ValueError` for an unknown number, `InputFileError` for what the run lacks."""
        if is_open(answer):
            return Feedback("open", NOT_ANSWERED)
        try:
            return check_of(number)(answer, self.stage)
        except NotAnAnswer as reason:
            return wrong(str(reason))


def check_of(number: str) -> Check:
    """The check of an exercise, such as "01.2". Raises `ValueError` for a number that is none."""
    checks = checks_of(number[:2])
    if number not in checks:
        raise ValueError(f"there is no exercise {number!r}; notebook {number[:2]} has {', '.join(checks) or 'none'}")
    return checks[number]


def checks_of(notebook: str) -> dict[str, Check]:
    """All checks of a notebook ("01"), by the exercise's number; empty where it has none."""
    if notebook not in ROOMS:
        return {}
    checks: dict[str, Check] = importlib.import_module(f"alpaca_nb.exercises.{ROOMS[notebook]}").CHECKS
    return checks
