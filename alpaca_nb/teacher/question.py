"""One question to a teacher: what is asked, and what its answer may look like, before any endpoint's own names for it.

Most questions are a prompt alone. Small local models want more: a completion instead of a chat, an end at a line's end,
a limit of their own. `request_body` turns a question into the body that this model's endpoint accepts.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from alpaca_nb.errors import TeacherError
from alpaca_nb.files import Json
from alpaca_nb.teacher.capabilities import is_openai
from alpaca_nb.teacher.settings import TeacherSettings

QuestionKind = Literal["chat", "completion"]
PATHS: dict[str, str] = {"chat": "/v1/chat/completions", "completion": "/v1/completions"}


@dataclass(frozen=True)
class Question:
    """What is asked; None means what the teacher's settings say."""

    prompt: str
    kind: QuestionKind | None = None  # "completion": /v1/completions, the model goes on where the prompt ends
    max_completion_tokens: int | None = None
    temperature: float | None = None
    stop: tuple[str, ...] = ()  # where the family knows no `stop`, the answer is cut there after it came
    schema: Mapping[str, Json] | None = None  # JSON schema of the answer; left out where the family knows none
    extra: Mapping[str, Json] | None = None  # names that are not OpenAI's own, such as llama.cpp's `min_p`

    def limit(self, settings: TeacherSettings) -> int:
        """The longest answer in tokens."""
        return settings.max_completion_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    def kind_for(self, settings: TeacherSettings) -> str:
        """The interface that is asked: `chat` or `completion`."""
        return self.kind or settings.api

    @property
    def billed_text(self) -> str:
        """All text that may be counted as input tokens: the prompt, and the schema where there is one."""
        return self.prompt if self.schema is None else self.prompt + json.dumps(self.schema)

    @property
    def sha256(self) -> str:
        """What tells this question from others, beside the settings: its prompt, and its schema where it has one."""
        return hashlib.sha256(self.billed_text.encode()).hexdigest()


def as_question(asked: "Question | str") -> Question:
    """A prompt alone is a question too."""
    return Question(asked) if isinstance(asked, str) else asked


def request_body(settings: TeacherSettings, question: Question) -> dict[str, Json]:
    """The JSON body of one request, with the parameter names that the model accepts.

    Raises `TeacherError` for a temperature that the model does not take.
    """
    accepts, limit = settings.capabilities, question.limit(settings)
    body: dict[str, Json] = {"model": settings.model}
    if question.kind_for(settings) == "completion":
        body |= {"prompt": question.prompt, "max_tokens": limit}
    else:
        body |= {"messages": [{"role": "user", "content": question.prompt}], accepts.limit_name: limit}
        if accepts.reasoning_effort:
            body["reasoning_effort"] = accepts.reasoning_effort
        if question.schema is not None and accepts.structured_output:
            schema: Json = {"name": "tasks", "strict": True, "schema": dict(question.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
    temperature = settings.temperature if question.temperature is None else question.temperature
    if accepts.any_temperature:
        body["temperature"] = temperature
    elif temperature != 1:
        raise TeacherError(f"{settings.model} accepts no temperature but 1.0; set temperature to 1.0")
    if question.stop and accepts.stop:
        body["stop"] = list(question.stop)
    if settings.tier == "flex":
        body["service_tier"] = settings.service_tier
    elif settings.tier == "standard" and is_openai(settings.base_url) and "messages" in body:
        body["service_tier"] = "default"  # else the project's own setting holds, which may be a dearer tier
    return {**body, **(question.extra or {})}
