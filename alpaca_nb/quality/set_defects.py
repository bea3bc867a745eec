"""Defects between rows: duplicates inside a data set, and rows that an evaluation file already holds.

Each function takes all rows and returns `{row: what is at fault}`; of two equal rows the later one is named.
"""

from collections.abc import Callable, Iterator, Sequence

from alpaca_nb.records import Example
from alpaca_nb.similarity.rouge_l import rouge_l, words_of
from alpaca_nb.similarity.similar import Similar

SIMILAR = 0.7  # generation's threshold: a higher ROUGE-L means too similar
SHORTEST_RUN, LONG_RUN = 8, 13  # words in a row shared with an evaluation task: look at it; the same text
_AT_THE_END, _AROUND = ".,:;?!…", "\"'“”‘’«»"
_DASHES = str.maketrans("−–—", "---")


def exact_duplicate(rows: Sequence[Example]) -> dict[int, str]:
    """Same instruction, input and output, but for case, full stops and the like, and white space; signs count."""
    return {row: f"as row {first}" for row, first, same in _repeats(rows) if same}


def conflicting_duplicate(rows: Sequence[Example]) -> dict[int, str]:
    """Same instruction and input, another output."""
    return {row: f"as row {first}, with another output" for row, first, same in _repeats(rows) if not same}


def near_duplicate(rows: Sequence[Example], threshold: float = SIMILAR) -> dict[int, str]:
    """ROUGE-L of the instructions above the threshold, and inputs alike too; equal tasks are counted above."""
    similar = Similar([row.instruction for row in rows], threshold)
    repeated = {row for row, _, _ in _repeats(rows)}
    found = {}
    for index, row in enumerate(rows):
        if index in repeated:
            continue
        for earlier, score in similar.above(row.instruction, before=index):
            if _inputs_alike(row.input, rows[earlier].input, threshold):
                found[index] = f"row {earlier}, ROUGE-L {score:.2f}"
                break
    return found


SET_DEFECTS: tuple[Callable[[Sequence[Example]], dict[int, str]], ...] = (
    exact_duplicate,
    conflicting_duplicate,
    near_duplicate,
)


def eval_same_task(rows: Sequence[Example], evaluation: Sequence[Example]) -> dict[int, str]:
    """The instruction and input of an evaluation task, with the same leave."""
    tasks = {_task(row): number for number, row in reversed(list(enumerate(evaluation)))}
    return {index: f"evaluation task {tasks[_task(row)]}" for index, row in enumerate(rows) if _task(row) in tasks}


def eval_similar(rows: Sequence[Example], evaluation: Sequence[Example], threshold: float = SIMILAR) -> dict[int, str]:
    """ROUGE-L of the instruction with an evaluation task's above the threshold; the nearest one is named."""
    similar = Similar([row.instruction for row in evaluation], threshold)
    found = {}
    for index, row in enumerate(rows):
        nearest = max(similar.above(row.instruction), key=lambda pair: pair[1], default=None)
        if nearest:
            found[index] = f"evaluation task {nearest[0]}, ROUGE-L {nearest[1]:.2f}"
    return found


def eval_shared_words(
    rows: Sequence[Example], evaluation: Sequence[Example], shortest: int = SHORTEST_RUN
) -> dict[int, str]:
    """`shortest` or more words in a row that an evaluation task holds too, anywhere in it."""
    holders: dict[tuple[str, ...], int] = {}
    for number, task in enumerate(evaluation):
        for text in (task.instruction, task.input, task.output):
            for _, gram in _grams(text, shortest):
                holders.setdefault(gram, number)
    found = {}
    for index, row in enumerate(rows):
        runs = [run for text in (row.instruction, row.input, row.output) for run in _runs(text, holders, shortest)]
        if runs:
            length, number, words = max(runs, key=lambda run: run[0])
            found[index] = f"evaluation task {number}, {length} words: {words[:60]}"
    return found


EVAL_DEFECTS: tuple[Callable[[Sequence[Example], Sequence[Example]], dict[int, str]], ...] = (
    eval_same_task,
    eval_similar,
    eval_shared_words,
)


def normalised(text: str) -> str:
    """The text's words in lower case, without quotes and full stops; a text without words stands for itself.

    Signs stay, for 3 + 4 is not 3 - 4, -5 not 5, and C++ not C.
    """
    return " ".join(filter(None, map(_word, text.casefold().translate(_DASHES).split()))) or text.strip()


def _word(word: str) -> str:
    plain = word.strip(_AROUND).rstrip(_AT_THE_END + _AROUND)
    return f"{plain}!" if plain[-1:].isdigit() and word.startswith(f"{plain}!") else plain  # 5! is 120


def _task(row: Example) -> tuple[str, str]:
    return normalised(row.instruction), normalised(row.input)


def _repeats(rows: Sequence[Example]) -> Iterator[tuple[int, int, bool]]:
    """Yield (row, earlier row with the same task, whether an earlier one has the same output too)."""
    outputs: dict[tuple[str, str], dict[str, int]] = {}
    for index, row in enumerate(rows):
        seen = outputs.setdefault(_task(row), {})
        output = normalised(row.output)
        if seen:
            yield index, seen.get(output, next(iter(seen.values()))), output in seen
        seen.setdefault(output, index)


def _inputs_alike(a: str, b: str, threshold: float) -> bool:
    return normalised(a) == normalised(b) or rouge_l(a, b) > threshold


def _grams(text: str, length: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    words = words_of(text)
    for start in range(len(words) - length + 1):
        yield start, tuple(words[start : start + length])


def _runs(text: str, holders: dict[tuple[str, ...], int], shortest: int) -> Iterator[tuple[int, int, str]]:
    """Yield (length, evaluation task, words) of each unbroken run of shared grams."""
    begin, last, number = -1, -2, -1
    words = words_of(text)
    for start, gram in _grams(text, shortest):
        if gram not in holders:
            continue
        if start != last + 1:
            if begin >= 0:
                yield last + shortest - begin, number, " ".join(words[begin : last + shortest])
            begin, number = start, holders[gram]
        last = start
    if begin >= 0:
        yield last + shortest - begin, number, " ".join(words[begin : last + shortest])
