"""The record types that cross rooms: plain frozen dataclasses, one JSON object each.

`dataclasses.asdict(record)` is what goes to disk; the stage that reads a file back calls the class again.
"""

from dataclasses import dataclass
from typing import Literal

FinishReason = Literal["stop", "length", "content_filter"]
Measure = Literal["strict", "lenient", "model", "people", "published"]
MatchKind = Literal["exact", "number", "set", "any_of", "regex"]


@dataclass(frozen=True)
class Instance:
    """One input with its answer; `input` is empty where the instruction needs none."""

    input: str
    output: str


@dataclass(frozen=True)
class SeedTask:
    """A task written by a person, in the field's schema (self-instruct, `seed_tasks.jsonl`)."""

    id: str
    name: str
    instruction: str
    instances: tuple[Instance, ...]
    is_classification: bool


@dataclass(frozen=True)
class Example:
    """One row of an Alpaca-format data set."""

    instruction: str
    input: str
    output: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A task as parsed from a teacher's answer: `position` is its number in that answer's list.

    `start` and `end` are its place in the answer's text, in characters; `repairs` names the formal faults mended.
    """

    request_index: int
    position: int
    instruction: str
    input: str
    output: str
    start: int = 0
    end: int = 0
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rejection:
    """A candidate that was not kept: `reason` is a fixed word, `text` the raw text as received, `start` to `end` of it.

    Places count characters of the answer's text.
    """

    request_index: int
    position: int
    reason: str
    text: str
    detail: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Usage:
    """Tokens of one request as the endpoint counted them; the last three are parts of the first two."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0  # of the prompt: read from the endpoint's cache, at a lower price
    cache_write_tokens: int = 0  # of the prompt: put into that cache, which some models charge more for
    reasoning_tokens: int = 0  # of the completion: thought, paid for and never shown


@dataclass(frozen=True)
class CheckableTask:
    """A task whose answer code can check.

    `answer` is the reference answer as a good model would give it; `accepted` lists every short form that counts
    as right (for `match="set"`, the members; for `"regex"`, patterns, any of which the answer must fit). How the forms
    are compared is `checkable_tasks.marking`'s business.
    """

    id: str
    family: str
    instruction: str
    input: str
    answer: str
    accepted: tuple[str, ...]
    match: MatchKind
    labels: tuple[str, ...] = ()  # the closed set of answers, where there is one
    case_matters: bool = False  # capital letters are what the task is about
    material: str = ""  # what the task works on, wherever it stands: an answer that repeats it has not answered


@dataclass(frozen=True)
class EvaluationTask:
    """An open task of an evaluation set, with one answer a person would be content with (empty: none is known)."""

    id: str
    category: str
    instruction: str
    input: str
    reference: str = ""


@dataclass(frozen=True)
class Answer:
    """What one model said to one question."""

    question_id: str
    model: Literal["untuned", "tuned"]
    text: str
    new_tokens: int
    seconds: float  # of the batch this answer came from, divided by the batch's size
    finish_reason: FinishReason
    prompt_tokens: int = 0  # of the question in its template; 0 in files from before this was counted


@dataclass(frozen=True)
class Verdict:
    """One blind comparison: `shown_first` is the model whose answer stood on side A, `winner` a model's name or "tie".

    `measure` says who judged: code ("strict", "lenient": only these say who was right), a judge model ("model"),
    raters ("people"), or somebody else's file ("published").
    """

    question_id: str
    measure: Measure
    shown_first: str
    winner: str
    tuned_right: bool | None = None
    untuned_right: bool | None = None
    shown_second: str = ""
    said: tuple[str, ...] = ()  # what the judge named, "A", "B" or "tie", in the order asked
    reason: str = ""
    judge: str = ""  # a model's name, where that matters
    compared: str = ""  # SHA-256 (its beginning) of the task and both texts in the order shown
