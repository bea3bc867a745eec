"""`alpaca-nb check` about a teacher: what it finds, what it sends, and that no key is ever shown."""

from datetime import date

import pytest
from served_teacher import SEED, served_teacher

from alpaca_nb.offline_teacher.api import Request, Teacher
from alpaca_nb.offline_teacher.response import Response
from alpaca_nb.offline_teacher.text_endpoint import TextEndpoint
from alpaca_nb.teacher.checking import teacher_answers

TODAY = date(2026, 11, 22)
KEY = "sk-canary-0123456789abcdefghij"


def found(base_url: str, model: str, price: str = "") -> list[tuple[str, str]]:
    return list(teacher_answers(base_url, model, price, TODAY))


class Listening(Teacher):
    def __init__(self) -> None:
        super().__init__(TextEndpoint(SEED))
        self.heard: list[tuple[str, str, str]] = []

    def respond(self, request: Request) -> Response:
        self.heard.append((request.method, request.path, request.key))
        return super().respond(request)


def test_a_served_model_is_found_with_its_shutdown_date_and_only_the_list_is_asked_for() -> None:
    teacher = Listening()
    with served_teacher(teacher) as url:
        retiring = found(url, "offline-retiring")
        retired = found(url, "offline-retired")
        missing = found(url, "gpt-6-luna")
    assert [level for level, _ in retiring] == ["ok"] * 6 and "2099-12-31, in 26702 days" in retiring[4][1]
    assert ("fail", "offline-retired was shut down on 2024-01-04") in [(a, b.partition(";")[0]) for a, b in retired]
    assert any(level == "fail" and "has no model 'gpt-6-luna'; it has offline, " in text for level, text in missing)
    assert {(method, path) for method, path, _ in teacher.heard} == {("GET", "/v1/models")}
    assert {key for _, _, key in teacher.heard} == {"none-needed"}


def test_without_an_address_the_tables_answer() -> None:
    answers = found("", "gpt-5-mini")
    assert ("warn", "gpt-5-mini is to be shut down on 2026-12-11, in 19 days") in answers
    assert any("$0.25 in and $2 out" in text for level, text in answers if level == "ok")
    assert [level for level, text in found("", "gpt-3.5-turbo") if "shut down" in text and "price" not in text] == [
        "fail"
    ]
    assert any(level == "fail" and "no price is known" in text for level, text in found("", "brand-new"))
    assert any("$0.2 in and $1.5 out" in text for level, text in found("", "brand-new", "0.2,1.5") if level == "ok")
    assert any(level == "fail" and "two numbers" in text for level, text in found("", "brand-new", "cheap"))


@pytest.mark.parametrize("key", ["", KEY, "two words"])
def test_the_key_is_told_present_absent_or_malformed_and_never_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    for base_url in ("", "https://user:hunter2@example.org/v1", "http://127.0.0.1:9/v1"):
        answers = found(base_url, "brand-new")
        assert "canary" not in str(answers) and "two words" not in str(answers) and "hunter2" not in str(answers)
    assert found("", "")[0][1].startswith("OPENAI_API_KEY is " + ("set" if key else "not set"))


def test_an_endpoint_that_is_not_there_or_no_endpoint_is_a_finding_not_a_traceback() -> None:
    assert any(level == "fail" and "connection to" in text for level, text in found("http://127.0.0.1:9/v1", "x"))
    assert any(level == "fail" and "an address such as" in text for level, text in found("api.openai.com", "x"))
    with served_teacher() as url:
        assert any(level == "warn" and "most end in /v1" in text for level, text in found(url.removesuffix("/v1"), "x"))


def test_a_web_page_at_the_address_is_a_finding_too() -> None:
    class Page(Teacher):
        def respond(self, request: Request) -> Response:
            return Response(200, b"<html>Welcome!</html>", content_type="text/html")

    with served_teacher(Page(TextEndpoint(SEED))) as url:
        assert any(level == "fail" and "a page that is no JSON" in text for level, text in found(url, "x"))
