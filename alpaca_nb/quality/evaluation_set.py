"""Keeping an evaluation out of training data: is this row one of its tasks, or does it hold a piece of one?

Three rules, each with a name. `eval_same_task`: the same instruction and input, but for case and full stops.
`eval_similar`: the instructions' ROUGE-L is above 0.7, the measure that decides what is new. `eval_shared_words`: a run
of words that an evaluation task holds too. How long a run must be follows GPT-3's decontamination (Brown et al.
2020, appendix C) and NVIDIA NeMo Curator's TaskDecontamination: as long as the task's own text, but from 8 to 13 words.
So a text of ten words is found whole, a longer one by any 13 of its words in a row, and no stock phrase counts.
"""

from collections.abc import Sequence
from pathlib import Path

from alpaca_nb.quality.reading import read_any
from alpaca_nb.quality.set_defects import LONG_RUN, SHORTEST_RUN, SIMILAR, normalised
from alpaca_nb.records import Example
from alpaca_nb.similarity.rouge_l import words_of
from alpaca_nb.similarity.similar import Similar

RULES = {
    "eval_same_task": "an evaluation task, word for word",
    "eval_similar": "nearly an evaluation task (ROUGE-L above 0.7)",
    "eval_shared_words": "8 to 13 words in a row shared with one",
}
_Gram = tuple[str, ...]


class EvaluationSet:
    """The tasks of an evaluation, ready to be searched; `find` says why a row must not be trained on."""

    def __init__(self, tasks: Sequence[Example], path: Path, threshold: float = SIMILAR) -> None:
        self.tasks, self.path = tasks, path
        self._same = {_key(task): number for number, task in reversed(list(enumerate(tasks)))}
        self._similar = Similar([task.instruction for task in tasks], threshold)
        self._grams: dict[int, dict[_Gram, int]] = {}  # length → words in a row → the first task that holds them
        for number, task in enumerate(tasks):
            for text in (task.instruction, task.input, task.output):
                words = words_of(text)
                length = min(len(words), LONG_RUN)
                if length >= SHORTEST_RUN:
                    grams = self._grams.setdefault(length, {})
                    for start in range(len(words) - length + 1):
                        grams.setdefault(tuple(words[start : start + length]), number)

    def find(self, row: Example) -> tuple[str, str] | None:
        """The rule that a row breaks, and with which task; None for a row that may be trained on."""
        if (number := self._same.get(_key(row))) is not None:
            return "eval_same_task", f"evaluation task {number}"
        nearest = max(self._similar.above(row.instruction), key=lambda pair: pair[1], default=None)
        if nearest is not None:
            return "eval_similar", f"evaluation task {nearest[0]}, ROUGE-L {nearest[1]:.3f}"
        return self._shared_words(row)

    def _shared_words(self, row: Example) -> tuple[str, str] | None:
        for words in map(words_of, (row.instruction, row.input, row.output)):
            for length in sorted(self._grams, reverse=True):
                grams = self._grams[length]
                for start in range(len(words) - length + 1):
                    if (number := grams.get(tuple(words[start : start + length]))) is not None:
                        found = " ".join(words[start : start + length])
                        return "eval_shared_words", f"evaluation task {number}, {length} words: {found}"
        return None


def open_evaluation(evaluation_path: str) -> EvaluationSet | None:
    """The evaluation that a parameter names, in any form that `read_any` reads; None where it is empty."""
    if not evaluation_path:
        return None
    path = Path(evaluation_path).expanduser()
    return EvaluationSet(read_any(path), path)


def _key(row: Example) -> tuple[str, str]:
    return normalised(row.instruction), normalised(row.input)
