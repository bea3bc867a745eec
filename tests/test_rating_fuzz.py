"""Whatever is sent to the rating page's server gets an answer or a refusal, never a fault."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rating_runs import rating_server, run_to_rate

from alpaca_nb.comparison.ratings import RATINGS_FILE, read_ratings

RATER = "0123456789abcdef"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(10**308, 10**400) | st.floats() | st.text(max_size=40)
    | st.sampled_from(["A", "B", "tie", RATER, "\ud800", "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
BODIES = st.fixed_dictionaries({}, optional=dict.fromkeys(("rater", "pair", "side", "seconds", "reason"), VALUES))
LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20)
FUZZ = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    run_dir = run_to_rate(tmp_path_factory.mktemp("run"), 4)
    with rating_server(run_dir) as server:
        yield server.port, run_dir / RATINGS_FILE


def send(port: int, path: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.putrequest("POST", path, skip_host=True)
        sent = {"Host": "127.0.0.1", "Content-Type": "application/json", **(headers or {}), "Content-Length": len(body)}
        for name, value in sent.items():
            connection.putheader(name, str(value).encode("latin-1"))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("seconds", [10**400, -(10**400), float("inf"), float("nan"), True, "1", None, [1]])
def test_a_time_that_is_no_number_of_seconds_is_refused_and_nothing_is_written(
    served: tuple[int, Path], seconds: object
) -> None:
    port, ratings = served
    pair = json.loads(send(port, "/api/start", as_json({"rater": RATER}))[1])["pair"]
    before = ratings.read_bytes()
    click = {"rater": RATER, "pair": pair, "side": "A", "seconds": seconds}
    assert send(port, "/api/click", as_json(click))[0] == 400
    assert ratings.read_bytes() == before


@FUZZ
@given(what=st.sampled_from(["start", "click", "undo"]), body=BODIES, known=st.booleans())
@example(what="click", body={"side": "A", "seconds": 10**308 * 2}, known=True)
@example(what="click", body={"side": "A", "reason": "\ud800 half a character"}, known=True)
@example(what="click", body={"side": "A", "reason": "x" * 301}, known=True)
def test_any_fields_are_answered(served: tuple[int, Path], what: str, body: dict[str, object], known: bool) -> None:
    port, ratings = served
    if known:  # a rater and a pair that exist: the other two fields decide
        view = json.loads(send(port, "/api/start", as_json({"rater": RATER}))[1])
        body = {"side": "tie", "seconds": 1, **body, "rater": RATER, "pair": view.get("pair")}
    before = ratings.read_bytes()
    status, said = send(port, f"/api/{what}", as_json(body))
    assert status in {200, 400, 409} or (status == 413 and len(as_json(body)) > 4096), said
    assert isinstance(json.loads(said), dict)
    assert status == 200 or ratings.read_bytes() == before, "refused, and yet written"


@FUZZ
@given(what=st.sampled_from(["start", "click", "undo"]), body=st.binary(max_size=300))
@example(what="click", body=b"[" * 4000)
@example(what="click", body=b'{"seconds": 1' + b"0" * 4000 + b"}")
@example(what="click", body=b"1e999")
@example(what="start", body=b"\xff\xfe{\x00}\x00")
@example(what="start", body=b" " * 5000)
def test_any_bytes_are_answered(served: tuple[int, Path], what: str, body: bytes) -> None:
    assert send(served[0], f"/api/{what}", body)[0] in {200, 400, 413}


@FUZZ
@given(name=st.sampled_from(["Host", "Content-Type", "Content-Encoding", "Cookie", "Origin", "Range"]), value=LATIN)
@example(name="Host", value="[::1")
@example(name="Host", value="localhost:99999999")
@example(name="Content-Type", value="multipart/form-data; boundary=")
@example(name="Content-Encoding", value="gzip")
def test_any_header_is_answered(served: tuple[int, Path], name: str, value: str) -> None:
    assert send(served[0], "/api/start", b"{}", {name: value})[0] < 500


def test_what_was_written_by_all_that_can_be_read(served: tuple[int, Path]) -> None:
    assert all(0 <= rating.seconds <= 3600 and rating.rater == RATER for rating in read_ratings(served[1]))
