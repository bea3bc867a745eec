"""What each family of models accepts in a request: one row a family, found by the beginning of the model's name.

Current OpenAI models refuse much of what the original sent: they want `max_completion_tokens`, another temperature than
1 only with reasoning switched off, and neither `stop` nor `logit_bias`. Hidden reasoning is billed as output and adds
nothing here, so each family is sent the least effort it takes. A model without a row gets the form that its host most
likely accepts, and its first request is sent alone (see `pace`).

Sources: OpenAI's model and deprecation pages as of November 2026; the docstring of `openai.types.shared.ChatModel` in
openai 3.54 (shutdown dates); genai-prices 0.2.3 (context lengths); litellm discussion 52347 (gpt-6.2).
"""

from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlsplit

from alpaca_nb.errors import TeacherError
from alpaca_nb.prices import OFFLINE_MODEL

SUCCESSOR = "gpt-6-luna"  # OpenAI's own replacement for the small models of before
SOON_DAYS = 60
_OPENAI_HOST = "api.openai.com"


@dataclass(frozen=True)
class Capabilities:
    """What a family accepts; the defaults are those of current OpenAI models with reasoning switched off."""

    family: str  # the model's name begins so; empty in the forms for unknown models
    limit_name: str = "max_completion_tokens"
    any_temperature: bool = True  # else 1.0 only, and the parameter is left out
    stop: bool = False
    logit_bias: bool = False
    reasoning_effort: str = ""  # what is sent; empty: the parameter is left out
    structured_output: bool = True  # `response_format` with a JSON schema
    context_tokens: int | None = 1_050_000  # None: not known
    longest_answer_tokens: int | None = 128_000
    shutdown: str = ""  # ISO date, where one is announced

    @property
    def known(self) -> bool:
        """Whether the kit knows the family."""
        return bool(self.family)


_Form = dict[str, str | int | bool | None]
_REASONS_NOT: _Form = {"reasoning_effort": "none"}
_THINKS_LITTLE: _Form = {"any_temperature": False}
_OLDER: _Form = {"stop": True, "logit_bias": True}  # chat models that do not reason
_SHORT: _Form = {"context_tokens": 16_385, "longest_answer_tokens": 4_096, "structured_output": False}


def _row(family: str, *forms: _Form, **more: str | int | bool | None) -> Capabilities:
    merged: _Form = {}
    for form in (*forms, more):
        merged |= form
    return replace(Capabilities(family), **merged)  # type: ignore[arg-type]


_ROWS = (
    _row("gpt-6.2-", _THINKS_LITTLE, reasoning_effort="low"),  # refuses "none" and "minimal"
    _row("gpt-6.1-", _REASONS_NOT),
    _row("gpt-6-", _REASONS_NOT),
    _row("gpt-5.6-", _REASONS_NOT),
    _row("gpt-5.5", _REASONS_NOT),
    _row("gpt-5.4", _REASONS_NOT, context_tokens=400_000),
    _row("gpt-5.4-nano", _REASONS_NOT, context_tokens=400_000, shutdown="2027-04-01"),
    _row("gpt-5.2", _REASONS_NOT, context_tokens=400_000),
    _row("gpt-5.1", _REASONS_NOT, context_tokens=400_000, shutdown="2027-04-01"),
    _row("gpt-5", _THINKS_LITTLE, reasoning_effort="minimal", context_tokens=400_000, shutdown="2026-12-11"),
    _row("o4-mini", _THINKS_LITTLE, reasoning_effort="low", context_tokens=200_000, shutdown="2026-10-23"),
    _row("o3", _THINKS_LITTLE, reasoning_effort="low", context_tokens=200_000, shutdown="2026-12-11"),
    _row("o3-mini", _THINKS_LITTLE, reasoning_effort="low", context_tokens=200_000, shutdown="2026-10-23"),
    _row("o1", _THINKS_LITTLE, reasoning_effort="low", context_tokens=200_000, shutdown="2026-10-23"),
    _row("gpt-4.1", _OLDER, context_tokens=1_047_576, longest_answer_tokens=32_768, shutdown="2027-01-14"),
    _row("gpt-4.1-nano", _OLDER, context_tokens=1_047_576, longest_answer_tokens=32_768, shutdown="2026-10-23"),
    _row("gpt-4o", _OLDER, context_tokens=128_000, longest_answer_tokens=16_384, shutdown="2027-01-14"),
    _row("gpt-4o-2024-05-13", _OLDER, context_tokens=128_000, longest_answer_tokens=4_096, shutdown="2026-10-23"),
    _row("chatgpt-4o", _OLDER, context_tokens=128_000, longest_answer_tokens=16_384, shutdown="2026-02-17"),
    _row("gpt-4-turbo", _OLDER, context_tokens=128_000, longest_answer_tokens=4_096, shutdown="2026-10-23"),
    _row("gpt-4", _OLDER, context_tokens=8_192, longest_answer_tokens=8_192, shutdown="2026-10-23"),
    _row("gpt-3.5-turbo", _OLDER, _SHORT, limit_name="max_tokens", shutdown="2026-10-23"),
    _row("gpt-3.5-turbo-instruct", _OLDER, _SHORT, limit_name="max_tokens", shutdown="2026-09-28"),
    _row("text-davinci-003", _OLDER, _SHORT, limit_name="max_tokens", context_tokens=4_097, shutdown="2024-01-04"),
    _row("gpt-oss", limit_name="max_tokens", stop=True, context_tokens=131_072, longest_answer_tokens=None),
    _row("smollm2", limit_name="max_tokens", stop=True, context_tokens=8_192, longest_answer_tokens=None),
    _row(OFFLINE_MODEL, stop=True, structured_output=False, context_tokens=None, longest_answer_tokens=None),
)
_UNKNOWN_AT_OPENAI = replace(Capabilities(""), any_temperature=False, context_tokens=None, longest_answer_tokens=None)
_UNKNOWN_ELSEWHERE = replace(
    _UNKNOWN_AT_OPENAI, limit_name="max_tokens", any_temperature=True, stop=True, structured_output=False
)


def capabilities_of(model: str, base_url: str = "") -> Capabilities:
    """The row whose name is the longest beginning of `model`, else the form for an unknown model at this host."""
    rows = [row for row in _ROWS if model.startswith(row.family)]
    if rows:
        return max(rows, key=lambda row: len(row.family))
    return _UNKNOWN_AT_OPENAI if is_openai(base_url) else _UNKNOWN_ELSEWHERE


def is_openai(base_url: str) -> bool:
    """Whether this is OpenAI's own endpoint: shutdown dates hold there, and the name of a model means that model."""
    return (urlsplit(base_url).hostname or "") == _OPENAI_HOST


def check_not_shut_down(model: str, base_url: str, today: date) -> str:
    """Raise `TeacherError` for a model that OpenAI has shut down; return a warning where it soon will, else ""."""
    shutdown = capabilities_of(model, base_url).shutdown
    if not shutdown or not is_openai(base_url):
        return ""
    days_left = (date.fromisoformat(shutdown) - today).days
    if days_left < 0:
        raise TeacherError(
            f"{model} was shut down on {shutdown}. Choose another teacher_model; OpenAI's replacement for its small "
            f"models is {SUCCESSOR}."
        )
    return f"{model} is to be shut down on {shutdown}, in {days_left} days." if days_left <= SOON_DAYS else ""
