"""Stanford Alpaca's generator as published, faults included.

Source: generate_instruction.py and utils.py, tatsu-lab/stanford_alpaca @ 761dc5b. It reads a prompt whose requirements
are numbered 1, 2, 3, 2, 3, …; shows three seeds as items 1 to 3; asks a completion model at temperature 1 for at most
3,072 tokens; and stops it at `20.` or at a line that begins with 20. So item 20 never comes, at most 16 are new, and a
sentence that ends in "2020." ends the whole answer: what stands before it is kept as if it were complete, for only the
token limit is told apart. Where an endpoint takes no stop texts, the answer is cut here instead, so what is read is the
same; only the tokens behind the cut are paid for.

What is not the same: the original sends five prompts in one request and looks at their tasks in that order, ours sends
each by itself and looks at them in the same order; it ends with the last task of a request, ours with the last row
wanted; and it draws its seeds without a seed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from alpaca_nb.errors import RecipeError, TeacherError
from alpaca_nb.files import Json
from alpaca_nb.generation.parse import parse_answer
from alpaca_nb.generation.pieces import Parsed
from alpaca_nb.generation.prompt import choose_seeds
from alpaca_nb.generation.published_files import PublishedFiles
from alpaca_nb.generation.ways import Answers
from alpaca_nb.records import SeedTask
from alpaca_nb.teacher.answers import TeacherAnswer
from alpaca_nb.teacher.question import Question, QuestionKind
from alpaca_nb.teacher.recorded import RecordedTeacher

SEEDS_PER_REQUEST, TASKS_PER_REQUEST = 3, 20
TEMPERATURE, MAX_TOKENS = 1.0, 3072
STOP_TEXTS = ("\n20", "20.", "20.")  # the published list, its repetition included
SHRINK, SHORTEST_LIMIT = 0.8, 64  # the answer's limit after the endpoint asked for a shorter prompt
_TOO_LONG = "reduce your prompt"
END_OF_TEXT_FORBIDDEN: dict[str, Json] = {"logit_bias": {"50256": -100}}  # a token of GPT-3's vocabulary
_GPT3 = ("text-davinci", "davinci", "curie", "babbage", "ada")


@dataclass(frozen=True)
class Published:
    """The published way; its numbers cannot be chosen."""

    published: PublishedFiles
    seed: int
    kind: QuestionKind | None  # None: as the teacher's settings say
    model: str
    name: str = "published"
    requests_per_item: int = 1

    @property
    def new_tasks(self) -> int:
        """Items 4 to 19."""
        return TASKS_PER_REQUEST - 1 - SEEDS_PER_REQUEST

    @property
    def seeds(self) -> Sequence[SeedTask]:
        """The published ones."""
        return self.published.seeds

    def configuration(self) -> dict[str, Json]:
        """Prompt and seeds are known by their checked files."""
        return {"ask_for": self.name, "seed": self.seed, "endpoint": self.kind}

    def seeds_of(self, item: int) -> list[SeedTask]:
        """Three, drawn as in the other ways."""
        return choose_seeds(self.published.seeds, self.seed, item, SEEDS_PER_REQUEST)

    def questions(self, item: int) -> list[Question]:
        """One request with the published settings."""
        return [self._request(published_prompt(self.published.prompt, self.seeds_of(item)), MAX_TOKENS)]

    async def ask(self, teacher: RecordedTeacher, item: int) -> Answers:
        """Like the original, ask again with a lower limit where the endpoint finds prompt and limit too long."""
        prompt, limit = published_prompt(self.published.prompt, self.seeds_of(item)), MAX_TOKENS
        while True:
            try:
                return (await teacher.answer(item, self._request(prompt, limit)),)
            except TeacherError as error:
                if _TOO_LONG not in str(error).lower() or limit < SHORTEST_LIMIT:
                    raise
                limit = int(limit * SHRINK)

    def read(self, answers: Answers) -> Parsed:
        """The published parser, behind the published stop texts."""
        answer = cut_at_stops(answers[0])
        return parse_answer(
            answer.text,
            request_index=answer.request_index,
            first_position=SEEDS_PER_REQUEST + 1,
            finish_reason=answer.finish_reason,
            protocol="stanford",
        )

    def _request(self, prompt: str, limit: int) -> Question:
        extra = END_OF_TEXT_FORBIDDEN if self.model.startswith(_GPT3) else None
        return Question(prompt, self.kind, limit, TEMPERATURE, STOP_TEXTS, extra=extra)


def published_prompt(head: str, tasks: Sequence[SeedTask]) -> str:
    """The published prompt with its seeds: three lines an item, `###` before each, and the beginning of the next."""
    items = []
    for number, task in enumerate(tasks, start=1):
        instruction = re.sub(r"\s+", " ", task.instruction).strip().rstrip(":")
        given, output = task.instances[0].input or "<noinput>", task.instances[0].output
        items.append(f"{number}. Instruction: {instruction}\n{number}. Input:\n{given}\n{number}. Output:\n{output}\n")
    return f"{head}\n" + "".join(f"###\n{item}" for item in [*items, f"{len(items) + 1}. Instruction:"])


def cut_at_stops(answer: TeacherAnswer) -> TeacherAnswer:
    """The answer as an endpoint with the published stop texts would give it: what follows the first of them is gone."""
    places = [place for stop in STOP_TEXTS if (place := answer.text.find(stop)) >= 0]
    if answer.fault or not places:
        return answer
    return replace(answer, text=answer.text[: min(places)], finish_reason="stop")


def check_published(seeds_per_request: int, tasks_per_request: int, temperature: float, max_tokens: int) -> None:
    """Raise `RecipeError` for a value that the published generator does not have."""
    fixed = {
        "seeds_per_request": (seeds_per_request, SEEDS_PER_REQUEST),
        "tasks_per_request": (tasks_per_request, TASKS_PER_REQUEST),
        "temperature": (temperature, TEMPERATURE),
        "max_completion_tokens": (max_tokens, MAX_TOKENS),
    }
    for name, (value, published) in fixed.items():
        if value != published:
            raise RecipeError(f"{name} is {value}, but protocol stanford is the published generator, with {published}")
