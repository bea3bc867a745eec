"""The ways of asking: JSON held to a schema, a plain list with its two requests; and the data set that comes of it."""

import asyncio
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard
from stub_endpoint import StubReply, completion, plain_completion, stub_endpoint

from alpaca_nb.errors import LedgerError, RecipeError
from alpaca_nb.files import sha256_of
from alpaca_nb.generation.settings import GenerationSettings
from alpaca_nb.generation.stage import Generated, generate
from alpaca_nb.quality.evaluation_set import EvaluationSet
from alpaca_nb.records import Example, Instance, SeedTask
from alpaca_nb.runs import Stage
from alpaca_nb.teacher.ledger import scan
from alpaca_nb.teacher.settings import TeacherSettings

WORDS = [f"{a}{b}" for a in ("tal", "rim", "sok", "ven", "qui", "dor") for b in ("ba", "ne", "lu", "mi", "to", "ra")]
SEEDS = [
    SeedTask(f"seed_{i}", "n", f"Recite   number {i} {' '.join(WORDS[i : i + 5])}", (Instance("", "x"),), False)
    for i in range(20)
]
FINAL_FILES = ("dataset.json", "rejected.jsonl", "generation/provenance.jsonl")


def settings_for(base_url: str, model: str = "stub-1", **changes: object) -> GenerationSettings:
    teacher = TeacherSettings(base_url, model, 1.0, 200, 5.0, 17, first_wait_seconds=0.001)
    return replace(GenerationSettings(teacher, 17, 12, tasks_per_request=6), **changes)  # type: ignore[arg-type]


def run_stage(folder: Path, wanted: GenerationSettings, evaluation: EvaluationSet | None = None) -> Generated:
    stage = Stage("02_generate_data", folder, {})
    return asyncio.run(generate(stage, wanted, wanted.way(SEEDS), evaluation))


# A plain list


def small_model(number: int, prompt: str) -> StubReply:
    """One line for a list, an answer for an instruction; both depend on the prompt alone and are often faulty."""
    chance = random.Random(prompt)
    if not prompt.startswith("Come up with"):
        finish_reason = chance.choice(["stop", "stop", "length"])
        return completion(f" {prompt} That is why.", finish_reason=finish_reason, model="small-135m")
    again = prompt.partition("\n1. ")[2].partition("\n")[0]  # the first seed shown
    line = chance.choice([f"Explain {' '.join(chance.sample(WORDS, 6))}.", "Draw a picture of me now.", "So.", again])
    finish_reason = chance.choice(["stop"] * 5 + ["length"])
    return plain_completion(f" {line}", finish_reason=finish_reason, model="small-135m")


def test_a_line_is_asked_first_and_its_answer_only_where_it_is_worth_one(tmp_path: Path) -> None:
    with stub_endpoint(small_model) as stub:
        made = run_stage(
            tmp_path, settings_for(stub.base_url, protocol="list", seeds_per_request=8, tasks_per_request=9)
        )
    lines = [request for request in stub.requests if "prompt" in request]
    answers = [request["messages"][0]["content"] for request in stub.requests if "messages" in request]
    assert lines[0]["prompt"].startswith("Come up with a series of diverse tasks for a text assistant:\n\n1. Recite ")
    assert lines[0]["prompt"].endswith("\n9.") and lines[0]["prompt"].count("\n") == 10
    wanted_options = {"max_tokens": 60, "temperature": 0.7, "stop": ["\n"]}
    assert {name: lines[0][name] for name in wanted_options} == wanted_options
    assert answers and all(text.startswith(("Explain", "Recite")) for text in answers), "no filtered line is answered"
    assert len(lines) > len(answers)
    assert set(made.rejected_by_reason) == {"filtered_word", "too_short", "cut_by_length", "near_duplicate"}
    rows = json.loads((tmp_path / "dataset.json").read_text())
    assert len(rows) == 12 and all(row["output"] == f"{row['instruction']} That is why." for row in rows)
    provenance = [json.loads(line) for line in (tmp_path / "generation/provenance.jsonl").read_text().splitlines()]
    assert {row["teacher"] for row in provenance} == {"small-135m"}, "labelled with the model's name"
    assert all(row["request_index"] % 2 == 0 and len(row["seed_ids"]) == 8 for row in provenance)
    assert provenance[0]["usage"]["completion_tokens"] == 100, "of both requests"


def answered_in(ledger: bytes) -> list[object]:
    """The requests whose answers a ledger has, in its order."""
    return [record["request"] for record in scan(ledger, "ledger").records if record["kind"] == "answer"]


def test_a_list_has_the_same_bytes_at_any_concurrency_and_after_a_crash(tmp_path: Path) -> None:
    with stub_endpoint(small_model) as stub:
        wanted = settings_for(stub.base_url, protocol="list")
        run_stage(tmp_path / "one", replace(wanted, concurrency=1))
        run_stage(tmp_path / "eight", replace(wanted, concurrency=8))
        whole = (tmp_path / "one/generation/ledger.jsonl").read_bytes()
        torn = whole[: len(whole) * 6 // 10]
        (tmp_path / "crashed/generation").mkdir(parents=True)
        (tmp_path / "crashed/generation/ledger.jsonl").write_bytes(torn)
        before = len(stub.requests)
        run_stage(tmp_path / "crashed", replace(wanted, concurrency=3))
        recorded = answered_in(torn[: torn.rindex(b"\n") + 1])
        answered = answered_in((tmp_path / "crashed/generation/ledger.jsonl").read_bytes())
        assert len(recorded) > 40 and answered[: len(recorded)] == recorded
        assert len(set(answered)) == len(answered), "two answers to one request"
        assert len(stub.requests) - before == len(answered) - len(recorded), "what was recorded is not asked again"
        asked = len(stub.requests)
        run_stage(tmp_path / "crashed", wanted)
        assert len(stub.requests) == asked
        with pytest.raises(LedgerError, match="ask_for was 'list' and is now 'numbered'"):
            run_stage(tmp_path / "crashed", replace(wanted, protocol="numbered"))
    for name in FINAL_FILES:
        assert (tmp_path / "eight" / name).read_bytes() == (tmp_path / "one" / name).read_bytes(), name
        assert (tmp_path / "crashed" / name).read_bytes() == (tmp_path / "one" / name).read_bytes(), name


# JSON


def written_as_json(number: int, prompt: str) -> StubReply:
    chance = random.Random(prompt)
    tasks = [
        {"instruction": f"Explain {' '.join(chance.sample(WORDS, 7))}.", "input": "", "output": "It is ### good."}
        for _ in range(3)
    ]
    return completion(json.dumps({"tasks": tasks}))


def test_the_protocol_decides_what_is_asked_and_how_it_is_read() -> None:
    wanted = {"repaired": "numbered", "numbered": "numbered", "structured": "structured", "list": "list"}
    for protocol, way in wanted.items():
        settings = settings_for("", "offline", protocol=protocol)
        assert settings.way(SEEDS).name == way and settings.read_as == "repaired"
        assert settings.way(SEEDS).configuration()["ask_for"] == way  # so that earlier ledgers still fit


def test_models_that_can_be_held_to_a_schema_are_and_others_are_not(tmp_path: Path) -> None:
    with stub_endpoint(written_as_json) as stub:
        made = run_stage(tmp_path / "known", settings_for(stub.base_url, "gpt-6-luna"))
        request = stub.requests[0]
        assert settings_for(stub.base_url).way(SEEDS).name == settings_for("", "offline").way(SEEDS).name == "numbered"
    assert made.asked_for == "structured" and not made.rejected_by_reason
    schema = request["response_format"]["json_schema"]
    task = schema["schema"]["properties"]["tasks"]["items"]
    assert schema["strict"] and task["required"] == ["instruction", "input", "output"]
    prompt = request["messages"][0]["content"]
    assert "###" not in prompt and "<noinput>" not in prompt and "Write the other 3 tasks" in prompt
    shown = json.loads(prompt[prompt.index("{") : prompt.rindex("}") + 1])
    assert [each["instruction"].split()[0] for each in shown["tasks"]] == ["Recite"] * 3
    assert '"repairs": []' in (tmp_path / "known/generation/provenance.jsonl").read_text()


def test_a_list_needs_enough_seeds() -> None:
    with pytest.raises(RecipeError, match="seeds_per_request is 30, but there are 20 seed tasks"):
        settings_for("", "offline", tasks_per_request=40, seeds_per_request=30).way(SEEDS)


# What is made of it


def test_the_data_set_loads_with_datasets_and_its_card_on_the_hub(tmp_path: Path) -> None:
    from datasets import load_dataset

    with stub_endpoint(written_as_json) as stub:
        run_stage(tmp_path, settings_for(stub.base_url, "gpt-6-luna"))
    rows = json.loads((tmp_path / "dataset.json").read_text())
    for kind, name in (("json", "dataset.json"), ("parquet", "generation/dataset.parquet")):
        loaded = load_dataset(kind, data_files=str(tmp_path / name), split="train", cache_dir=str(tmp_path / "cache"))
        assert loaded.column_names == ["instruction", "input", "output"]
        assert loaded.to_list() == rows
    card = DatasetCard.load(tmp_path / "DATASET_CARD.md")
    assert card.data.license == "other" and card.data.size_categories == "n<1K"
    assert card.data.configs[0]["data_files"] == "dataset.json"
    assert sha256_of(tmp_path / "dataset.json") in card.text and "| rejected because |" in card.text


def test_no_row_of_an_evaluation_gets_into_the_data(tmp_path: Path) -> None:
    with stub_endpoint(written_as_json) as stub:
        first = run_stage(tmp_path / "without", settings_for(stub.base_url, "gpt-6-luna"))
        held = [row.example for row in first.folded.kept]
        tasks = [
            held[0],
            Example(f"{held[1].instruction} Please do.", "", "Other."),
            Example("", "", held[2].instruction),
        ]
        evaluation = EvaluationSet(tasks, Path("evaluation.json"))
        made = run_stage(tmp_path / "with", settings_for(stub.base_url, "gpt-6-luna"), evaluation)
    assert made.rejected_by_reason == {"eval_same_task": 1, "eval_similar": 1, "eval_shared_words": 1}
    assert made.sample_of("eval_similar").detail.startswith("evaluation task 1, ROUGE-L 0.8")
    assert len(made.folded.kept) == 12 and not {row.example for row in made.folded.kept} & set(held[:3])
    assert "evaluation.json" in (tmp_path / "with" / "DATASET_CARD.md").read_text()
