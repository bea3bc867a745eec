"""The kit's own tasks are new, varied and complete; published sets are checked, and fetched over a real socket."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alpaca_nb import seed_tasks
from alpaca_nb.alpaca_format import read_examples
from alpaca_nb.errors import InputFileError
from alpaca_nb.evaluation_sets import downloads
from alpaca_nb.evaluation_sets.downloads import PINNED, PinnedFile, fetched
from alpaca_nb.evaluation_sets.load import evaluation_tasks, read_alpaca_eval, read_self_instruct
from alpaca_nb.models.cache import CACHE_VARIABLE
from alpaca_nb.records import SeedTask
from alpaca_nb.seed_tasks.load import load_seed_tasks
from alpaca_nb.similarity.similar import Similar

NEAR = 0.7
SEED_TASKS = Path(seed_tasks.__file__).parent / "seed_tasks.jsonl"
KIT = evaluation_tasks("kit")


def whole(instruction: str, input: str) -> str:
    return f"{instruction}\n{input}"


def near_ones(texts: list[str]) -> list[tuple[str, str, float]]:
    """Tasks of the kit whose instruction, or instruction and input, is nearly one of `texts`."""
    index = Similar(texts, NEAR)
    found = []
    for task in KIT:
        for text in {task.instruction, whole(task.instruction, task.input)}:
            found += [(task.id, texts[number], score) for number, score in index.above(text)]
    return found


def test_the_set_is_large_varied_and_complete() -> None:
    assert len(KIT) == 250
    counts = Counter(task.category for task in KIT)
    assert {"email": 40, "social media": 40, "productivity": 52}.items() <= counts.items() and len(counts) == 10
    assert len({task.id for task in KIT}) == 250
    assert all(task.instruction.strip() == task.instruction and task.reference.strip() for task in KIT)
    assert 80 < sum(not task.input for task in KIT) < 170
    assert len({" ".join(task.instruction.split()[:2]) for task in KIT}) > 120, "they do not all begin alike"


def test_no_two_tasks_of_the_set_are_near() -> None:
    texts = [whole(task.instruction, task.input) for task in KIT]
    index = Similar(texts, NEAR)
    pairs = [(KIT[n].id, KIT[m].id, score) for n, text in enumerate(texts) for m, score in index.above(text, before=n)]
    assert pairs == []


def test_no_task_is_near_a_seed_task() -> None:
    seeds: list[SeedTask] = load_seed_tasks(SEED_TASKS)
    texts = [seed.instruction for seed in seeds]
    texts += [whole(seed.instruction, instance.input) for seed in seeds for instance in seed.instances]
    assert near_ones(texts) == []


def test_no_task_is_near_one_of_the_252_or_a_row_of_other_data(upstream_data: Path) -> None:
    published = read_self_instruct(upstream_data / "user_oriented_instructions.jsonl")
    assert near_ones([task.instruction for task in published]) == []
    assert near_ones([whole(task.instruction, task.input) for task in published]) == []
    for file in ("alpaca_sample_4600.json", "rasbt_instruction_data_1100.json"):
        rows = read_examples(upstream_data / file)
        assert near_ones([whole(row.instruction, row.input) for row in rows]) == []


def test_the_252_are_read_with_categories_and_references(upstream_data: Path) -> None:
    tasks = read_self_instruct(upstream_data / "user_oriented_instructions.jsonl")
    counts = Counter(task.category for task in tasks)
    assert len(tasks) == 252 and sum(not task.input for task in tasks) == 44
    assert (counts["email"], counts["social media"], counts["productivity"]) == (9, 36, 37)
    assert all(task.reference for task in tasks)


def test_the_pins_are_those_of_the_real_files(
    upstream_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    names = {
        "self_instruct": "user_oriented_instructions.jsonl",
        "text-davinci-003": "text-davinci-003_predictions.jsonl",
    }
    for name, file in names.items():
        PINNED[name].cached.parent.mkdir(parents=True, exist_ok=True)
        PINNED[name].cached.write_bytes((upstream_data / file).read_bytes())
        assert fetched(name) == PINNED[name].cached, "a file brought by hand is used"
    assert len(evaluation_tasks("self_instruct")) == 252
    PINNED["self_instruct"].cached.write_bytes(b"{}\n")
    with pytest.raises(InputFileError, match="not the file that was meant"):
        evaluation_tasks("self_instruct")


def test_the_published_verdicts_are_known_by_those_on_the_252(upstream_data: Path) -> None:
    real = (upstream_data / "alpaca_eval_selfinstruct_gpt4_annotations.json").read_bytes()
    known = PINNED["alpaca_eval_annotations"].verdicts_sha256
    assert downloads.verdicts_digest(real) == known
    rows = json.loads(real)
    others = [{**rows[0], "dataset": "vicuna"}]
    assert downloads.verdicts_digest(json.dumps([*reversed(rows), *others]).encode()) == known, "order says nothing"
    rows[3]["preference"] = 3 - rows[3]["preference"]
    assert downloads.verdicts_digest(json.dumps(rows).encode()) != known
    assert downloads.verdicts_digest(b"seven b") == downloads.verdicts_digest(b"[1]") == ""


def test_the_805_are_recognised_by_their_subsets_and_the_252(upstream_data: Path, tmp_path: Path) -> None:
    rows = json.loads((upstream_data / "alpaca_eval_selfinstruct_gpt4_annotations.json").read_text(encoding="utf-8"))
    whole_set = [{"instruction": row["instruction"], "dataset": "selfinstruct", "output": ""} for row in rows]
    for subset, size in (("oasst", 188), ("koala", 156), ("helpful_base", 129), ("vicuna", 80)):
        whole_set += [{"instruction": f"{subset} {n}", "dataset": subset, "output": ""} for n in range(size)]
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(whole_set))
    assert Counter(task.category for task in read_alpaca_eval(path))["selfinstruct"] == 252
    path.write_text(json.dumps(whole_set[:-1]))
    with pytest.raises(InputFileError, match="'vicuna': 79"):
        read_alpaca_eval(path)
    path.write_text(json.dumps([{**whole_set[0], "instruction": "another"}, *whole_set[1:]]))
    with pytest.raises(InputFileError, match="not the published ones"):
        read_alpaca_eval(path)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """A server on loopback in the place of the real one; it serves "seven b" and lists the paths asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "7")
            self.end_headers()
            self.wfile.write(b"seven b")

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setattr(downloads, "SOURCE", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield asked
    server.shutdown()
    server.server_close()


def pin(monkeypatch: pytest.MonkeyPatch, **check: object) -> None:
    file = PinnedFile("owner/name", "c" * 40, "folder/file.json", "Apache-2.0", **check)  # type: ignore[arg-type]
    monkeypatch.setitem(PINNED, "file", file)


def test_a_file_is_fetched_once(source: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pin(monkeypatch, characters=7)
    assert fetched("file").read_bytes() == b"seven b"
    assert fetched("file").read_bytes() == b"seven b"
    assert source == [f"/owner/name/{'c' * 40}/folder/file.json"]


@pytest.mark.parametrize("check", [{"sha256": "0" * 64}, {"characters": 8}, {"verdicts_sha256": "0" * 64}])
def test_another_file_is_refused_and_not_kept(
    source: list[str], monkeypatch: pytest.MonkeyPatch, check: dict[str, object]
) -> None:
    pin(monkeypatch, **check)
    with pytest.raises(InputFileError, match="not the file that was meant"):
        fetched("file")
    assert not PINNED["file"].cached.exists()


def test_without_a_network_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloads, "SOURCE", "http://127.0.0.1:9")
    with pytest.raises(InputFileError, match=r"cannot be fetched .*put it at .*evaluation_set=kit"):
        evaluation_tasks("self_instruct")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(
        json.dumps([{"instruction": "Say hello.", "output": "Hello"}, {"instruction": "Count.", "input": "3"}])
    )
    tasks = evaluation_tasks(str(path))
    assert [(task.id, task.input, task.reference) for task in tasks] == [
        ("task_0001", "", "Hello"),
        ("task_0002", "3", ""),
    ]
    path.write_text(json.dumps([{"instruction": "x", "id": "a"}, {"instruction": "y", "id": "a"}]))
    with pytest.raises(InputFileError, match="'a' occurs twice"):
        evaluation_tasks(str(path))
    with pytest.raises(InputFileError, match="neither one of kit, self_instruct, alpaca_eval nor a file"):
        evaluation_tasks("kitt")
