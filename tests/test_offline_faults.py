"""Each fault of the offline teacher does on the wire what its line in `alpaca-nb teacher --help` says."""

import contextlib
import hashlib
import http.client
import json
import socket
import subprocess
import sys
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import openai
import pytest
from served_teacher import SEED, endpoint_with, served_teacher

from alpaca_nb.errors import InputFileError, RecipeError
from alpaca_nb.offline_teacher.fault_plan import FaultPlan, Rule, read_script
from alpaca_nb.offline_teacher.faults import FAULTS
from alpaca_nb.offline_teacher.rate_limits import RateLimits
from alpaca_nb.offline_teacher.refusals import ApiError
from alpaca_nb.offline_teacher.text_endpoint import TextEndpoint

PROMPT = "Write a list of 5 tasks.\n\n1. Instruction: Name it.\n1. Input: <noinput>\n1. Output: x\n###\n2. Instruction:"
KEY = "sk-canary-0123456789"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def post(url: str, prompt: str = PROMPT, **more: object) -> tuple[int, dict[str, str], bytes]:
    """Ask over a plain connection; raises what the connection does."""
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=20)
    body = {"model": "offline", "messages": [{"role": "user", "content": prompt}], "max_completion_tokens": 500, **more}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Authorization": f"Bearer {KEY}"})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.headers.items()}, content


def tally(url: str) -> dict[str, object]:
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=20)
    connection.request("GET", "/tally")
    return json.loads(connection.getresponse().read())  # type: ignore[no-any-return]


def asked_with(fault: str, seconds: float | None = None) -> tuple[int, dict[str, str], bytes]:
    with served_teacher(endpoint_with(Rule((fault,), seconds=seconds))) as url:
        return post(url)


REFUSALS = {
    "rate-limit": (429, "rate_limit_exceeded"),
    "retry-after-seconds": (429, "rate_limit_exceeded"),
    "retry-after-ms": (429, "rate_limit_exceeded"),
    "retry-after-date": (429, "rate_limit_exceeded"),
    "retry-after-too-long": (429, "rate_limit_exceeded"),
    "should-retry": (400, None),
    "should-not-retry": (503, None),
    "500": (500, None),
    "503": (503, None),
    "flex-unavailable": (429, "resource_unavailable"),
    "quota": (429, "insufficient_quota"),
    "bad-key": (401, "invalid_api_key"),
}


@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if fault.kind == "refusal"])
def test_a_refusal_has_its_status_and_code_and_is_not_billed(fault: str) -> None:
    with served_teacher(endpoint_with(Rule((fault,)))) as url:
        status, _, content = post(url)
        counts = tally(url)
    assert (status, json.loads(content)["error"]["code"]) == REFUSALS[fault]
    assert (counts["asked"], counts["billed"], counts["faults"]) == (1, 0, {fault: 1})


def test_each_form_of_retry_after() -> None:
    waits = {fault: asked_with(fault, 7.0)[1] for fault in REFUSALS if fault.startswith("retry-after")}
    assert waits["retry-after-seconds"]["retry-after"] == waits["retry-after-too-long"]["retry-after"] == "7"
    assert waits["retry-after-ms"]["retry-after-ms"] == "7000"
    seconds = parsedate_to_datetime(waits["retry-after-date"]["retry-after"]).timestamp() - time.time()
    assert 5 <= seconds <= 8
    assert asked_with("retry-after-too-long")[1]["retry-after"] == "3600"
    assert "retry-after" not in asked_with("rate-limit")[1]
    assert asked_with("should-retry")[1]["x-should-retry"] == "true"
    assert asked_with("should-not-retry")[1]["x-should-retry"] == "false"


def test_a_refused_key_is_repeated_in_the_message_as_some_endpoints_do() -> None:
    assert KEY.encode() in asked_with("bad-key")[2]


def test_answers_with_something_wrong_in_them() -> None:
    with served_teacher() as url:
        good = json.loads(post(url)[2])
    text, tokens = good["choices"][0]["message"]["content"], good["usage"]["completion_tokens"]

    def spoilt(fault: str) -> dict[str, object]:
        status, _, content = asked_with(fault)
        assert status == 200
        return json.loads(content)  # type: ignore[no-any-return]

    assert spoilt("null-choices")["choices"] is None
    assert spoilt("usage-missing")["usage"] is None
    assert spoilt("usage-wrong")["usage"] == {"prompt_tokens": -3, "completion_tokens": "many", "total_tokens": None}
    assert spoilt("usage-huge")["usage"]["completion_tokens"] == 500_000
    hidden = spoilt("reasoning-tokens")["usage"]
    assert (
        hidden["completion_tokens"] == 500 and hidden["completion_tokens_details"]["reasoning_tokens"] == 500 - tokens
    )
    cut = spoilt("length-stop")["choices"][0]
    assert (cut["message"]["content"], cut["finish_reason"]) == (text[: len(text) // 2], "length")
    assert good["choices"][0]["finish_reason"] == "stop"


def test_other_bytes_than_an_answer() -> None:
    status, _, content = asked_with("bad-json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(content)
    assert status == 200 and len(content) > 100
    assert asked_with("html")[1]["content-type"] == "text/html"
    assert asked_with("empty-body")[::2] == (200, b"")


def test_faults_of_the_connection() -> None:
    with pytest.raises(http.client.IncompleteRead):
        asked_with("cut-body")
    with pytest.raises(ConnectionResetError):
        asked_with("reset")
    with pytest.raises(http.client.RemoteDisconnected):
        asked_with("hang", 0.05)
    assert asked_with("drip", 0.0)[0] == 200


def test_a_dripping_body_never_trips_a_timeout_between_two_bytes() -> None:
    with served_teacher(endpoint_with(Rule(("drip",), seconds=0.02))) as url:
        connection = http.client.HTTPConnection(url.split("/")[2], timeout=1)
        body = {"model": "offline", "messages": [{"role": "user", "content": PROMPT}]}
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        response = connection.getresponse()
        assert [len(response.read(1)) for _ in range(5)] == [1] * 5
        connection.close()


@pytest.mark.parametrize("fault", ["null-choices", "usage-huge", "bad-json", "html", "empty-body", "cut-body", "hang"])
def test_what_was_worked_for_is_billed_at_its_true_size(fault: str) -> None:
    with served_teacher() as url:
        true = json.loads(post(url)[2])["usage"]
    with served_teacher(endpoint_with(Rule((fault,), attempts=(1,), seconds=0.01))) as url:
        for _ in range(2):
            with contextlib.suppress(http.client.HTTPException, OSError):
                post(url)
        counts = tally(url)
    assert counts["prompts"] == {sha256(PROMPT): {"asked": 2, "billed": 2, "faults": [fault]}}
    assert counts["tokens"] == {"standard": {name: 2 * true[name] for name in ("prompt_tokens", "completion_tokens")}}


def test_a_share_strikes_the_same_prompts_in_whatever_order() -> None:
    def struck(prompts: list[str]) -> set[tuple[str, str]]:
        text = endpoint_with(Rule(("500", "null-choices"), share=0.3))
        for prompt in prompts:
            body = {"model": "offline", "messages": [{"role": "user", "content": prompt}]}
            with contextlib.suppress(ApiError):
                text.answer("/v1/chat/completions", body, "")
        return {(key, fault) for key, count in text.tally.prompts.items() for fault in count.faults}

    prompts = [f"Hello {number}" for number in range(300)]
    assert struck(prompts) == struck(prompts[::-1])
    assert 60 <= len(struck(prompts)) <= 120
    assert {fault for _, fault in struck(prompts)} == {"500", "null-choices"}


def test_a_script_says_which_request_meets_which_fault(tmp_path: Path) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text(
        "faults:\n  - {fault: 500, prompt: 'riv.r', attempts: [1, 2]}\n"
        "  - {fault: [null-choices], times: 2}\n  - {fault: quota, share: 0}\n"
    )
    plan = FaultPlan(read_script(script), SEED)

    def drawn(prompt: str, attempt: int) -> str:
        struck = plan.strike(prompt, sha256(prompt), attempt)
        return "" if struck is None else struck.fault.name

    assert [drawn("a river", attempt) for attempt in (1, 2, 3)] == ["500", "500", "null-choices"]
    assert [drawn("a lake", 1), drawn("a pond", 1)] == ["null-choices", ""]
    script.write_text(json.dumps([{"fault": "hang", "seconds": 0.5}]))
    assert read_script(script) == [Rule(("hang",), seconds=0.5)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("faults: [{fault: explode}]", "no fault is called 'explode'; there are rate-limit, "),
        ("faults: [{fault: hang, shares: 1}]", "a rule has no 'shares'"),
        ("faults: [{fault: hang, share: 3}]", "between 0 and 1"),
        ("faults: [{fault: hang, share: often}]", "often"),
        ("faults: [{fault: hang, prompt: '('}]", "no regular expression"),
        ("faults: [hang]", "is no rule"),
        ("faults: []", "a list of rules"),
        ("{", "not a script of faults"),
    ],
)
def test_a_wrong_script_is_refused_with_its_fault(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "faults.yaml").write_text(text)
    with pytest.raises(InputFileError, match=r"faults\.yaml") as refused:
        read_script(tmp_path / "faults.yaml")
    assert words in str(refused.value)


def test_batches_meet_their_own_faults() -> None:
    ends = {}
    for fault in (name for name, fault in FAULTS.items() if fault.kind == "batch"):
        with (
            served_teacher(endpoint_with(Rule((fault,)))) as url,
            openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client,
        ):
            body = {"model": "offline", "messages": [{"role": "user", "content": "Hello"}]}
            line = {"method": "POST", "url": "/v1/chat/completions", "body": body}
            content = "\n".join(json.dumps({"custom_id": str(number), **line}) for number in range(6))
            file = client.files.create(file=("b.jsonl", content.encode()), purpose="batch")
            batch = client.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
            for _ in range(8):
                batch = client.batches.retrieve(batch.id)
            files = (batch.output_file_id, batch.error_file_id)
            counted = [None if id is None else len(client.files.content(id).text.splitlines()) for id in files]
            ends[fault] = (batch.status, *counted, tally(url)["billed"])
    assert ends == {
        "batch-failed": ("failed", None, None, 0),
        "batch-expired": ("expired", 3, 3, 3),
        "batch-cancelled": ("cancelled", 3, 3, 3),
        "batch-partial": ("completed", 4, 2, 4),
        "batch-errors-only": ("completed", None, 6, 0),
    }


def test_a_request_of_a_batch_can_be_refused_or_spoilt() -> None:
    text = endpoint_with(Rule(("500",), prompt="one"), Rule(("null-choices",), prompt="two"), Rule(("hang",)))
    answers = [
        text.answer_in_batch("/v1/completions", {"model": "offline", "prompt": word})
        for word in ("one", "two", "three")
    ]
    assert [status for status, _ in answers] == [500, 200, 200]
    assert answers[1][1]["choices"] is None and answers[2][1]["choices"], "no connection, no hanging"
    assert set(text.tally.tokens) == {"batch"}


# ---- limits ----------------------------------------------------------------------------------------------------------


def test_limits_fill_evenly_and_are_told_in_the_headers() -> None:
    now = [100.0]
    limits = RateLimits(60, 6000, clock=lambda: now[0])
    headers = limits.admit(2000)
    assert headers["x-ratelimit-limit-requests"] == "60" and headers["x-ratelimit-remaining-requests"] == "59"
    assert headers["x-ratelimit-remaining-tokens"] == "4000" and headers["x-ratelimit-reset-tokens"] == "20.000s"
    limits.admit(4000)
    with pytest.raises(ApiError) as refused:
        limits.admit(1000)
    assert (refused.value.status, refused.value.headers["retry-after-ms"]) == (429, "10000")
    assert refused.value.headers["x-ratelimit-remaining-tokens"] == "0"
    now[0] += 10
    assert limits.admit(1000)["x-ratelimit-remaining-tokens"] == "0"


def test_the_limits_reach_the_client() -> None:
    with served_teacher(TextEndpoint(SEED, limits=RateLimits(requests_per_minute=2))) as url:
        answers = [post(url) for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert [headers["x-ratelimit-remaining-requests"] for _, headers, _ in answers] == ["1", "0", "0"]
    assert int(answers[2][1]["retry-after-ms"]) > 20_000


# ---- the command -----------------------------------------------------------------------------------------------------


def test_faults_are_chosen_on_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "alpaca_nb.cli", "teacher", "--port", "0", "--fault", "500", "--fault-share", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = server.stdout.readline().split()[-1]
            assert post(url)[0] == 500
        finally:
            server.terminate()
        assert server.wait(10) == 0
    for wrong in (["--fault", "explode"], ["--fault", "500", "--fault-share", "3"], ["--fault-script", "absent.yaml"]):
        ended = subprocess.run([*command[:6], *wrong], capture_output=True, text=True, timeout=60, cwd=tmp_path)
        assert ended.returncode == 2 and "Traceback" not in ended.stderr, wrong
        assert any(word in ended.stderr for word in ("explode", "between 0 and 1", "absent.yaml"))


def test_a_rule_without_a_known_fault_is_refused() -> None:
    with pytest.raises(RecipeError, match="no fault is called ''"):
        Rule(())


def test_a_hanging_request_ends_when_the_client_goes_away() -> None:
    text = endpoint_with(Rule(("hang",)))
    with served_teacher(text) as url:
        host, port = url.split("/")[2].split(":")
        body = json.dumps({"model": "offline", "messages": [{"role": "user", "content": PROMPT}]}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        connection = socket.create_connection((host, int(port)), timeout=10)
        connection.sendall(head + body)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b"", "the server ends its side too"
        connection.close()
