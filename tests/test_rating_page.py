"""The rating page's server over real HTTP: blind, careful with strangers, and losing nothing to a kill."""

import asyncio
import json
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from rating_runs import STRONG, rating_server, run_to_rate
from test_opinions import make_run, rival_file

from alpaca_nb import cli
from alpaca_nb.comparison.engine import VerdictFile
from alpaca_nb.comparison.opinions import opinion_contests, opinions
from alpaca_nb.comparison.ratings import RATINGS_FILE, read_ratings
from alpaca_nb.records import EvaluationTask


def call(url: str, what: str, headers: dict[str, str] | None = None, **body: object) -> tuple[int, dict, dict]:
    request = urllib.request.Request(
        f"{url}api/{what}", json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.loads(answer.read()), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), dict(error.headers)


def rate_all(url: str, rater: str | None = None, stop_after: int = 1000, strong: str = STRONG) -> dict:
    """Prefer the strong answer wherever it stands."""
    _, view, _ = call(url, "start", rater=rater)
    while not view["finished"] and stop_after:
        side = "A" if strong in view["a"] else "B"
        _, view, _ = call(url, "click", rater=view["rater"], pair=view["pair"], side=side, seconds=2.5)
        stop_after -= 1
    return view


def test_raters_see_the_same_pairs_in_orders_of_their_own_and_no_names(tmp_path: Path) -> None:
    run_dir = run_to_rate(tmp_path, 13)
    seen: dict[str, list[tuple[str, bool]]] = {}
    with rating_server(run_dir) as server:
        for _ in range(2):
            _, view, headers = call(server.url, "start")
            rater = view["rater"]
            while not view["finished"]:
                assert set(view) == {
                    "rater", "done", "of", "can_undo", "finished", "pair", "instruction", "input", "a", "b",
                }  # fmt: skip
                assert "tuned" not in json.dumps(view) and view["of"] == 12, "the equal pair is nobody's work"
                seen.setdefault(rater, []).append((view["instruction"], STRONG in view["a"]))
                _, view, headers = call(server.url, "click", rater=rater, pair=view["pair"], side="tie", seconds=1)
            assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        server.process.send_signal(signal.SIGINT)
        printed = server.process.stdout.read()  # type: ignore[union-attr]
        assert server.process.wait(timeout=120) == 0
    one, other = seen.values()
    assert sorted(task for task, _ in one) == sorted(task for task, _ in other)
    assert [task for task, _ in one] != [task for task, _ in other] and dict(one) != dict(other)
    assert (
        "13 pairs (1 of identical answers, ties without asking), untuned against tuned: 0 : 0, 13 ties" in printed
        and "median s" in printed
    )
    assert len(read_ratings(run_dir / RATINGS_FILE)) == 24


def test_undo_stale_clicks_and_another_try(tmp_path: Path) -> None:
    run_dir = run_to_rate(tmp_path, 4)
    with rating_server(run_dir) as server:
        _, first, _ = call(server.url, "start")
        rater = first["rater"]
        status, second, _ = call(server.url, "click", rater=rater, pair=first["pair"], side="A", seconds=1)
        assert (status, second["done"]) == (200, 1)
        status, same, _ = call(server.url, "click", rater=rater, pair=first["pair"], side="B", seconds=1)
        assert (status, same["pair"]) == (409, second["pair"]), "a double click counts once"
        _, back, _ = call(server.url, "undo", rater=rater)
        assert (back["pair"], back["done"], back["a"]) == (first["pair"], 0, first["a"])
        _, nothing, _ = call(server.url, "undo", rater=rater)
        assert nothing["done"] == 0
        assert rate_all(server.url, rater)["finished"]
    ratings = read_ratings(run_dir / RATINGS_FILE)
    assert len(ratings) == 3 and {rating.winner for rating in ratings} == {"tuned"}
    assert {rating.seconds for rating in ratings} == {2.5}


@pytest.mark.parametrize(
    ("what", "body", "headers", "status"),
    [
        ("click", {"rater": "0123456789abcdef", "pair": "x", "side": "C", "seconds": 1}, {}, 400),
        ("click", {"rater": "../../etc", "pair": "x", "side": "A", "seconds": 1}, {}, 400),
        ("click", {"rater": "0123456789abcdef", "pair": "x", "side": "A", "seconds": "fast"}, {}, 400),
        ("start", {}, {"Content-Type": "text/plain"}, 415),
        ("start", {}, {"Host": "evil.example"}, 403),
        ("start", {"rater": "x" * 5000}, {}, 413),
        ("results", {}, {}, 404),
    ],
)
def test_strangers_and_nonsense_are_turned_away(
    one_server: str, what: str, body: dict[str, object], headers: dict[str, str], status: int
) -> None:
    assert call(one_server, what, headers, **body)[0] == status


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory):
    with rating_server(run_to_rate(tmp_path_factory.mktemp("run"), 3)) as server:
        yield server.url


def test_a_killed_server_has_every_click_that_it_confirmed(tmp_path: Path) -> None:
    run_dir = run_to_rate(tmp_path, 20)
    with rating_server(run_dir) as server:
        view = rate_all(server.url, stop_after=7)
        server.process.kill()  # SIGKILL
        server.process.wait()
    assert len(read_ratings(run_dir / RATINGS_FILE)) == 7
    ledger = run_dir / RATINGS_FILE
    ledger.write_bytes(ledger.read_bytes() + b'{"crc32":"00')  # as if the kill had come in the middle of a write
    with rating_server(run_dir) as server:
        _, again, _ = call(server.url, "start", rater=view["rater"])
        assert again == view, "the rater goes on at the very same pair"
        assert rate_all(server.url, view["rater"])["finished"]
    assert len(read_ratings(run_dir / RATINGS_FILE)) == 19


def rate(*arguments: object) -> int:
    return cli.main(["rate", *map(str, arguments)])


def test_bad_input_is_refused_before_anything_is_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rate(tmp_path / "nowhere") == 2
    assert rate(tmp_path) == 2
    run_dir = run_to_rate(tmp_path / "run", 1)  # its one pair is equal
    assert rate(run_dir) == 2
    assert rate(run_to_rate(tmp_path / "other", 3), "--limit", 0) == 2
    errors = capsys.readouterr().err
    assert "is no folder" in errors and "questions.jsonl does not exist" in errors
    assert "nothing to rate" in errors and "--limit is 0" in errors
    assert not (run_dir / RATINGS_FILE).exists()


def test_other_answers_are_not_mixed_into_old_ratings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = run_to_rate(tmp_path, 4)
    with rating_server(run_dir) as server:
        rate_all(server.url)
        assert rate(run_dir, "--port", server.port + 1) == 2, "one server at a time"
    run_to_rate(tmp_path, 6)
    assert rate(run_dir) == 2
    errors = capsys.readouterr().err
    assert "another process is writing" in errors and "another configuration" in errors


def test_a_run_is_rated_against_another_models_answers_and_notebook_05_finds_the_ratings(tmp_path: Path) -> None:
    run_dir, theirs = make_run(tmp_path / "run"), rival_file(tmp_path)
    chosen = []
    for options in ((), ("--rival-path", str(theirs))):
        with rating_server(run_dir, *options) as server:
            chosen.append(rate_all(server.url, strong="good: ")["done"])
    assert chosen == [20, 30], "the untuned model gave the tuned one's answer ten times"
    for rival_path, ties in (("", 10), (str(theirs), 0)):
        contests = opinion_contests(run_dir, rival_path=rival_path)
        judged, _ = asyncio.run(opinions("people", contests, 17, VerdictFile(), run_dir, None, 1))
        winners = [verdict.winner for verdict in judged.verdicts]
        assert len(winners) == 30 and judged.undecided == {}
        assert winners.count("tie") == ties and winners.count("tuned") >= 20
    assert sorted(path.name for path in (run_dir / "comparison").glob("*.jsonl")) == [
        "ratings-somebody-7b.jsonl",
        "ratings.jsonl",
    ]


def test_a_run_is_rated_against_davincis_published_answers(
    davincis_tasks: list[EvaluationTask], tmp_path: Path
) -> None:
    run_dir = make_run(tmp_path / "run", davincis_tasks)
    with rating_server(run_dir, "--rival", "text-davinci-003", "--limit", "5") as server:
        assert rate_all(server.url)["finished"]
    contests = opinion_contests(run_dir, "text-davinci-003")
    judged, _ = asyncio.run(opinions("people", contests, 17, VerdictFile(), run_dir, None, 1))
    assert len(judged.verdicts) == 5 and len(judged.undecided) == 247


def test_any_two_answer_files_can_be_rated(tmp_path: Path) -> None:
    rows = [{"instruction": f"Task {i}", "input": "", "output": f"{STRONG} {i}", "generator": "a"} for i in range(3)]
    (tmp_path / "one.json").write_text(json.dumps(rows))
    lines = [json.dumps({"instruction": f"Task {i}\n", "response": f" no {i}"}) for i in reversed(range(3))]
    (tmp_path / "two.jsonl").write_text("\n".join(lines))
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    with rating_server(run_dir, "--answers", str(tmp_path / "one.json"), str(tmp_path / "two.jsonl")) as server:
        assert rate_all(server.url)["finished"]
        server.process.send_signal(signal.SIGTERM)
        assert "a against two: 3 : 0, 0 ties" in server.process.stdout.read()  # type: ignore[union-attr]
