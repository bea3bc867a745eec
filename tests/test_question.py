"""A question becomes a request body: chat or completion, with its own limit, stops, schema, and names of llama.cpp."""

import asyncio
from dataclasses import replace
from pathlib import Path

from stub_endpoint import completion, plain_completion, stub_endpoint

from alpaca_nb.prices import Price
from alpaca_nb.teacher.budget import Budget
from alpaca_nb.teacher.question import Question, request_body
from alpaca_nb.teacher.recorded import open_teacher
from alpaca_nb.teacher.settings import TeacherSettings

SCHEMA = {"type": "object", "properties": {"tasks": {"type": "array"}}}


def settings_for(base_url: str, model: str = "stub-1") -> TeacherSettings:
    return TeacherSettings(base_url, model, 1.0, 300, 5.0, 17, first_wait_seconds=0.001)


def test_a_prompt_alone_is_a_chat_with_the_limit_under_the_right_name() -> None:
    messages = [{"role": "user", "content": "Hello"}]
    for base_url, model, limit in (
        ("https://api.openai.com/v1", "gpt-6-luna", "max_completion_tokens"),
        ("https://api.openai.com/v1", "some-new-model", "max_completion_tokens"),
        ("http://127.0.0.1:1/v1", "some-model", "max_tokens"),
    ):
        body = request_body(settings_for(base_url, model), Question("Hello"))
        assert body["messages"] == messages and body[limit] == 300
        assert len({"max_tokens", "max_completion_tokens"} & set(body)) == 1


def test_openai_is_told_the_tier_whose_price_is_booked_and_others_are_not() -> None:
    openai, here = (settings_for(url, "gpt-6-luna") for url in ("https://api.openai.com/v1", "http://127.0.0.1:1/v1"))
    for settings, tier in ((openai, "default"), (replace(openai, service_tier="flex"), "flex")):
        assert request_body(settings, Question("Hello"))["service_tier"] == tier
    for settings, kind in ((here, "chat"), (replace(openai, service_tier="batch"), "chat"), (openai, "completion")):
        assert "service_tier" not in request_body(settings, Question("Hello", kind))  # type: ignore[arg-type]


def test_both_kinds_go_to_their_own_address_and_share_the_ledger(tmp_path: Path) -> None:
    listed = Question("1. Do\n2.", "completion", 60, 0.7, ("\n",), extra={"min_p": 0.05})
    replies = [plain_completion(" Sing a song.", finish_reason="stop"), completion("La la.")]
    with stub_endpoint(lambda number, prompt: replies[number]) as stub:

        async def ask() -> list[str]:
            async with open_teacher(settings_for(stub.base_url), tmp_path / "ledger.jsonl", {}) as teacher:
                answers = [await teacher.answer(0, listed), await teacher.answer(1, Question("Sing.", temperature=0.5))]
                return [answer.text for answer in answers]

        assert asyncio.run(ask()) == asyncio.run(ask()) == [" Sing a song.", "La la."]
    assert stub.paths == ["/v1/completions", "/v1/chat/completions"]
    wanted = {"model": "stub-1", "prompt": "1. Do\n2.", "max_tokens": 60, "temperature": 0.7, "stop": ["\n"]}
    assert stub.requests[0] == wanted | {"min_p": 0.05}
    assert stub.requests[1]["temperature"] == 0.5 and stub.requests[1]["max_tokens"] == 300


def test_a_schema_is_asked_for_and_counted_as_input() -> None:
    settings, question = settings_for("https://api.openai.com/v1", "gpt-6-luna"), Question("Go", schema=SCHEMA)
    wanted = request_body(settings, question)["response_format"]
    assert isinstance(wanted, dict) and wanted["json_schema"] == {"name": "tasks", "strict": True, "schema": SCHEMA}
    budget = Budget(1.0, Price("x", 1.0, 0.0, "2026-01-01", "test"))
    assert budget.worst_case_usd(question.billed_text, 1) > budget.worst_case_usd("Go", 1)
