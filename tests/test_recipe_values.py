"""Numbers and names of a recipe that a stage would refuse are refused before any stage begins."""

import math
from pathlib import Path

import pytest

from alpaca_nb import recipes
from alpaca_nb.errors import RecipeError
from alpaca_nb.parameters import declared_by_stage
from alpaca_nb.recipe_checks import RANGES, check_values

RECIPES = [name for name, _ in recipes.listed()]
CHECKED_ELSEWHERE = {"temperature", "max_completion_tokens", "budget_usd", "lora_alpha"}  # by the teacher, by the rank


@pytest.mark.parametrize(
    "option",
    [
        "seed=-1",
        "tasks_per_request=1",
        "number_of_processes=0",
        "nodes=0",
        "epochs=0",
        "epochs=-1",
        "batch_size=0",
        "learning_rate=0",
        "learning_rate=-1e-5",
        "max_length=0",
        "warmup_ratio=1",
        "warmup_ratio=2",
        "warmup_ratio=-0.1",
        "held_out_rows=0",
        "max_tokens_per_pack=0",
        "checkpoint_every=-1",
        "keep_checkpoints=-1",
        "lora_rank=-1",
        "lora_dropout=1",
        "lora_dropout=-0.5",
        "number_of_questions=0",
        "max_new_tokens=0",
        "inference_batch_size=0",
        "open_max_new_tokens=0",
        "judge_budget_usd=-1",
        "judge_concurrency=0",
        "judge_concurrency=65",
        "bootstrap_resamples=5",
        "bootstrap_resamples=999",
        "projected_rows=0",
        "usd_per_gpu_hour=-1",
        "usd_per_kwh=-0.1",
        "watts=-3",
        "grams_co2_per_kwh=-1",
        "own_card_usd=-1",
        "own_card_watts=-1",
        "own_card_tokens_per_second=0",
    ],
)
def test_a_number_out_of_its_range_is_refused(option: str) -> None:
    name = option.partition("=")[0]
    with pytest.raises(RecipeError, match=rf"{name} is \S+; it must be (between|above|at least) \d"):
        recipes.load("tiny", [option])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["filters_off=foo"], "filters_off names foo; there are"),
        (["filters_off=empty_output,foo"], "filters_off names foo; there are"),
        (["seeds_per_request=20"], "tasks_per_request is 20; it must be above seeds_per_request, which is 20"),
        (["batch_size=1"], "batch_size is 1; each of the 2 processes needs a row in each step"),
        (["nodes=13"], "batch_size is 24; each of the 26 processes needs a row in each step"),
        (["lora_rank=4", "lora_alpha=0"], "lora_alpha is 0; it must be above 0"),
        (["lora_rank=4", "lora_targets=q_proj v_proj"], "lora_targets is 'q_proj v_proj'; it must be names"),
        (["lora_rank=4", "training_options=add_pad_row"], "add_pad_row needs all weights trained"),
        (["warmup_ratio=1"], "warmup_ratio is 1.0; it must be at least 0 and below 1"),
        (["learning_rate=0"], "learning_rate is 0.0; it must be above 0"),
        (["bootstrap_resamples=5"], "bootstrap_resamples is 5; it must be at least 1000"),
    ],
)
def test_what_is_refused_says_what_it_may_be(options: list[str], message: str) -> None:
    with pytest.raises(RecipeError) as error:
        recipes.load("tiny", options)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "options",
    [
        ["learning_rate=1e-9", "epochs=0.01", "warmup_ratio=0", "lora_dropout=0.999"],
        ["number_of_processes=1", "batch_size=1", "held_out_rows=1", "max_length=1", "max_tokens_per_pack=1"],
        ["number_of_questions=1", "max_new_tokens=1", "inference_batch_size=1", "open_max_new_tokens=1"],
        ["bootstrap_resamples=1000", "projected_rows=1", "watts=0", "usd_per_kwh=0", "usd_per_gpu_hour=0", "seed=0"],
        ["filters_off=empty_output, copied_input", "judge_budget_usd=0", "lora_alpha=0"],
    ],
)
def test_the_ends_of_the_ranges_are_allowed(options: list[str]) -> None:
    recipes.load("tiny", options)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("name", RANGES)
def test_neither_infinity_nor_no_number_is_in_a_range(name: str, value: float) -> None:
    with pytest.raises(RecipeError, match=f"{name} is"):
        check_values({name: value})


@pytest.mark.parametrize("name", ["epochs", "learning_rate", "watts"])
@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "1e999"])
def test_infinity_is_refused_as_an_option(name: str, text: str) -> None:
    with pytest.raises(RecipeError, match=name):
        recipes.load("tiny", [f"{name}={text}"])


def test_a_number_too_long_for_a_float_is_no_traceback() -> None:
    with pytest.raises(RecipeError, match="number_of_rows is 1"):
        recipes.load("tiny", [f"number_of_rows=1{'0' * 400}"])


@pytest.mark.parametrize("name", RECIPES)
def test_every_value_of_the_kits_recipes_is_in_its_range(name: str) -> None:
    parameters = recipes.load(name).parameters
    numbers = {key: value for key, value in parameters.items() if isinstance(value, int | float) and key in RANGES}
    assert set(numbers) == set(RANGES)
    assert all(value in RANGES[key] for key, value in numbers.items())


def test_every_number_that_the_notebooks_declare_has_a_range() -> None:
    declared = {
        name for stage in declared_by_stage().values() for name, item in stage.items() if item.type in ("int", "float")
    }
    assert declared - CHECKED_ELSEWHERE == set(RANGES)


def test_a_wrong_number_in_a_recipe_file_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("epochs: 0\n")
    with pytest.raises(RecipeError, match=r"epochs is 0\.0; it must be above 0"):
        recipes.load(str(path))
