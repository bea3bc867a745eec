"""What each fault of the published generator costs, in rows and dollars, on answers that are recorded already.

A fault is a way of reading: a cut of the text, a parser, a choice of filters. Each is tried alone on the same answers,
then all together. A row that it keeps counts as spoilt where the whole answer, read with patience, holds no such task:
its output was cut, merged with the next task, empty or copied. Dollars are those of 52,002 good rows at this yield; the
tokens behind a cut are not paid for, since a stop text ends the teacher's writing. (The twice-used number 2 in the
published prompt cannot be tried so: it would need other answers.)
"""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from alpaca_nb.generation.filters import ALL_FILTERS, PUBLISHED_FILTERS
from alpaca_nb.generation.fold import fold
from alpaca_nb.generation.protocol import Protocol
from alpaca_nb.generation.published import cut_at_stops
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.generation.ways import Way
from alpaca_nb.prices import Price
from alpaca_nb.records import Candidate
from alpaca_nb.teacher.answers import TeacherAnswer

ALPACAS_ROWS = 52_002
_LAST_ITEM = re.compile(r"\n20\.\s*Instruction")
_STOP_IN_TEXT = re.compile(r"(?:20\.|\n20)(?!\.?\s*(?:Instruction|Input|Output):)")
BYTES_PER_TOKEN = 4.3  # of the published prompt; only where an endpoint counts no tokens


@dataclass(frozen=True)
class Fault:
    """One fault: what it does to an answer's text, and how the rest is read."""

    what: str
    cut: Callable[[TeacherAnswer], TeacherAnswer]
    protocol: Protocol = "repaired"
    filters: frozenset[str] = ALL_FILTERS


@dataclass(frozen=True)
class FaultCost:
    """What became of the same answers: `good` rows and `spoilt` ones, and dollars for Alpaca's number of good rows."""

    what: str
    good: int
    spoilt: int
    sample: str  # a spoilt row's end, empty where there is none
    usd: tuple[float, ...]  # at each price


def _whole(answer: TeacherAnswer) -> TeacherAnswer:
    return answer


def _before(pattern: re.Pattern[str], answer: TeacherAnswer) -> TeacherAnswer:
    found = pattern.search(answer.text)
    return answer if found is None else replace(answer, text=answer.text[: found.start()], finish_reason="stop")


FAULTS = (
    Fault("none of them: protocol repaired", _whole),
    Fault("item 20 never comes: its number is a stop text", lambda answer: _before(_LAST_ITEM, answer)),
    Fault("a sentence that ends in 20. ends the answer", lambda answer: _before(_STOP_IN_TEXT, answer)),
    Fault("tasks are counted by ### and must carry that number", _whole, "stanford", ALL_FILTERS),
    Fault("no rule looks at the output", _whole, "repaired", PUBLISHED_FILTERS),
    Fault("all of them: protocol stanford", cut_at_stops, "stanford", PUBLISHED_FILTERS),
)


def costs_of_faults(
    answers: Sequence[TeacherAnswer], way: Way, settings: GenerationSettings, prices: Sequence[Price]
) -> list[FaultCost]:
    """Try every fault on answers to numbered requests, read to their end."""
    read = partial(
        fold,
        wanted=sys.maxsize,
        first_position=settings.seeds_per_request + 1,
        threshold=settings.novelty_threshold,
    )
    seeds = [task.instruction for task in way.seeds]
    prompt_bytes = len(way.questions(0)[0].prompt.encode())
    whole = read(answers, [], threshold=1.0)  # near duplicates too
    sound = {_text(row.candidate) for row in whole.kept}
    found = []
    for fault in FAULTS:
        texts = [answer if answer.fault else fault.cut(answer) for answer in answers]
        folded = read(texts, seeds, protocol=fault.protocol, filters=fault.filters)
        spoilt = [row.candidate for row in folded.kept if _text(row.candidate) not in sound]
        good = len(folded.kept) - len(spoilt)
        tokens = [_tokens(answer, cut, prompt_bytes) for answer, cut in zip(answers, texts, strict=True)]
        sums = [round(sum(each) * ALPACAS_ROWS / max(good, 1)) for each in zip(*tokens, strict=True)]
        sample = f"… {spoilt[0].output[-60:]}" if spoilt else ""
        usd = tuple(float(price.usd(*sums)) for price in prices)
        found.append(FaultCost(fault.what, good, len(spoilt), sample, usd))
    return found


def _text(candidate: Candidate) -> tuple[int, str, str, str]:
    return candidate.request_index, candidate.instruction, candidate.input, candidate.output


def _tokens(answer: TeacherAnswer, cut: TeacherAnswer, prompt_bytes: int) -> tuple[float, float]:
    """Tokens in and out that the request takes where a stop text ends it at the cut."""
    share = len(cut.text) / max(len(answer.text), 1)
    if answer.usage is not None:
        return answer.usage.prompt_tokens, answer.usage.completion_tokens * share
    return prompt_bytes / BYTES_PER_TOKEN, len(answer.text.encode()) * share / BYTES_PER_TOKEN
