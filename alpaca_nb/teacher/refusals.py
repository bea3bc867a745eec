"""An endpoint's refusal in words that say what to do: which parameter to change, or whom to ask.

Sorting follows the codes of OpenAI's error page; the codes of accounts without money are those collected in
agentao#283.
"""

import re
from collections.abc import Mapping

from alpaca_nb.teacher.settings import KEY_VARIABLE

_OUT_OF_MONEY = {
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
    "billing_not_active",
}
_NO_BATCH = re.compile(r"no (?:such )?batch\b", re.IGNORECASE)
_WORTH_RETRYING = {408, 409, 425, 429}  # and everything from 500
_ABOUT_PARAMETERS = {  # a word in the refusal → what helps
    "max_completion_tokens": "Set teacher_like to a model that takes the same form of request, for example gpt-oss.",
    "max_tokens": "Set teacher_like to a model that takes the same form of request, for example gpt-6-luna.",
    "temperature": "Set temperature to 1.0.",
    "reasoning_effort": "Set teacher_like to a model that takes the same form of request, for example gpt-4.1.",
    "service_tier": "Leave service_tier empty: this model has no such tier.",
    "response_format": "Set protocol to numbered: this model has no structured output.",
    "not a chat model": "Set teacher_api to completion.",
    "v1/responses": "This model has neither chat nor completions; choose another teacher_model.",
    "context_length": "Lower max_completion_tokens, tasks_per_request or seeds_per_request.",
    "context length": "Lower max_completion_tokens, tasks_per_request or seeds_per_request.",
    "stop": "Set teacher_like to a model that takes the same form of request, for example gpt-6-luna.",
}


def is_final(status: int, code: str, kind: str, headers: Mapping[str, str]) -> bool:
    """Whether asking again cannot help; `x-should-retry` overrides the status, but not an empty account."""
    if code in _OUT_OF_MONEY or kind in _OUT_OF_MONEY:
        return True
    if headers.get("x-should-retry", "") in ("true", "false"):
        return headers["x-should-retry"] == "false"
    return status not in _WORTH_RETRYING and status < 500


def explain(status: int, code: str, kind: str, words: str) -> str:
    """What is wrong and what helps; `words` are the endpoint's own, already without secrets."""
    if code in _OUT_OF_MONEY or kind in _OUT_OF_MONEY:
        return f"the account has no money or quota left: {words}. Top it up, then run again."
    if status in (401, 403):
        words = words.rstrip(".")
        return (
            f"the endpoint refuses the key (HTTP {status}): {words}. Check {KEY_VARIABLE} "
            f"(it is never sent to this machine itself: start a server here without a key)."
        )
    if code == "batch_not_found" or (status == 404 and _NO_BATCH.search(words)):
        return (
            f"the endpoint does not know this batch (HTTP 404): {words}. A server that was restarted forgets its "
            f"batches, as `alpaca-nb teacher` does; then its answers cannot come any more: use another --run-dir."
        )
    if status == 404 and "not a chat model" not in words:
        return f"no such model or address (HTTP 404): {words}. Check teacher_model and teacher_base_url."
    if status >= 500:
        return f"the endpoint says that asking again is of no use (HTTP {status}): {words}"
    help_ = next((text for word, text in _ABOUT_PARAMETERS.items() if word in words or word in code), "")
    return f"the endpoint does not accept the request (HTTP {status}): {words}{' ' + help_ if help_ else ''}"
