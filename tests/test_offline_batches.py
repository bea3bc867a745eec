"""Files and batches of the offline teacher, as the openai client sees them: every state, and every way to end."""

import json
from collections.abc import Iterator

import openai
import pytest
from openai.types import Batch
from served_teacher import served_teacher

from alpaca_nb.offline_teacher.asked import read_chat
from alpaca_nb.offline_teacher.completions import complete

STEPS = 12  # more than any batch takes


@pytest.fixture
def client() -> Iterator[openai.OpenAI]:
    with served_teacher() as url, openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        yield client


def chat_body(number: int) -> dict[str, object]:
    return {"model": "offline", "messages": [{"role": "user", "content": f"Hello {number}"}]}


def lines(count: int) -> list[dict[str, object]]:
    return [
        {"custom_id": f"r-{number}", "method": "POST", "url": "/v1/chat/completions", "body": chat_body(number)}
        for number in range(count)
    ]


def begin(client: openai.OpenAI, requests: list[dict[str, object]], **metadata: str) -> Batch:
    content = "\n".join(map(json.dumps, requests)).encode()
    file = client.files.create(file=("requests.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata=metadata
    )


def followed(client: openai.OpenAI, batch: Batch) -> tuple[list[str], Batch]:
    """Every state that is seen until a batch is over, without repetitions."""
    seen = [batch.status]
    for _ in range(STEPS):
        batch = client.batches.retrieve(batch.id)
        if batch.status != seen[-1]:
            seen.append(batch.status)
    return seen, batch


def results(client: openai.OpenAI, file_id: str | None) -> dict[str, dict[str, object]]:
    assert file_id is not None
    text = client.files.content(file_id).text
    return {line["custom_id"]: line for line in map(json.loads, text.splitlines())}


def test_a_file_comes_back_byte_for_byte(client: openai.OpenAI) -> None:
    content = b"\r\n--x\r\n\x00\xff line\r\n\r\n"
    file = client.files.create(file=("a b.bin", content), purpose="user_data")
    assert (file.filename, file.bytes, file.purpose) == ("a b.bin", len(content), "user_data")
    assert client.files.content(file.id).content == content
    batch_file = client.files.create(
        file=("b", b"x"), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert batch_file.expires_at is not None and batch_file.expires_at - batch_file.created_at == 3600
    assert [each.id for each in client.files.list()] == [batch_file.id, file.id]
    assert [each.id for each in client.files.list(purpose="batch")] == [batch_file.id]
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.content(file.id)


def test_a_batch_is_answered_as_the_same_requests_would_be(client: openai.OpenAI) -> None:
    states, batch = followed(client, begin(client, lines(7), run="r1"))
    assert states == ["validating", "in_progress", "finalizing", "completed"]
    assert batch.metadata == {"run": "r1"}
    assert batch.request_counts is not None
    assert (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == (7, 7, 0)
    assert batch.error_file_id is None
    answers = results(client, batch.output_file_id)
    assert set(answers) == {f"r-{number}" for number in range(7)}
    assert list(answers) != sorted(answers), "results come in another order"
    spent = 0
    for number in range(7):
        body = answers[f"r-{number}"]["response"]["body"]
        wanted = complete(read_chat(chat_body(number)), 5)
        assert body["choices"] == wanted["choices"]
        spent += body["usage"]["completion_tokens"]
    assert batch.usage is not None and batch.usage.output_tokens == spent


def test_progress_shows_before_the_end(client: openai.OpenAI) -> None:
    batch = begin(client, lines(4))
    counts = []
    for _ in range(3):
        batch = client.batches.retrieve(batch.id)
        assert batch.request_counts is not None
        counts.append((batch.status, batch.request_counts.completed, batch.output_file_id))
    assert counts == [("in_progress", 0, None), ("in_progress", 2, None), ("finalizing", 4, None)]


def test_batches_are_listed_with_their_metadata_in_pages(client: openai.OpenAI) -> None:
    made = [begin(client, lines(1), number=str(number)).id for number in range(5)]
    page = client.batches.list(limit=2)
    assert [batch.id for batch in page.data] == [made[4], made[3]] and page.has_more
    assert [batch.id for batch in page] == made[::-1], "the client walks all pages"
    assert [batch.metadata for batch in page.data] == [{"number": "4"}, {"number": "3"}]
    assert {batch.status for batch in client.batches.list()} == {"validating"}, "being listed moves nothing"


def test_a_cancelled_batch_keeps_what_was_done(client: openai.OpenAI) -> None:
    batch = begin(client, lines(4))
    for _ in range(2):
        client.batches.retrieve(batch.id)
    assert client.batches.cancel(batch.id).status == "cancelling"
    _, batch = followed(client, batch)
    assert batch.status == "cancelled"
    assert set(results(client, batch.output_file_id)) == {"r-0", "r-1"}
    left = results(client, batch.error_file_id)
    assert {line["error"]["code"] for line in left.values()} == {"batch_cancelled"}
    assert set(left) == {"r-2", "r-3"}
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(batch.id)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"custom_id": "r-0"}, "duplicate_custom_id"),
        ({"custom_id": None}, "missing_required_parameter"),
        ({"method": "GET"}, "invalid_method"),
        ({"url": "/v1/completions"}, "invalid_url"),
        ({"body": None}, "missing_required_parameter"),
        ({"body": {**chat_body(1), "model": "offline-reasoning"}}, "mismatched_model"),
    ],
)
def test_a_bad_line_fails_the_whole_batch(client: openai.OpenAI, change: dict[str, object], code: str) -> None:
    requests = lines(3)
    requests[1].update(change)
    states, batch = followed(client, begin(client, requests))
    assert states == ["validating", "failed"]
    assert batch.errors is not None and batch.errors.data is not None
    assert [(error.code, error.line) for error in batch.errors.data] == [(code, 2)]
    assert batch.output_file_id is None and batch.error_file_id is None


def test_a_request_that_is_refused_is_in_the_error_file(client: openai.OpenAI) -> None:
    requests = lines(3)
    requests[2]["body"] = {"model": "offline", "messages": []}
    _, batch = followed(client, begin(client, requests))
    assert batch.status == "completed"
    assert set(results(client, batch.output_file_id)) == {"r-0", "r-1"}
    [bad] = results(client, batch.error_file_id).values()
    assert (bad["custom_id"], bad["response"]["status_code"]) == ("r-2", 400)


def test_only_files_for_batches_and_small_metadata_are_taken(client: openai.OpenAI) -> None:
    file = client.files.create(file=("a", b"x"), purpose="user_data")
    options = {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    with pytest.raises(openai.BadRequestError, match="purpose 'batch'"):
        client.batches.create(**options)
    with pytest.raises(openai.BadRequestError, match="metadata"):
        client.batches.create(**options, metadata={str(number): "x" for number in range(17)})
