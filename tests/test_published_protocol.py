"""`protocol: stanford` is the published generator: files, prompt, request, and row for row what it keeps."""

import asyncio
import http.server
import json
import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from completions import mutated, numbered
from stub_endpoint import StubReply, error, plain_completion, stub_endpoint
from the_original import as_stopped, kept_by_the_original, prompt_of_the_original

from alpaca_nb.errors import InputFileError, LedgerError, RecipeError
from alpaca_nb.generation.published import Published, cut_at_stops
from alpaca_nb.generation.published_files import COMMIT, REPOSITORY, PublishedFiles, published_files
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.generation.stage import generate
from alpaca_nb.generation.ways import Way
from alpaca_nb.records import Instance, SeedTask
from alpaca_nb.runs import Stage
from alpaca_nb.teacher.answers import TeacherAnswer
from alpaca_nb.teacher.recorded import recorded_answers
from alpaca_nb.teacher.settings import TeacherSettings

WORDS = [f"{a}{b}{c}" for a in ("tal", "rim", "sok") for b in ("ba", "ne", "lu", "mi", "to") for c in ("s", "k", "n")]
SEEDS = [
    SeedTask(f"seed_{i}", "n", f"Name   {WORDS[i]} and\n{WORDS[i + 1]}:", (Instance(given, f"Done\n{i}."),), False)
    for i, given in enumerate(["", "a green\npear", "", "20. plums", ""])
]


@pytest.fixture
def published_folder(upstream_data: Path, tmp_path: Path) -> Path:
    """The two upstream files under their own names."""
    folder = tmp_path / "published"
    folder.mkdir()
    shutil.copy(upstream_data / "stanford_prompt.txt", folder / "prompt.txt")
    shutil.copy(upstream_data / "stanford_seed_tasks.jsonl", folder / "seed_tasks.jsonl")
    return folder


def settings_for(base_url: str, number_of_rows: int = 25, **changes: object) -> GenerationSettings:
    teacher = TeacherSettings(base_url, "stub-1", 1.0, 3072, 5.0, 17, first_wait_seconds=0.001)
    wanted = GenerationSettings(teacher, 17, number_of_rows, protocol="stanford")
    return replace(wanted, **changes)  # type: ignore[arg-type]


def way() -> Way:
    return Published(PublishedFiles("Come up with tasks:", SEEDS), 17, "completion", "stub-1")


def run_stage(folder: Path, base_url: str, **changes: object) -> list[dict[str, str]]:
    asyncio.run(generate(Stage("02_generate_data", folder, {}), settings_for(base_url, **changes), way()))
    return json.loads((folder / "dataset.json").read_text())  # type: ignore[no-any-return]


# The files


@contextmanager
def web_server(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serves a folder on loopback; yields its address and the paths asked for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_the_files_are_downloaded_once_at_the_pinned_commit(
    published_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPACA_NB_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "web" / REPOSITORY / COMMIT
    place.parent.mkdir(parents=True)
    shutil.copytree(published_folder, place)
    with web_server(tmp_path / "web") as (address, asked):
        first = published_files("", address=address)
        assert sorted(asked) == [f"/{REPOSITORY}/{COMMIT}/{name}" for name in ("prompt.txt", "seed_tasks.jsonl")]
    assert published_files("", address="http://127.0.0.1:9") == first == published_files(str(published_folder))
    assert len(first.seeds) == 175 and first.prompt.endswith("List of 20 tasks:")


def test_no_network_another_version_and_a_missing_file_are_told(
    published_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPACA_NB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(InputFileError, match=r"prompt\.txt as Stanford published it.*published_path, or use protocol"):
        published_files("", address="http://127.0.0.1:9")
    assert [path for path in (tmp_path / "cache").iterdir() if not path.name.startswith(".")] == []
    with (published_folder / "prompt.txt").open("a") as file:
        file.write("\n")
    with pytest.raises(InputFileError, match=r"prompt\.txt is not the file of tatsu-lab/stanford_alpaca @ 761dc5b"):
        published_files(str(published_folder))
    (published_folder / "prompt.txt").unlink()
    with pytest.raises(InputFileError, match=r"prompt\.txt is not there; published_path names a folder"):
        published_files(str(published_folder))


# The request


def test_the_real_prompt_with_its_two_rules_number_two(published_folder: Path) -> None:
    files = published_files(str(published_folder))
    real = Published(files, 17, "completion", "stub-1")
    for item in range(300):
        shown = [(task.instruction, task.instances[0].input, task.instances[0].output) for task in real.seeds_of(item)]
        prompt = real.questions(item)[0].prompt
        assert prompt == prompt_of_the_original(files.prompt, shown)
    numbers = [line.partition(".")[0] for line in files.prompt.splitlines() if line[:1].isdigit()]
    assert numbers == ["1", "2", "3", "2", "3", "4", "5", "6", "7"]
    assert prompt.endswith("###\n4. Instruction:")


def test_the_request_has_the_published_settings(tmp_path: Path) -> None:
    good = f" Explain {WORDS[0]} and {WORDS[5]} now.\n4. Input: <noinput>\n4. Output: Yes."
    with stub_endpoint(lambda number, prompt: plain_completion(good)) as stub:
        run_stage(tmp_path, stub.base_url, number_of_rows=1)
    assert set(stub.paths) == {"/v1/completions"}
    shown = [(task.instruction, task.instances[0].input, task.instances[0].output) for task in way().seeds_of(0)]
    assert stub.requests[0] == {
        "model": "stub-1",
        "prompt": prompt_of_the_original("Come up with tasks:", shown),
        "max_tokens": 3072,
        "temperature": 1.0,
        "stop": ["\n20", "20.", "20."],
    }
    old = Published(PublishedFiles("", SEEDS), 17, "completion", "text-davinci-003").questions(0)[0]
    assert old.extra == {"logit_bias": {"50256": -100}}


def test_too_long_a_prompt_is_asked_again_with_a_lower_limit_like_the_original(tmp_path: Path) -> None:
    good = f" Explain {WORDS[0]} and {WORDS[5]} now.\n4. Input: <noinput>\n4. Output: Yes."

    def reply(number: int, prompt: str) -> StubReply:
        too_long = stub.requests[number]["max_tokens"] > 2000
        return error(400, "Please reduce your prompt; or completion length.") if too_long else plain_completion(good)

    with stub_endpoint(reply) as stub:
        rows = run_stage(tmp_path, stub.base_url, number_of_rows=1, concurrency=1)
        assert [request["max_tokens"] for request in stub.requests] == [3072, 2457, 1965]
        assert run_stage(tmp_path, stub.base_url, number_of_rows=1, concurrency=1) == rows
        assert len(stub.requests) == 3


# The rows


def written(number: int, prompt: str) -> StubReply:
    """Five tasks that depend on the prompt alone, then a fault: a mutated tail, a cut, or a separator too many."""
    chance = random.Random(prompt)
    endings = ["Yes.", "", "It was in 2020. Then came peace.", "### A heading", "From 20 on"]
    tasks = [
        (f"Explain {' '.join(chance.sample(WORDS, 7))}.", chance.choice(["", "a pear"]), chance.choice(endings))
        for _ in range(5)
    ]
    text = numbered(tasks)
    if chance.random() < 0.4:
        text += f"\n###\n{mutated(prompt)}"
    if chance.random() < 0.3:
        text = text.replace("\n###", "", 1)
    if chance.random() < 0.3:
        text = text[: chance.randrange(len(text))]
    return plain_completion(text, finish_reason=chance.choice(["stop", "stop", "length"]))


def test_row_for_row_what_the_original_keeps(tmp_path: Path) -> None:
    with stub_endpoint(written) as stub:
        rows = run_stage(tmp_path / "one", stub.base_url, number_of_rows=60, concurrency=1)
        assert run_stage(tmp_path / "eight", stub.base_url, number_of_rows=60, concurrency=8) == rows
    answers = []
    for item in range(len(recorded_answers(tmp_path / "one" / "generation" / "ledger.jsonl"))):
        choice = json.loads(written(0, way().questions(item)[0].prompt).body)["choices"][0]
        answers.append((choice["text"], choice["finish_reason"]))
    assert any(as_stopped(*answer)[0] != answer[0] for answer in answers), "a stop text should have fired"
    expected = kept_by_the_original(answers, [task.instruction for task in SEEDS])
    assert [tuple(row.values()) for row in rows] == expected[:60]
    assert any(row["output"] == "" or row["output"].endswith("in 20") for row in rows), "its faults are kept too"


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("in 2020. And then", "in 20"),
        ("5. Output: x\n###\n20. Instruction: y", "5. Output: x\n###"),
        ("from 2020 on", "from 2020 on"),
        ("\n2021 was", ""),
        ("20.", ""),
    ],
)
def test_where_the_stop_texts_fire(text: str, cut: str) -> None:
    answer = cut_at_stops(TeacherAnswer(0, text, "length", "m", None))
    assert answer.text == cut == as_stopped(text, "length")[0]
    assert answer.finish_reason == as_stopped(text, "length")[1]


def test_its_numbers_cannot_be_chosen_and_its_answers_are_not_mixed_with_others(tmp_path: Path) -> None:
    for changes in ({"seeds_per_request": 4}, {"tasks_per_request": 10}):
        with pytest.raises(RecipeError, match=f"{next(iter(changes))} is .*protocol stanford"):
            settings_for("http://127.0.0.1:9/v1", **changes)
    warm = replace(settings_for("http://127.0.0.1:9/v1").teacher, temperature=0.7)
    with pytest.raises(RecipeError, match=r"temperature is 0\.7, but protocol stanford is the published generator"):
        settings_for("http://127.0.0.1:9/v1", teacher=warm)
    with stub_endpoint(written) as stub:
        run_stage(tmp_path, stub.base_url, number_of_rows=3)
        other = settings_for(stub.base_url, protocol="repaired")
        with pytest.raises(LedgerError, match="ask_for was 'published' and is now 'numbered'"):
            asyncio.run(generate(Stage("02_generate_data", tmp_path, {}), other, other.way(SEEDS)))
