"""What each family of models is sent, and what a refusal tells the reader to do."""

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from openai.types.shared import ChatModel
from stub_endpoint import StubReply, completion, error, stub_endpoint

from alpaca_nb.errors import BudgetError, LedgerError, TeacherError
from alpaca_nb.prices import PRICES
from alpaca_nb.teacher.answers import read_answer
from alpaca_nb.teacher.capabilities import capabilities_of, check_not_shut_down
from alpaca_nb.teacher.question import Question, request_body
from alpaca_nb.teacher.recorded import open_teacher
from alpaca_nb.teacher.settings import TeacherSettings

OPENAI = "https://api.openai.com/v1"
LOCAL = "http://127.0.0.1:8000/v1"
TODAY = date(2026, 11, 22)


def settings_for(base_url: str, model: str, **changes: object) -> TeacherSettings:
    return replace(TeacherSettings(base_url, model, 1.0, 77, 1.0, 17, first_wait_seconds=0.001), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "limit", "effort", "temperature", "stop"),
    [
        ("gpt-6-luna", "max_completion_tokens", "none", 0.7, False),
        ("gpt-5.6-terra", "max_completion_tokens", "none", 0.7, False),
        ("gpt-6.2-sol", "max_completion_tokens", "low", None, False),
        ("gpt-5-mini", "max_completion_tokens", "minimal", None, False),
        ("gpt-4o-mini", "max_completion_tokens", None, 0.7, True),
        ("offline", "max_completion_tokens", None, 0.7, True),
        ("gpt-oss-20b", "max_tokens", None, 0.7, True),
        ("llama-3.2-3b", "max_tokens", None, 0.7, True),
    ],
)
def test_the_body_fits_the_family(
    model: str, limit: str, effort: str | None, temperature: float | None, stop: bool
) -> None:
    settings = settings_for(LOCAL, model, temperature=1.0 if temperature is None else temperature)
    body = request_body(settings, Question("hello", stop=("###",)))
    assert body[limit] == 77 and len({"max_tokens", "max_completion_tokens"} & set(body)) == 1
    assert (body.get("reasoning_effort"), body.get("temperature")) == (effort, temperature)
    assert ("stop" in body) is stop


def test_every_model_of_the_client_and_of_the_price_book_has_a_row() -> None:
    """A new version of the client names new models: this test says so."""
    names = {name for name in ChatModel.__args__ if "audio" not in name and "codex" not in name}
    names |= {row.model for row in PRICES} - {"davinci", "curie"}
    unknown = sorted(name for name in names if not capabilities_of(name).known)
    assert not [name for name in unknown if not name.startswith(("gpt-5.3", "o1", "o3"))], unknown


@pytest.mark.parametrize(
    ("model", "shutdown"),
    [
        ("gpt-4o-mini-2024-07-18", "2027-01-14"),
        ("gpt-4.1-nano", "2026-10-23"),
        ("gpt-4.1-mini", "2027-01-14"),
        ("gpt-5-nano", "2026-12-11"),
        ("gpt-5.4-nano", "2027-04-01"),
        ("gpt-5.4-mini", ""),
        ("gpt-6-luna", ""),
        ("text-davinci-003", "2024-01-04"),
    ],
)
def test_shutdown_dates_are_those_of_openais_page(model: str, shutdown: str) -> None:
    assert capabilities_of(model).shutdown == shutdown


def test_a_model_that_is_shut_down_is_refused_at_openai_only() -> None:
    with pytest.raises(TeacherError, match=r"was shut down on 2026-10-23.*gpt-6-luna"):
        check_not_shut_down("gpt-3.5-turbo", OPENAI, TODAY)
    assert check_not_shut_down("gpt-3.5-turbo", LOCAL, TODAY) == "", "a local server may call its model so"
    assert "2026-12-11, in 19 days" in check_not_shut_down("gpt-5-mini", OPENAI, TODAY)
    assert check_not_shut_down("gpt-6-luna", OPENAI, TODAY) == ""


def test_an_unknown_model_gets_the_form_of_its_host_or_of_the_model_named() -> None:
    assert capabilities_of("brand-new", OPENAI).limit_name == "max_completion_tokens"
    assert capabilities_of("brand-new", LOCAL).limit_name == "max_tokens"
    like_luna = request_body(settings_for(LOCAL, "brand-new", like="gpt-6-luna"), Question("hello"))
    assert like_luna["reasoning_effort"] == "none" and like_luna["model"] == "brand-new"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "gpt-4o", "max_completion_tokens": 20_000}, "at most 16384 tokens"),
        ({"api": "responses"}, "chat or completion"),
        ({"service_tier": "turbo"}, "must be flex or batch"),
        ({"model": "gpt-6.2-sol", "temperature": 0.7}, "no temperature but 1.0"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(TeacherError, match=words):
        settings_for(OPENAI, **{"model": "gpt-6-luna", **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["1", "a,b", "1,2,3", "-1,2", "nan,1", "inf,1"])
def test_a_price_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(BudgetError, match="two numbers are needed"):
        settings_for(OPENAI, "gpt-6-luna", price_usd_per_million=text)


def test_a_given_price_replaces_the_book() -> None:
    unknown = settings_for("https://example.org/v1", "brand-new")
    with pytest.raises(BudgetError, match="price_usd_per_million"):
        _ = unknown.price
    given = replace(unknown, price_usd_per_million="0.2,1.5").price
    assert (given.usd_per_million_input, given.usd_per_million_output, given.batch_factor) == (0.2, 1.5, 1.0)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (error(400, "Unsupported parameter: 'max_tokens' is not supported", "unsupported_parameter"), "teacher_like"),
        (error(400, "Unsupported value: 'temperature' does not support 0.7"), "Set temperature to 1.0"),
        (error(400, "This is not a chat model", "model_not_found"), "teacher_api to completion"),
        (error(404, "This is not a chat model and thus not supported"), "teacher_api to completion"),
        (error(400, "too long", "context_length_exceeded"), "Lower max_completion_tokens"),
        (error(400, "Invalid service_tier argument"), "Leave service_tier empty"),
        (error(500, "no", headers={"x-should-retry": "false"}), "of no use .HTTP 500"),
    ],
)
def test_the_first_request_to_an_unknown_model_goes_alone_and_its_refusal_is_explained(
    tmp_path: Path, fault: StubReply, words: str
) -> None:
    async def ask(base_url: str) -> None:
        async with open_teacher(settings_for(base_url, "brand-new"), tmp_path / "ledger.jsonl", {}) as teacher:
            tasks = [asyncio.create_task(teacher.answer(index, f"prompt {index}")) for index in range(8)]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in tasks[1:]:
                task.cancel()
            await tasks[0]

    with (
        stub_endpoint(lambda number, prompt: fault) as stub,
        pytest.raises(TeacherError, match=f"(?s){words}.*knows no model 'brand-new'"),
    ):
        asyncio.run(ask(stub.base_url))


def test_another_form_of_request_does_not_mix_in_but_another_tier_or_price_may(tmp_path: Path) -> None:
    async def opened(settings: TeacherSettings) -> None:
        async with open_teacher(settings, tmp_path / "ledger.jsonl", {}) as teacher:
            await teacher.answer(0, "hello")

    with stub_endpoint(lambda number, prompt: completion("yes")) as stub:
        first = settings_for(stub.base_url, "brand-new")
        for same in (first, replace(first, service_tier="flex"), replace(first, price_usd_per_million="1,2")):
            asyncio.run(opened(same))
        for other, words in (
            (replace(first, like="gpt-6-luna"), "teacher_like"),
            (replace(first, api="completion"), "api"),
        ):
            with pytest.raises(LedgerError, match=f"{words} was None and is now"):
                asyncio.run(opened(other))
    assert len(stub.requests) == 1
    assert (replace(first, service_tier="flex").request_seconds, first.request_seconds) == (900, 600)


def test_a_text_is_cut_at_its_stop_where_the_endpoint_ran_on() -> None:
    body = completion("one\n###\ntwo", finish_reason="length").body
    cut = read_answer(0, body, ("20.", "###"))
    assert (cut.text, cut.finish_reason) == ("one\n", "stop")
    assert read_answer(0, body, ("20.",)).finish_reason == "length"
    assert read_answer(0, body, ("one",)).fault == "empty_answer"
