"""Asking over real HTTP: faults, retries, what is recorded and billed, and where the key must not be."""

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from stub_endpoint import Stub, StubReply, completion, error, stub_endpoint

from alpaca_nb.errors import BudgetError, LedgerError, TeacherError
from alpaca_nb.prices import Price
from alpaca_nb.records import Usage
from alpaca_nb.teacher.answers import TeacherAnswer, read_answer
from alpaca_nb.teacher.client import retry_after_seconds, scrub
from alpaca_nb.teacher.ledger import scan
from alpaca_nb.teacher.recorded import RecordedTeacher, open_teacher
from alpaca_nb.teacher.settings import TeacherSettings

KEY = "sk-canary-0123456789abcdefghij"
PRICE = Price("stub-1", 1.0, 2.0, "2026-01-01", "test")  # $1 and $2 per million: 100 in, 50 out = $0.0002


@pytest.fixture(autouse=True)
def canary_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def settings_for(stub: Stub, **changes: object) -> TeacherSettings:
    base = TeacherSettings(stub.base_url, "stub-1", 1.0, 100, 1.0, 17, first_wait_seconds=0.001, max_attempts=3)
    return replace(base, **changes)  # type: ignore[arg-type]


def ask(settings: TeacherSettings, ledger: Path, *indices: int) -> tuple[list[TeacherAnswer], RecordedTeacher]:
    async def run() -> tuple[list[TeacherAnswer], RecordedTeacher]:
        async with open_teacher(settings, ledger, {}, price=PRICE) as teacher:
            return [await teacher.answer(index, f"prompt {index}") for index in indices], teacher

    return asyncio.run(run())


def kinds(ledger: Path) -> list[object]:
    return [record["kind"] for record in scan(ledger.read_bytes(), "ledger").records]


def test_answers_are_recorded_and_never_asked_again(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with stub_endpoint(lambda number, prompt: completion(f"answer to {prompt}")) as stub:
        first, _ = ask(settings_for(stub), ledger, 0, 1)
        again, teacher = ask(settings_for(stub), ledger, 1, 0, 2)
        assert len(stub.requests) == 3
    assert [answer.text for answer in first] == ["answer to prompt 0", "answer to prompt 1"]
    assert [answer.text for answer in again] == ["answer to prompt 1", "answer to prompt 0", "answer to prompt 2"]
    assert (teacher.totals.answers, teacher.totals.prompt_tokens, teacher.totals.completion_tokens) == (3, 300, 150)


def test_a_loopback_endpoint_is_not_sent_the_real_key(tmp_path: Path) -> None:
    with stub_endpoint(lambda number, prompt: completion("yes")) as stub:
        ask(settings_for(stub), tmp_path / "ledger.jsonl", 0)
    assert stub.keys == ["Bearer none-needed"]


@pytest.mark.parametrize(
    "fault",
    [
        error(429, "slow down", headers={"Retry-After": "0"}),
        error(500, "oops"),
        error(503, "busy"),
        StubReply(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"}),
        StubReply(200, completion("never seen whole").body, cut_after=30),
    ],
    ids=["429", "500", "503", "502-html", "cut-body"],
)
def test_a_passing_fault_is_tried_again(tmp_path: Path, fault: StubReply) -> None:
    with stub_endpoint(lambda number, prompt: fault if number == 0 else completion("at last")) as stub:
        answers, _ = ask(settings_for(stub), tmp_path / "ledger.jsonl", 0)
    assert answers[0].text == "at last"
    assert len(stub.requests) == 2
    assert kinds(tmp_path / "ledger.jsonl") == ["header", "price", "sent", "failed", "sent", "answer"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (error(401, f"Incorrect API key provided: {KEY}."), "refuses the key"),
        (error(401, "Incorrect API key provided: sk-canar*****ghij."), "OPENAI_API_KEY"),
        (error(403, "not in your country"), "HTTP 403"),
        (error(404, "The model `stub-1` does not exist"), "teacher_model"),
        (error(400, "Unsupported parameter: 'max_tokens'"), "does not accept the request"),
        (error(429, "You exceeded your current quota", "insufficient_quota"), "no money or quota"),
        (error(429, "later", headers={"Retry-After": "3600"}), "asks to wait 3600 s"),
        (StubReply(422, b'{"detail":"Unexpected keys: min_p"}'), "Unexpected keys: min_p"),  # not of OpenAI's form
    ],
)
def test_a_lasting_fault_stops_at_once_and_shows_no_key(tmp_path: Path, fault: StubReply, words: str) -> None:
    with (
        stub_endpoint(lambda number, prompt: fault) as stub,
        pytest.raises(TeacherError, match=words) as caught,
    ):
        ask(settings_for(stub), tmp_path / "ledger.jsonl", 0)
    assert len(stub.requests) == 1
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (KEY, "canar", "ghij"):
        assert secret not in str(caught.value) + written
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_giving_up_after_the_last_attempt(tmp_path: Path) -> None:
    with (
        stub_endpoint(lambda number, prompt: error(500, "oops")) as stub,
        pytest.raises(TeacherError, match=r"given up after 3 attempts; the last one: HTTP 500: .*oops"),
    ):
        ask(settings_for(stub), tmp_path / "ledger.jsonl", 0)
    assert len(stub.requests) == 3


def test_an_endpoint_that_is_not_there_costs_nothing(tmp_path: Path) -> None:
    with stub_endpoint(lambda number, prompt: completion("")) as stub:
        pass
    with pytest.raises(TeacherError, match=r"connection to http://127\.0\.0\.1:\d+/v1/ failed"):
        ask(settings_for(stub), tmp_path / "ledger.jsonl", 0)
    failed = [r for r in scan((tmp_path / "ledger.jsonl").read_bytes(), "").records if r["kind"] == "failed"]
    assert len(failed) == 3 and not any(record["maybe_billed"] for record in failed)


@pytest.mark.parametrize(("status", "maybe_billed"), [(500, 0), (502, 0), (503, 0), (504, 1), (524, 1)])
def test_a_gateway_that_waited_in_vain_may_have_cost_money(tmp_path: Path, status: int, maybe_billed: int) -> None:
    with stub_endpoint(lambda number, prompt: error(status, "no") if number == 0 else completion("yes")) as stub:
        _, teacher = ask(settings_for(stub), tmp_path / "ledger.jsonl", 0)
    assert teacher.totals.maybe_billed == maybe_billed


def test_a_drip_is_bounded_by_the_total_time(tmp_path: Path) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        try:
            while True:  # a byte well within any read timeout, for ever
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        settings = TeacherSettings(url, "stub-1", 1.0, 100, 1.0, 17, timeout_seconds=0.3, max_attempts=1)
        async with open_teacher(settings, tmp_path / "ledger.jsonl", {}) as teacher:
            with pytest.raises(TeacherError, match=r"no complete answer within 0\.3 s"):
                await teacher.answer(0, "prompt")
        server.close()

    asyncio.run(run())


def test_the_bill(tmp_path: Path) -> None:
    """Usage is charged where it is known, the worst case where an answer may have been billed or says nothing."""
    replies = [
        completion("a"),  # 100 in, 50 out: $0.0002
        error(500, "free"),
        completion("b", usage=None),  # worst: (8 + 16) in, 100 out = $0.000224
        StubReply(200, completion("c").body, cut_after=30),  # maybe billed: $0.000224
        completion("c"),
    ]
    ledger = tmp_path / "ledger.jsonl"
    with stub_endpoint(lambda number, prompt: replies[number]) as stub:
        _, teacher = ask(settings_for(stub), ledger, 0, 1, 2)
        expected = Decimal("0.0002") + Decimal("0.000224") + Decimal("0.000224") + Decimal("0.0002")
        assert teacher.budget.spent_usd == expected
        assert teacher.budget.reserved_usd == 0
        _, restarted = ask(settings_for(stub), ledger)
        assert restarted.budget.spent_usd == expected, "a restart remembers"


def test_a_request_in_flight_at_a_crash_counts_as_billed(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with stub_endpoint(lambda number, prompt: completion("a")) as stub:
        ask(settings_for(stub), ledger, 0)
        without_outcome = ledger.read_bytes().split(b"\n")[:3]  # header, price and "sent"
        ledger.write_bytes(b"\n".join([*without_outcome, b""]))
        _, restarted = ask(settings_for(stub), ledger)
        assert restarted.budget.spent_usd == Decimal("0.000224")
        _, asked_again = ask(settings_for(stub), ledger, 0)
        assert asked_again.budget.spent_usd == Decimal("0.000424")
        _, once_more = ask(settings_for(stub), ledger, 0)
        assert once_more.budget.spent_usd == Decimal("0.000424")
    assert len(stub.requests) == 2


def test_the_budget_stops_before_the_request(tmp_path: Path) -> None:
    with stub_endpoint(lambda number, prompt: completion("a")) as stub:
        with pytest.raises(BudgetError, match="Raise budget_usd"):
            ask(settings_for(stub, budget_usd=0.0005), tmp_path / "ledger.jsonl", 0, 1, 2)
        assert len(stub.requests) == 2  # 2 × $0.0002 spent; a third could cost $0.000224
        answers, _ = ask(settings_for(stub, budget_usd=0.01), tmp_path / "ledger.jsonl", 0, 1, 2)
        assert len(stub.requests) == 3 and len(answers) == 3


def test_a_recorded_answer_to_another_prompt_is_not_used(tmp_path: Path) -> None:
    async def run(settings: TeacherSettings) -> None:
        async with open_teacher(settings, tmp_path / "ledger.jsonl", {}) as teacher:
            await teacher.answer(0, "one prompt")
            with pytest.raises(LedgerError, match="another prompt"):
                await teacher.answer(0, "another prompt")

    with stub_endpoint(lambda number, prompt: completion("a")) as stub:
        asyncio.run(run(settings_for(stub)))


def test_without_a_key_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = TeacherSettings("https://teacher.invalid/v1", "gpt-6-luna", 1.0, 100, 1.0, 17)
    for bad_key, words in (("", "is not set"), ("two words", "copy the key again")):
        monkeypatch.setenv("OPENAI_API_KEY", bad_key)
        with pytest.raises(TeacherError, match=words):
            ask(settings, tmp_path / "new" / "ledger.jsonl", 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"base_url": "https://me:hunter2@host/v1"}, "user name"),
        ({"base_url": "https://host/v1?api-key=1"}, "query"),
        ({"base_url": "api.openai.com/v1"}, "an address such as"),
        ({"base_url": "", "model": "gpt-6-luna"}, "teacher_base_url is empty"),
        ({"model": "gpt-6.2-sol", "temperature": 0.7}, "no temperature but 1.0"),
        ({"temperature": 3.0}, "between 0 and 2"),
        ({"max_completion_tokens": 0}, "at least 1"),
        ({"budget_usd": -1.0}, "negative"),
    ],
)
def test_settings_are_checked(changes: dict[str, object], words: str) -> None:
    good = TeacherSettings("https://api.openai.com/v1", "gpt-6-luna", 1.0, 100, 1.0, 17)
    with pytest.raises(TeacherError, match=words) as caught:
        replace(good, **changes)  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)


def test_reading_any_bytes_gives_an_answer_or_a_named_fault() -> None:
    good = read_answer(3, completion("hello", usage=(7, 9)).body)
    assert (good.text, good.finish_reason, good.model, good.fault) == ("hello", "stop", "stub-1", "")
    assert good.usage is not None and good.usage.completion_tokens == 9
    for body, fault in [
        (b"", "unreadable_answer"),
        (b"<html>", "unreadable_answer"),
        (b"\xff\xfe", "unreadable_answer"),
        (b"[" * 100_000, "unreadable_answer"),
        (b"[]", "no_choices"),
        (b'{"choices": null}', "no_choices"),
        (b'{"error": {"message": "no"}}', "error_instead"),
        (b'{"error": null, "choices": []}', "no_choices"),
        (b'{"choices": [{"message": {"content": null}}]}', "empty_answer"),
        (b'{"choices": [{"message": "text"}]}', "empty_answer"),
    ]:
        assert read_answer(0, body).fault == fault
    details = {"prompt_tokens_details": {"cached_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 2}}
    body = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 9, **details}}
    assert read_answer(0, json.dumps(body).encode()).usage == Usage(7, 9, cached_tokens=3, reasoning_tokens=2)
    body["usage"] = {"prompt_tokens": 2, "completion_tokens": 9, **details}
    assert read_answer(0, json.dumps(body).encode()).usage == Usage(2, 9, reasoning_tokens=2), "3 of 2 is no part"
    half_a_pair = read_answer(0, json.dumps({"choices": [{"message": {"content": "a\ud800b"}}]}).encode())
    assert half_a_pair.text == "a?b"
    assert read_answer(0, completion("x", usage=(-1, 5)).body).usage is None


def test_retry_after_in_each_form() -> None:
    now = 1_700_000_000.0  # 14 Nov 2023 22:13:20 GMT
    assert retry_after_seconds({"retry-after": "7"}, now) == 7
    assert retry_after_seconds({"retry-after-ms": "250", "retry-after": "7"}, now) == 0.25
    assert retry_after_seconds({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, now) == 30
    assert retry_after_seconds({"retry-after": "soon"}, now) is None
    assert retry_after_seconds({"retry-after": "Mon, 01 Nov 99999 10:00:00 GMT"}, now) is None
    assert retry_after_seconds({}, now) is None


def test_scrub_removes_keys_and_parts_of_keys() -> None:
    for text in (f"key {KEY}!", "sk-proj-abcdefgh", "Illegal header value b'Bearer abc.def'", "abcd****wxyz"):
        cleaned = scrub(text)
        assert "[key removed]" in cleaned
        for secret in ("canary", "abcdefgh", "abc.def", "wxyz"):
            assert secret not in cleaned
    assert scrub("the task-list of 3 * 4") == "the task-list of 3 * 4"
