"""Which teacher is asked, and how: the settings, their checks, and the request body for each family of models.

Sources: OpenAI's model pages as of November 2026. Current OpenAI models refuse `max_tokens`; models that reason
accept another temperature than 1 only with reasoning switched off, which some of them no longer allow.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from alpaca_nb.errors import TeacherError
from alpaca_nb.files import Json
from alpaca_nb.prices import OFFLINE_MODEL

KEY_VARIABLE = "OPENAI_API_KEY"
_OPENAI_FAMILIES = ("gpt-3", "gpt-4", "gpt-5", "gpt-6", "o1", "o3", "o4", "chatgpt")
_REASONING_CAN_BE_OFF = ("gpt-5.1", "gpt-5.4", "gpt-5.5", "gpt-5.6", "gpt-6-", "gpt-6.1")
_ALWAYS_REASONS = ("gpt-5", "gpt-6", "o1", "o3", "o4")  # where the line above does not apply


@dataclass(frozen=True)
class TeacherSettings:
    """One teacher. An empty `base_url` means the kit's own offline teacher, started for the time of asking."""

    base_url: str
    model: str
    temperature: float
    max_completion_tokens: int
    budget_usd: float
    seed: int  # of the offline teacher; other teachers promise no determinism
    timeout_seconds: float = 600.0  # for one whole request, from sending to the last byte
    max_attempts: int = 6
    first_wait_seconds: float = 0.5  # before the second attempt; doubles each time

    def __post_init__(self) -> None:
        check_address(self.base_url)
        check_address_for(self.model, self.base_url)
        if not 0 <= self.temperature <= 2:
            raise TeacherError(f"temperature is {self.temperature}; it must be between 0 and 2")
        if self.max_completion_tokens < 1:
            raise TeacherError(f"max_completion_tokens is {self.max_completion_tokens}; it must be at least 1")
        if self.budget_usd < 0:
            raise TeacherError(f"budget_usd is {self.budget_usd}; it must not be negative")
        if self.temperature != 1 and _always_reasons(self.model):
            raise TeacherError(f"{self.model} accepts no temperature but 1.0; set temperature to 1.0")


def chat_request(settings: TeacherSettings, prompt: str) -> dict[str, Json]:
    """The body of `/v1/chat/completions` for one prompt, with the parameter names this model accepts."""
    model = settings.model
    openai_model = model.startswith(_OPENAI_FAMILIES) and not model.startswith("gpt-oss")
    limit = "max_completion_tokens" if openai_model or model == OFFLINE_MODEL else "max_tokens"
    body: dict[str, Json] = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "temperature": settings.temperature,
        limit: settings.max_completion_tokens,
    }
    if model.startswith(_REASONING_CAN_BE_OFF):
        body["reasoning_effort"] = "none"  # hidden reasoning is billed as output and adds nothing here
    return body


def _always_reasons(model: str) -> bool:
    return model.startswith(_ALWAYS_REASONS) and not model.startswith(_REASONING_CAN_BE_OFF)


def check_address(base_url: str) -> None:
    """Raise `TeacherError` for an address that is none, or that holds a secret; empty means the offline teacher."""
    if not base_url:
        return
    parts = urlsplit(base_url)
    if parts.username or parts.password or parts.query:
        raise TeacherError(
            "teacher_base_url holds a user name, a password or a query; secrets must not stand in parameters. "
            f"Give the plain address and put the key into the environment variable {KEY_VARIABLE}."
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise TeacherError(f"teacher_base_url is {base_url!r}; an address such as https://api.openai.com/v1 is needed")


def check_address_for(model: str, base_url: str) -> None:
    """Raise `TeacherError` where a real model is named but no endpoint that has it."""
    if not base_url and model != OFFLINE_MODEL:
        raise TeacherError(
            f"teacher_model is {model!r}, but teacher_base_url is empty, which means the offline teacher. "
            f"Give the endpoint too (for OpenAI: https://api.openai.com/v1), or leave teacher_model at "
            f"{OFFLINE_MODEL!r}."
        )
