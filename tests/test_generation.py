"""Stage 02: prompt, settings, and the whole run, which crashes and concurrency do not change."""

import asyncio
import json
import random
import re
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from stub_endpoint import StubReply, completion, stub_endpoint

import alpaca_nb
from alpaca_nb.errors import BudgetError, InputFileError, RecipeError, TeacherError
from alpaca_nb.generation.faults import costs_of_faults
from alpaca_nb.generation.plan import plan_requests
from alpaca_nb.generation.prompt import REQUEST, choose_seeds, request_prompt
from alpaca_nb.generation.seeds import read_seed_tasks
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.generation.stage import Generated, ask_one, generate
from alpaca_nb.prices import Price
from alpaca_nb.records import Instance, SeedTask, Usage
from alpaca_nb.runs import Stage
from alpaca_nb.teacher.answers import TeacherAnswer
from alpaca_nb.teacher.local_server import running_offline_teacher
from alpaca_nb.teacher.recorded import recorded_answers
from alpaca_nb.teacher.settings import TeacherSettings

SEEDS = [
    SeedTask(f"seed_{i}", f"name {i}", f"Do the seventh thing  with {word}.", (Instance(given, f"Done {i}."),), False)
    for i, (word, given) in enumerate([("apples", ""), ("pears", "a green pear"), ("plums", ""), ("figs", "")])
]
WORDS = [f"{a}{b}" for a in ("tal", "rim", "sok", "ven", "qui", "dor") for b in ("ba", "ne", "lu", "mi", "to", "ra")]


# The prompt


def test_the_prompt_shows_the_seeds_and_ends_inside_the_next_item() -> None:
    prompt = request_prompt(SEEDS[:2], 20)
    assert prompt.endswith(
        "\n1. Instruction: Do the seventh thing with apples.\n1. Input: <noinput>\n1. Output: Done 0.\n###\n"
        "2. Instruction: Do the seventh thing with pears.\n2. Input: a green pear\n2. Output: Done 1.\n###\n"
        "3. Instruction:"
    )
    assert "list of 20 tasks" in prompt


def test_the_requirements_are_numbered_without_a_mistake() -> None:
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", REQUEST, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 5


def test_the_same_request_always_shows_the_same_seeds() -> None:
    chosen = [[task.id for task in choose_seeds(SEEDS, 17, index, 3)] for index in range(20)]
    assert chosen == [[task.id for task in choose_seeds(SEEDS, 17, index, 3)] for index in range(20)]
    assert all(len(set(ids)) == 3 for ids in chosen)
    assert len({tuple(ids) for ids in chosen}) > 5, "requests differ"
    assert chosen != [[task.id for task in choose_seeds(SEEDS, 18, index, 3)] for index in range(20)]


# What the faults of the original cost


SHIFTED = (
    " Explain how rivers are made.\n4. Input: <noinput>\n4. Output: By rain.\n###\nMore of it.\n###\n"
    "5. Instruction: Tell why the sky is blue.\n5. Input: <noinput>\n5. Output:\n###\n"
    "6. Instruction: Count all the letters in banana.\n6. Input: <noinput>\n7. Output: Six.\n"
    "7. Instruction: List some uses of old newspapers.\n7. Input: <noinput>\n7. Output: Hats."
)


def test_what_each_fault_costs_by_hand() -> None:
    words = {n: " ".join(random.Random(n).sample(WORDS, 8)) for n in range(7, 21)}
    late = "".join(
        f"\n###\n{n}. Instruction: Explain {words[n]}.\n{n}. Input: <noinput>\n{n}. Output: Yes." for n in words
    )
    stopped = " Tell when the war ended.\n4. Input: <noinput>\n4. Output: It ended in 2020. Then came peace." + late
    stopped = stopped.replace("###\n7.", "###\n5.", 1)
    answers = [TeacherAnswer(0, SHIFTED, "stop", "m", Usage(100, 100)), TeacherAnswer(1, stopped, "stop", "m", None)]
    wanted = settings_for("http://127.0.0.1:9/v1", tasks_per_request=20)
    price = Price("m", 1.0, 2.0, "2026-01-01", "test")
    none, item_20, sentence, counted, outputs, everything = costs_of_faults(
        answers, wanted.way(many_seeds()), wanted, [price]
    )
    assert none.good == 3 + 15 and none.spoilt == 0
    assert item_20.good == none.good - 1, "item 20 is never written"
    assert (sentence.good, sentence.spoilt) == (3, 1), "the answer ends in a sentence, and the cut item is kept"
    assert sentence.sample.endswith("It ended in 20") or sentence.sample.endswith("It ended in ")
    assert counted.good == 1 + 1, "of each answer the first only: all the others are counted wrongly"
    assert (outputs.good, outputs.spoilt) == (none.good, 1), "the empty output is kept"
    assert (everything.good, everything.spoilt) == (1, 1)
    bytes_in, bytes_out = (len(each.encode()) for each in (wanted.way(many_seeds()).questions(0)[0].prompt, stopped))
    tokens_in, tokens_out = 100 + bytes_in / 4.3, 100 + bytes_out / 4.3
    assert none.usd[0] == pytest.approx((tokens_in + 2 * tokens_out) * 52_002 / 18 / 1e6, rel=1e-3)


# The whole stage, against a real endpoint


def written_by_stub(number: int, prompt: str) -> StubReply:
    """Three tasks that depend on the prompt alone: one good, one again and again the same, one without output."""
    chance = random.Random(prompt)
    good = " ".join(chance.sample(WORDS, 7))
    return completion(
        f" Explain {good}.\n4. Input: <noinput>\n4. Output: {good} is good.\n###\n"
        "5. Instruction: Tell me the same joke once more.\n5. Input: <noinput>\n5. Output: Ha.\n###\n"
        "6. Instruction: Forget the rest of this task.\n6. Input: <noinput>"
    )


def settings_for(base_url: str, **changes: object) -> GenerationSettings:
    teacher = TeacherSettings(base_url, "stub-1", 1.0, 300, 5.0, 17, first_wait_seconds=0.001)
    return replace(GenerationSettings(teacher, 17, number_of_rows=12, tasks_per_request=6), **changes)  # type: ignore[arg-type]


def many_seeds() -> list[SeedTask]:
    return [
        SeedTask(f"seed_{i}", "n", f"Recite number {i} {' '.join(WORDS[i : i + 5])}", (Instance("", "x"),), False)
        for i in range(30)
    ]


def run_stage(folder: Path, wanted: GenerationSettings) -> Generated:
    return asyncio.run(generate(Stage("02_generate_data", folder, {}), wanted, wanted.way(many_seeds())))


FINAL_FILES = ("dataset.json", "rejected.jsonl", "generation/provenance.jsonl")


def test_rows_and_what_is_known_about_them(tmp_path: Path) -> None:
    with stub_endpoint(written_by_stub) as stub:
        made = run_stage(tmp_path, settings_for(stub.base_url))
        metrics = made.metrics(settings_for(stub.base_url))
    rows = json.loads((tmp_path / "dataset.json").read_text())
    assert len(rows) == 12 and all(list(row) == ["instruction", "input", "output"] for row in rows)
    assert metrics["requests"] == len(stub.requests)
    assert metrics["prompt_tokens"] == 100 * len(stub.requests)
    assert metrics["candidates"] == 12 + sum(made.rejected_by_reason.values())
    assert set(made.rejected_by_reason) == {"near_duplicate", "missing_output"}
    provenance = [json.loads(line) for line in (tmp_path / "generation" / "provenance.jsonl").read_text().splitlines()]
    assert len(provenance) == 12
    assert provenance[1]["request_index"] == 0 and provenance[1]["position"] == 5
    assert provenance[0]["teacher"] == "stub-1" and provenance[0]["nearest_kind"] == "seed"
    shown = settings_for(stub.base_url).way(many_seeds()).seeds_of(provenance[5]["request_index"])
    assert provenance[5]["seed_ids"] == [task.id for task in shown]
    card = (tmp_path / "DATASET_CARD.md").read_text()
    assert "12 rows" in card and "license: other" in card and "stub-1" in card


def test_the_offline_teacher_is_never_called_a_model(tmp_path: Path) -> None:
    with stub_endpoint(
        lambda n, prompt: StubReply(body=written_by_stub(n, prompt).body.replace(b"stub-1", b"offline"))
    ) as stub:
        wanted = settings_for(stub.base_url)
        made = run_stage(tmp_path, replace(wanted, teacher=replace(wanted.teacher, model="gpt-6-luna")))
    assert made.teacher == "offline"
    assert "Apache-2.0" in (tmp_path / "DATASET_CARD.md").read_text()
    assert '"teacher": "offline"' in (tmp_path / "generation" / "provenance.jsonl").read_text()


def test_concurrency_and_crashes_do_not_change_a_byte(tmp_path: Path) -> None:
    def slow_start(number: int, prompt: str) -> StubReply:
        if number == 0:
            return StubReply(500, b"{}")  # the first one comes back last
        return written_by_stub(number, prompt)

    with stub_endpoint(written_by_stub) as stub, stub_endpoint(slow_start) as other:
        run_stage(tmp_path / "one", settings_for(stub.base_url, concurrency=1))
        run_stage(tmp_path / "eight", settings_for(other.base_url, concurrency=8))
        # A crash in the middle: the ledger ends inside a record, and there are no final files.
        whole = (tmp_path / "one" / "generation" / "ledger.jsonl").read_bytes()
        (tmp_path / "crashed" / "generation").mkdir(parents=True)
        (tmp_path / "crashed" / "generation" / "ledger.jsonl").write_bytes(whole[: int(len(whole) * 0.6)])
        recorded = whole[: int(len(whole) * 0.6)].count(b'"kind":"answer"') - 1
        (tmp_path / "crashed" / ".rejected.jsonl.growing.tmp").write_bytes(b"{half a rej")
        before = len(stub.requests)
        run_stage(tmp_path / "crashed", settings_for(stub.base_url, concurrency=3))
        assert recorded > 2
        assert len(stub.requests) - before <= before - recorded + 3
    for name in FINAL_FILES:
        expected = (tmp_path / "one" / name).read_bytes()
        assert (tmp_path / "eight" / name).read_bytes() == expected, name
        assert (tmp_path / "crashed" / name).read_bytes() == expected, name
    assert not list((tmp_path / "crashed").rglob("*.tmp"))


def test_a_second_run_asks_nothing_and_more_rows_ask_the_rest_only(tmp_path: Path) -> None:
    stage = Stage("02_generate_data", tmp_path, {})
    with stub_endpoint(written_by_stub) as stub:
        wanted = settings_for(stub.base_url)
        (first,) = asyncio.run(ask_one(stage, wanted, wanted.way(many_seeds()), 0))
        assert "Explain" in first.text and len(stub.requests) == 1
        run_stage(tmp_path, settings_for(stub.base_url))
        asked = len(stub.requests)
        run_stage(tmp_path, settings_for(stub.base_url))
        assert len(stub.requests) == asked
        run_stage(tmp_path, settings_for(stub.base_url, number_of_rows=16))
        assert asked < len(stub.requests) <= asked + 8
    assert len(json.loads((tmp_path / "dataset.json").read_text())) == 16


def test_each_row_can_be_found_in_the_ledger(tmp_path: Path) -> None:
    with stub_endpoint(written_by_stub) as stub:
        run_stage(tmp_path, settings_for(stub.base_url))
    answers = {each.request_index: each.text for each in recorded_answers(tmp_path / "generation" / "ledger.jsonl")}
    rows = json.loads((tmp_path / "dataset.json").read_text())
    provenance = [json.loads(line) for line in (tmp_path / "generation" / "provenance.jsonl").read_text().splitlines()]
    for row, origin in zip(rows, provenance, strict=True):
        raw = answers[origin["request_index"]][origin["start"] : origin["end"]]
        assert row["instruction"] in raw and row["output"] in raw and origin["repairs"] == []
    for line in (tmp_path / "rejected.jsonl").read_text().splitlines():
        rejection = json.loads(line)
        assert rejection["text"] == answers[rejection["request_index"]][rejection["start"] : rejection["end"]].strip()


def test_a_collapsing_yield_stops_with_advice(tmp_path: Path) -> None:
    with (
        stub_endpoint(lambda number, prompt: completion("I would rather not.")) as stub,
        pytest.raises(TeacherError, match=r"last 30 answers gave no new row \(0 of 12 are kept\).*'not_a_task'"),
    ):
        run_stage(tmp_path, settings_for(stub.base_url))
    assert len(stub.requests) < 40
    assert not (tmp_path / "dataset.json").exists()


def test_an_error_waits_for_the_answers_on_their_way(tmp_path: Path) -> None:
    def refuse_the_third(number: int, prompt: str) -> StubReply:
        return StubReply(400, b'{"error": {"message": "no"}}') if number == 2 else written_by_stub(number, prompt)

    with (
        stub_endpoint(refuse_the_third) as stub,
        pytest.raises(TeacherError, match="does not accept the request"),
    ):
        run_stage(tmp_path, settings_for(stub.base_url, concurrency=8))
    ledger = (tmp_path / "generation" / "ledger.jsonl").read_bytes()
    assert ledger.count(b'"kind":"answer"') == len(stub.requests) - 1


# Settings, plan, seeds


def test_the_plan_by_hand() -> None:
    teacher = TeacherSettings("https://api.openai.com/v1", "gpt-6-luna", 1.0, 1000, 1.0, 17)
    settings = GenerationSettings(teacher, 17, number_of_rows=170, protocol="numbered")
    way = settings.way(many_seeds())
    plan = plan_requests(settings, way)
    assert plan.least_requests == 10  # 17 new tasks in each
    assert plan.likely_requests == 17  # 60 % of them kept
    longest = max(len(way.questions(item)[0].prompt) for item in range(17))
    assert plan.worst_usd_per_request == pytest.approx((longest + 16) * 0.125e-6 + 1000 * 0.50e-6)  # cache writes
    assert plan.requests_within_budget == int(1 / plan.worst_usd_per_request)


def test_an_unknown_price_stops_the_plan() -> None:
    teacher = TeacherSettings("https://api.openai.com/v1", "gpt-99", 1.0, 1000, 1.0, 17)
    with pytest.raises(BudgetError, match="gpt-99"):
        settings = GenerationSettings(teacher, 17, number_of_rows=10)
        plan_requests(settings, settings.way(many_seeds()))


@pytest.mark.parametrize(
    "changes",
    [
        {"number_of_rows": 0},
        {"seeds_per_request": 0},
        {"tasks_per_request": 3},
        {"novelty_threshold": 1.5},
        {"concurrency": 0},
        {"concurrency": 65},
        {"protocol": "Stanford"},
    ],
)
def test_settings_are_checked(changes: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match=next(iter(changes))):
        settings_for("http://127.0.0.1:9/v1", **changes)


def test_reading_seeds_names_the_bad_line(tmp_path: Path) -> None:
    good = {"id": "s", "name": "n", "instruction": "Do it.", "instances": [{"input": "", "output": "x"}]}
    path = tmp_path / "seed_tasks.jsonl"
    path.write_text(json.dumps({**good, "is_classification": False}) + "\n" + json.dumps(good) + "\n")
    with pytest.raises(InputFileError, match="line 2: not a seed task"):
        read_seed_tasks(path)
    path.write_text(json.dumps({**good, "is_classification": False}) + "\n")
    assert read_seed_tasks(path) == [SeedTask("s", "n", "Do it.", (Instance("", "x"),), False)]
    path.write_text("")
    with pytest.raises(InputFileError, match="no seed task"):
        read_seed_tasks(path)


# The real offline teacher


def test_the_offline_teacher_end_to_end(tmp_path: Path) -> None:
    teacher = TeacherSettings("", "offline", 1.0, 3072, 0.0, 17)
    seeds = read_seed_tasks(Path(alpaca_nb.__file__).parent / "seed_tasks" / "seed_tasks.jsonl")
    for name, concurrency in (("one", 1), ("eight", 8)):
        wanted = GenerationSettings(teacher, 17, number_of_rows=60, concurrency=concurrency)
        made = asyncio.run(generate(Stage("02_generate_data", tmp_path / name, {}), wanted, wanted.way(seeds)))
    for name in FINAL_FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "eight" / name).read_bytes()
    metrics = made.metrics(wanted)
    assert metrics["rows"] == 60 and metrics["teacher"] == "offline" and metrics["usd"] == 0
    assert 60 / 0.97 < len(made.folded.kept) + len(made.folded.rejected) < 60 / 0.5
    assert len(made.rejected_by_reason) >= 3, "the offline teacher makes several kinds of faults"


def test_the_offline_teacher_is_stopped_and_a_failed_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_offline_teacher(3) as base_url:
        address = (urlsplit(base_url).hostname, urlsplit(base_url).port)
        socket.create_connection(address, timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    with pytest.raises(TeacherError, match="did not start"), running_offline_teacher(3):
        pass
