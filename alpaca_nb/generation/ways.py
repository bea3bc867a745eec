"""The ways of asking for tasks. A way knows what item 0, 1, 2, … of the work asks, and how its answers are read.

| way | one item is | `protocol` |
|---|---|---|
| numbered | one request for a numbered list, carried on by the teacher | numbered; repaired, with most models |
| structured | one request for JSON that must fit a schema | structured; repaired, with models known to keep to one |
| list | one line of a list of instructions, then its answer | list, for small local models (`plain_list`) |
| published | Stanford's own prompt, stop texts and numbering | stanford (`published`) |

What an item asks depends on its number, the seed and the answers to that very item, never on other answers. So items
may be asked in any order and at any concurrency, and recorded ones need not be asked again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

from alpaca_nb.files import Json
from alpaca_nb.generation.parse import parse_answer
from alpaca_nb.generation.pieces import Parsed
from alpaca_nb.generation.prompt import (
    REQUEST,
    STRUCTURED_REQUEST,
    TASKS_SCHEMA,
    choose_seeds,
    numbered_item,
    request_prompt,
    structured_prompt,
)
from alpaca_nb.records import SeedTask
from alpaca_nb.teacher.answers import TeacherAnswer
from alpaca_nb.teacher.question import Question
from alpaca_nb.teacher.recorded import RecordedTeacher

Answers = tuple[TeacherAnswer, ...]  # to one item, in the order of its requests


class Way(Interface):
    """What every way of asking offers."""

    @property
    def name(self) -> str:
        """As the table above says it."""

    @property
    def seeds(self) -> Sequence[SeedTask]:
        """The seed tasks; rows must not repeat them."""

    @property
    def new_tasks(self) -> int:
        """How many tasks one item can bring."""

    @property
    def requests_per_item(self) -> int:
        """Item i asks the requests from `i * requests_per_item` on."""

    def configuration(self) -> dict[str, Json]:
        """What decides the requests: answers to other requests must not get into the same ledger."""

    def seeds_of(self, item: int) -> list[SeedTask]:
        """The seed tasks that an item shows."""

    def questions(self, item: int) -> list[Question]:
        """What an item asks; a request that waits for another's answer stands here at its greatest length."""

    async def ask(self, teacher: RecordedTeacher, item: int) -> Answers:
        """Ask an item, or find its answers in the ledger."""

    def read(self, answers: Answers) -> Parsed:
        """Take an item's answers apart."""


@dataclass(frozen=True)
class Numbered:
    """One request for the rest of a numbered list. `tasks_per_request` counts the seeds that it shows as well."""

    seeds: Sequence[SeedTask]
    seed: int
    seeds_per_request: int
    tasks_per_request: int
    name: str = "numbered"
    requests_per_item: int = 1

    @property
    def new_tasks(self) -> int:
        """The list's length without the seeds."""
        return self.tasks_per_request - self.seeds_per_request

    def configuration(self) -> dict[str, Json]:
        """How answers are read is not in it, so another threshold or filter needs no new answers."""
        return {
            "ask_for": self.name,
            "seed": self.seed,
            "seeds_per_request": self.seeds_per_request,
            "tasks_per_request": self.tasks_per_request,
            "prompt_text": short_sha256(REQUEST if self.name == "numbered" else STRUCTURED_REQUEST),
            "seed_tasks": sha256_of_seeds(self.seeds),
        }

    def seeds_of(self, item: int) -> list[SeedTask]:
        """They depend on the item's number and the seed only."""
        return choose_seeds(self.seeds, self.seed, item, self.seeds_per_request)

    def questions(self, item: int) -> list[Question]:
        """One request."""
        return [Question(request_prompt(self.seeds_of(item), self.tasks_per_request))]

    async def ask(self, teacher: RecordedTeacher, item: int) -> Answers:
        """Request and item have the same number."""
        return (await teacher.answer(item, self.questions(item)[0]),)

    def read(self, answers: Answers) -> Parsed:
        """Numbered text, or JSON where the teacher preferred it."""
        return parse_answer(
            answers[0].text,
            request_index=answers[0].request_index,
            first_position=self.seeds_per_request + 1,
            finish_reason=answers[0].finish_reason,
        )


@dataclass(frozen=True)
class Structured(Numbered):
    """The same request, answered as JSON that fits a schema: no heading to forget, no separator to miscount."""

    name: str = "structured"

    def questions(self, item: int) -> list[Question]:
        """One request with its schema."""
        prompt = structured_prompt(self.seeds_of(item), self.tasks_per_request)
        return [Question(prompt, schema=TASKS_SCHEMA)]


def sha256_of_seeds(seeds: Sequence[SeedTask]) -> str:
    """A short hash of all that a prompt can show of the seeds."""
    return short_sha256("\n".join(f"{task.id}\n{numbered_item(1, task)}" for task in seeds))


def short_sha256(text: str) -> str:
    """The first 16 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
