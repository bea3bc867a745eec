"""Asking small local models: the next line of a plain list of instructions, then its answer as a chat message.

A model of some hundred million parameters cannot keep to numbered fields: of 68 tasks asked for in Alpaca's own format
SmolLM2-135M gave 8 that were new and well formed. It can carry on a list. So it is shown eight instructions and asked
for one line, as a plain completion that ends with the line; where the published rules let the instruction pass, it is
asked again, as a chat, for the answer. Of 24 such lines 24 passed the filters, and 24 were new (sampling temperature
0.7, `min_p` 0.05). What it writes shows how the pipeline works, not what good data is.

Item i asks request 2i for the instruction and, perhaps, request 2i + 1 for the answer.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from alpaca_nb import instruction_rules
from alpaca_nb.files import Json
from alpaca_nb.generation.filters import ALL_FILTERS
from alpaca_nb.generation.pieces import Parsed
from alpaca_nb.generation.prompt import choose_seeds
from alpaca_nb.generation.ways import Answers, sha256_of_seeds, short_sha256
from alpaca_nb.records import Candidate, Rejection, SeedTask
from alpaca_nb.teacher.answers import TeacherAnswer
from alpaca_nb.teacher.question import Question
from alpaca_nb.teacher.recorded import RecordedTeacher

LIST_REQUEST = "Come up with a series of diverse tasks for a text assistant:\n\n"
LINE_TOKENS = 60
LINE_TEMPERATURE, ANSWER_TEMPERATURE = 0.7, 0.5
SAMPLING: dict[str, Json] = {"min_p": 0.05}  # llama.cpp's name: no word below 5 % of the likeliest one's probability
POSITION = 1  # an item holds one task


@dataclass(frozen=True)
class PlainList:
    """One line, then its answer. `filters` decide which lines are worth an answer.

    `sampling` goes to llama.cpp's server; others refuse names that they do not know.
    """

    seeds: Sequence[SeedTask]
    seed: int
    seeds_per_request: int
    filters: Collection[str] = ALL_FILTERS
    sampling: Mapping[str, Json] = field(default_factory=dict)
    name: str = "list"
    new_tasks: int = 1
    requests_per_item: int = 2

    def configuration(self) -> dict[str, Json]:
        """The filters are not in it: they decide which requests are sent, never what a request asks."""
        return {
            "ask_for": self.name,
            "seed": self.seed,
            "seeds_per_request": self.seeds_per_request,
            "prompt_text": short_sha256(
                f"{LIST_REQUEST}{LINE_TOKENS}{LINE_TEMPERATURE}{ANSWER_TEMPERATURE}{dict(self.sampling)}"
            ),
            "seed_tasks": sha256_of_seeds(self.seeds),
        }

    def seeds_of(self, item: int) -> list[SeedTask]:
        """They depend on the item's number and the seed only."""
        return choose_seeds(self.seeds, self.seed, item, self.seeds_per_request)

    def questions(self, item: int) -> list[Question]:
        """The line, and an answer to an instruction as long as a line can be."""
        longest_line = "x" * LINE_TOKENS * 4
        return [self._line(item), _answer(longest_line)]

    async def ask(self, teacher: RecordedTeacher, item: int) -> Answers:
        """Whether the second request is sent follows from the first one's answer alone."""
        line = await teacher.answer(2 * item, self._line(item))
        if line.fault or line.finish_reason != "stop" or self._breaks_a_rule(line):
            return (line,)
        return line, await teacher.answer(2 * item + 1, _answer(line.text.strip()))

    def read(self, answers: Answers) -> Parsed:
        """One candidate; or one rejection, where the token limit cut the line or the answer."""
        line, place, span = answers[0], (answers[0].request_index, POSITION), (0, len(answers[0].text))
        texts = [answer.text.strip() for answer in answers]
        if any(answer.finish_reason != "stop" for answer in answers):
            return Parsed(line.text, (Rejection(*place, "cut_by_length", "\n\n".join(texts), "", *span),))
        return Parsed(line.text, (Candidate(*place, texts[0], "", "".join(texts[1:]), *span),))

    def _line(self, item: int) -> Question:
        lines = [f"{n}. {' '.join(task.instruction.split())}" for n, task in enumerate(self.seeds_of(item), start=1)]
        prompt = LIST_REQUEST + "\n".join([*lines, f"{len(lines) + 1}."])
        return Question(prompt, "completion", LINE_TOKENS, LINE_TEMPERATURE, ("\n",), extra=self.sampling or None)

    def _breaks_a_rule(self, line: TeacherAnswer) -> bool:
        return instruction_rules.reject_reason(line.text, self.filters) is not None


def _answer(instruction: str) -> Question:
    return Question(instruction, "chat", temperature=ANSWER_TEMPERATURE)
