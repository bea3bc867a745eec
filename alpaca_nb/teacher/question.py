"""One question to a teacher: what is asked, and what its answer may look like, before any endpoint's own names for it.

Most questions are a prompt alone. Small local models want more: a completion instead of a chat, an end at a line's end,
a limit of their own. `request_body` turns a question into the body that this model's endpoint accepts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from alpaca_nb.files import Json
from alpaca_nb.teacher.settings import TeacherSettings, chat_request

QuestionKind = Literal["chat", "completion"]


@dataclass(frozen=True)
class Question:
    """What is asked; None means what the teacher's settings say."""

    prompt: str
    kind: QuestionKind = "chat"  # "completion": /v1/completions, the model goes on where the prompt ends
    max_completion_tokens: int | None = None
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Json] | None = None  # JSON schema that the answer must fit; chat only
    extra: Mapping[str, Json] | None = None  # names that are not OpenAI's own, such as llama.cpp's `min_p`

    def limit(self, settings: TeacherSettings) -> int:
        """The longest answer in tokens."""
        return settings.max_completion_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    @property
    def billed_text(self) -> str:
        """All text that may be counted as input tokens: the prompt, and the schema where there is one."""
        return self.prompt if self.schema is None else self.prompt + json.dumps(self.schema)


def as_question(asked: "Question | str") -> Question:
    """A prompt alone is a question too."""
    return Question(asked) if isinstance(asked, str) else asked


def request_body(settings: TeacherSettings, question: Question) -> dict[str, Json]:
    """The body of one request, with the parameter names that the model accepts."""
    body = chat_request(settings, question.prompt)
    limit = question.limit(settings)
    if question.kind == "completion":
        body = {"model": settings.model, "prompt": question.prompt, "max_tokens": limit}
        body["temperature"] = settings.temperature
    else:
        body["max_completion_tokens" if "max_completion_tokens" in body else "max_tokens"] = limit
    if question.temperature is not None:
        body["temperature"] = question.temperature
    if question.stop:
        body["stop"] = list(question.stop)
    if question.schema is not None:
        schema: Json = {"name": "tasks", "strict": True, "schema": dict(question.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if question.extra:
        body["extra_body"] = dict(question.extra)
    return body
