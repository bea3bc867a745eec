"""The offline teacher over real HTTP: the openai client's view, determinism, faults, refusals, and its end."""

import http.client
import json
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from openai.types.chat import ChatCompletion

from alpaca_nb import processes
from alpaca_nb.instruction_rules import reject_reason
from alpaca_nb.offline_teacher.tokens import count_tokens, cut
from alpaca_nb.offline_teacher.writer import TaskList, asked_list, write_answer
from alpaca_nb.teacher.local_server import running_offline_teacher

RULES = "Please write a varied list of 20 tasks that a model could be asked to do.\n\n"
SEEDS = (
    "1. Instruction: Name three colours.\n1. Input: <noinput>\n1. Output: red, green, blue\n###\n"
    "2. Instruction: Translate the word.\n2. Input: chien\n2. Output: dog\n###\n"
)
PROMPT = f"{RULES}{SEEDS}3. Instruction:"
ITEM = re.compile(r"(\d+)\. Instruction: (.+)\n\1\. Input: (.+)\n\1\. Output: (.+)")


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with running_offline_teacher(5) as url:
        yield url


@pytest.fixture
def client(base_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=30) as client:
        yield client


def ask(client: openai.OpenAI, prompt: str = PROMPT, **options: object) -> ChatCompletion:
    return client.chat.completions.create(  # type: ignore[call-overload, no-any-return]
        messages=[{"role": "user", "content": prompt}], **{"model": "offline", **options}
    )


def raw(base_url: str, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection(base_url.split("/")[2], timeout=30)
    connection.request(method, path, body)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, json.loads(content) if content else {}


def code_of(answer: dict[str, object]) -> object:
    error = answer["error"]
    assert isinstance(error, dict)
    assert set(error) == {"message", "type", "param", "code"}
    return error["code"]


# ---- answers ---------------------------------------------------------------------------------------------------------


def test_it_carries_the_list_on_to_the_asked_number(client: openai.OpenAI) -> None:
    for number in range(20):  # one answer in twelve is cut on purpose
        answer = ask(client, PROMPT.replace("chien", f"chien{number}"))
        if answer.choices[0].finish_reason == "stop":
            break
    text = answer.choices[0].message.content or ""
    assert not text.startswith("3. Instruction")  # the prompt has begun this item already
    numbers = [int(number) for number in re.findall(r"^(\d+)\. Instruction:", "3. Instruction:" + text, re.MULTILINE)]
    assert numbers == list(range(3, 21))
    assert answer.model == "offline"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == count_tokens(PROMPT.replace("chien", f"chien{number}"))
    assert answer.usage.completion_tokens == count_tokens(text)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_the_same_prompt_has_the_same_answer_in_another_process(client: openai.OpenAI) -> None:
    here = ask(client)
    with (
        running_offline_teacher(5) as url,
        openai.OpenAI(base_url=url, api_key="other", max_retries=0) as again,
    ):
        there = ask(again)
    assert here.choices == there.choices
    assert here.usage == there.usage
    assert here.id == there.id
    assert ask(client, PROMPT + " ").choices != here.choices
    assert write_answer(PROMPT, "offline", 6) != write_answer(PROMPT, "offline", 5)


def test_it_says_what_it_is_when_asked_for_something_else(client: openai.OpenAI) -> None:
    text = ask(client, "What are you?").choices[0].message.content
    assert text is not None
    assert "offline teacher" in text
    assert "gpt" not in text.lower()


def test_the_token_limit_cuts_and_says_so(client: openai.OpenAI) -> None:
    whole = write_answer(PROMPT, "offline", 5)[0]
    for name in ("max_completion_tokens", "max_tokens"):
        answer = ask(client, **{name: 50})
        assert answer.choices[0].finish_reason == "length"
        assert answer.usage is not None
        assert answer.usage.completion_tokens == 50
        assert whole.startswith(answer.choices[0].message.content or "?")


def test_stop_strings_end_the_answer_before_them(client: openai.OpenAI) -> None:
    answer = ask(client, stop=["\n###", "\n20."])
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content == write_answer(PROMPT, "offline", 5)[0].split("\n###")[0]


def test_cutting_prefers_the_earlier_end() -> None:
    assert cut("one two three", "stop", 2, (" three",)) == ("one two", "stop")
    assert cut("one two three", "stop", 1, ("three",)) == ("one", "length")
    assert cut("one two three", "stop", 9, ()) == ("one two three", "stop")


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (PROMPT, TaskList(3, 20, True)),
        (RULES.replace("20", "7") + SEEDS, TaskList(3, 7, False)),
        (SEEDS, TaskList(3, 20, False)),
        ("Make a set of 12 diverse task instructions.\n1. Instruction: Hi", TaskList(2, 12, False)),
        ("Name 20 tasks.", None),
        (RULES.replace("20", "2") + SEEDS, TaskList(3, 3, False)),
    ],
)
def test_reading_the_list_that_a_prompt_asks_for(prompt: str, expected: TaskList | None) -> None:
    assert asked_list(prompt) == expected


def test_faults_come_in_realistic_shares_and_never_as_wrong_answers_in_good_form() -> None:
    count: Counter[str] = Counter()
    for request in range(200):
        text, finish_reason = write_answer(f"{RULES}(request {request})\n{SEEDS}", "offline", 17)
        count["cut"] += finish_reason == "length"
        seen: set[str] = set()
        for item in re.split(r"\n###\n(?=\d+\. Instruction:)", text):
            count["items"] += 1
            match = ITEM.fullmatch(item)
            if match is None:
                count["broken"] += 1
                continue
            instruction = match.group(2)
            reason = reject_reason(instruction)
            count[reason or "sound"] += 1
            core = re.sub(r"^(Once more: |Again, |Next one: )| (Thank you\.|Thanks!)$", "", instruction)
            count["repeated"] += core.lower() in seen
            seen.add(instruction.lower())
            assert "gpt" not in item.lower()
    items = count["items"]
    assert 0.03 < count["cut"] / 200 < 0.15
    assert 0.03 < count["broken"] / items < 0.12
    assert 0.06 < count["repeated"] / items < 0.18
    assert 0.02 < count["filtered_word"] / items < 0.07
    assert 0.005 < count["too_short"] / items < 0.04
    assert count["sound"] / items > 0.8


# ---- models, health, refusals ----------------------------------------------------------------------------------------


def test_models_and_health(client: openai.OpenAI, base_url: str) -> None:
    dates = {model.id: model.shutdown_date for model in client.models.list()}
    assert dates == {
        "offline": None,
        "offline-reasoning": None,
        "offline-retiring": "2099-12-31",
        "offline-retired": "2024-01-04",
    }
    assert client.models.retrieve("offline").owned_by == "alpaca-nb"
    assert raw(base_url, "GET", "/health") == (200, {"status": "ok", "model": "offline"})


def test_legacy_completions_take_one_prompt_or_several(client: openai.OpenAI) -> None:
    whole = write_answer(PROMPT, "offline", 5)[0]
    one = client.completions.create(model="offline", prompt=PROMPT, max_tokens=4096, stop=["\n###"])
    assert one.object == "text_completion"
    assert (one.choices[0].text, one.choices[0].finish_reason) == (whole.split("\n###")[0], "stop")
    two = client.completions.create(model="offline", prompt=["Hi", PROMPT], max_tokens=4096)
    assert [choice.index for choice in two.choices] == [0, 1]
    assert two.choices[1].text == whole
    assert two.usage is not None
    assert two.usage.completion_tokens == sum(count_tokens(choice.text) for choice in two.choices)
    short = client.completions.create(model="offline", prompt=PROMPT)
    assert short.usage is not None
    assert (short.usage.completion_tokens, short.choices[0].finish_reason) == (16, "length"), "OpenAI's own default"


def test_moderation_flags_by_words_and_says_what_it_is(client: openai.OpenAI) -> None:
    answer = client.moderations.create(model="omni-moderation-latest", input=["Bake a cake.", "Build a Bomb!"])
    assert answer.model == "offline-word-list"
    assert [result.flagged for result in answer.results] == [False, True]
    good, bad = (result.categories.model_dump(by_alias=True) for result in answer.results)
    assert len(good) == 13 and not any(good.values())
    assert {name for name, flagged in bad.items() if flagged} == {"illicit/violent", "violence"}
    scores = answer.results[1].category_scores.model_dump(by_alias=True)
    assert all((scores[name] > 0.5) == flagged for name, flagged in bad.items())
    parts = client.moderations.create(input=[{"type": "text", "text": "a bomb"}, {"type": "text", "text": "a cake"}])
    assert [result.flagged for result in parts.results] == [True]


def test_a_reasoning_model_refuses_what_such_models_refuse_and_bills_hidden_tokens(client: openai.OpenAI) -> None:
    def send(**options: object) -> ChatCompletion:
        return ask(client.with_options(), model="offline-reasoning", **options)

    for name, value in (("max_tokens", 9), ("stop", "x"), ("logit_bias", {"1": -1}), ("temperature", 0.5)):
        with pytest.raises(openai.BadRequestError) as refused:
            send(**{name: value})
        assert refused.value.param == name
    thinking, plain = send(temperature=1), send(temperature=0.5, reasoning_effort="none")
    assert thinking.usage is not None and plain.usage is not None
    assert thinking.usage.completion_tokens == plain.usage.completion_tokens + 128
    assert thinking.usage.completion_tokens_details is not None
    assert thinking.usage.completion_tokens_details.reasoning_tokens == 128
    starved = send(max_completion_tokens=100)
    assert (starved.choices[0].message.content, starved.choices[0].finish_reason) == ("", "length")
    assert starved.usage is not None and starved.usage.completion_tokens == 100
    with pytest.raises(openai.NotFoundError, match="shut down on 2024-01-04"):
        ask(client, model="offline-retired")


def test_refusals_are_the_exceptions_of_the_openai_package(client: openai.OpenAI, base_url: str) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "Hi"}])
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-5")
    with pytest.raises(openai.AuthenticationError):
        ask(client.with_options(api_key="sk-bad"))
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="offline", input="Hi")
    with pytest.raises(openai.BadRequestError, match="'n' must be 1"):
        ask(client, n=2)
    with pytest.raises(openai.BadRequestError, match="does not stream"):
        ask(client, stream=True)
    with pytest.raises(openai.BadRequestError, match="max_tokens"):
        ask(client, max_tokens=0)
    with pytest.raises(openai.BadRequestError, match="messages"):
        client.chat.completions.create(model="offline", messages=[])


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/chat/completions", b"{not json", 400),
        ("POST", "/v1/chat/completions", b"\xff", 400),
        ("POST", "/v1/chat/completions", b"[]", 400),
        ("POST", "/v1/chat/completions", b'{"messages": []}', 400),
        ("POST", "/v1/chat/completions", b'{"model": "offline"}', 400),
        ("POST", "/v1/chat/completions", b'{"model": "offline", "messages": [{"role": "user"}]}', 400),
        ("POST", "/v1/chat/completions", b'{"model": "offline", "messages": [3], "stop": [1]}', 400),
        ("GET", "/v1/chat/completions", None, 405),
        ("POST", "/v1/models", b"{}", 405),
        ("DELETE", "/v1/models/offline", None, 405),
        ("GET", "/", None, 404),
        ("POST", "/v1/completions", b"{}", 400),
        ("POST", "/v1/completions", b'{"model": "offline", "prompt": [1, 2]}', 400),
        ("POST", "/v1/completions", b'{"model": "offline", "prompt": []}', 400),
        ("POST", "/v1/moderations", b'{"input": 3}', 400),
        ("POST", "/v1/files", b"no form", 400),
        ("GET", "/v1/files/file-000099", None, 404),
        ("GET", "/v1/files/file-000099/content", None, 404),
        ("DELETE", "/v1/files/file-000099", None, 404),
        ("POST", "/v1/batches", b'{"endpoint": "/v1/embeddings"}', 400),
        ("GET", "/v1/batches/batch_9", None, 404),
        ("POST", "/v1/batches/batch_9/cancel", b"", 404),
        ("GET", "/v1/batches?limit=0", None, 400),
        ("GET", "/v1/batches?after=batch_9", None, 400),
    ],
)
def test_bad_requests_get_a_status_and_openai_s_error_body(
    base_url: str, method: str, path: str, body: bytes | None, status: int
) -> None:
    answered, content = raw(base_url, method, path, body)
    assert answered == status
    code_of(content)


def test_a_connection_serves_many_requests_errors_included(base_url: str) -> None:
    connection = http.client.HTTPConnection(base_url.split("/")[2], timeout=30)
    good = json.dumps({"model": "offline", "messages": [{"role": "user", "content": "Hi"}]})
    connection.connect()
    socket = connection.sock
    for body, status in ((good, 200), ("{", 400), (good, 200)):
        connection.request("POST", "/v1/chat/completions", body)
        response = connection.getresponse()
        response.read()
        assert response.status == status
        assert connection.sock is socket
    connection.close()


def test_requests_at_the_same_time_are_all_answered(client: openai.OpenAI) -> None:
    prompts = [f"{RULES}(request {i})\n{SEEDS}" for i in range(64)]
    with ThreadPoolExecutor(16) as pool:
        texts = list(pool.map(lambda prompt: ask(client, prompt).choices[0].message.content, prompts))
    assert texts == [write_answer(prompt, "offline", 5)[0] for prompt in prompts]


# ---- the process -----------------------------------------------------------------------------------------------------


def start(*options: str) -> subprocess.Popen[str]:
    return processes.start([sys.executable, "-m", "alpaca_nb.offline_teacher", *options])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_with_status_0(number: signal.Signals) -> None:
    process = start("--port", "0", "--seed", "17")
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert re.fullmatch(r"listening on http://127\.0\.0\.1:\d+/v1\n", line)
        url = line.split()[-1]
        assert raw(url, "GET", "/health")[0] == 200
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""
        with pytest.raises(ConnectionRefusedError):
            raw(url, "GET", "/health")
    finally:
        processes.stop(process)


def test_a_taken_port_is_a_clear_error(base_url: str) -> None:
    port = base_url.split(":")[2].split("/")[0]
    process = start("--port", port)
    try:
        said, _ = process.communicate(timeout=20)
    finally:
        processes.stop(process)
    assert process.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "Traceback" not in said
