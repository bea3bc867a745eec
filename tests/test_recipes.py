"""Recipes and parameters: everything wrong with them is said before anything runs."""

import os
from pathlib import Path

import pytest
from small_notebooks import write_notebook

from alpaca_nb import recipes
from alpaca_nb.errors import RecipeError
from alpaca_nb.parameters import declared_by_stage, read_declarations
from alpaca_nb.runs import NOTEBOOKS_FOLDER

DECLARED = """run_dir: str = "../run"
seed: int = 17  # of every random choice
learning_rate: float = 2.0e-5  # peak, per step

name: str = "a # b = c"
shuffle: bool = True
dataset_path: str = ""
base_model: str = "smollm2-135m"
"""


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A folder with notebooks/ (stage 03 alone), recipes/plain.yaml and data.json."""
    write_notebook(tmp_path / "notebooks", "03_finetune_fsdp", DECLARED, [])
    (tmp_path / "recipes").mkdir()
    write_recipe(tmp_path, "# alpaca-nb run plain    # anywhere, $0\nseed: 5\n")
    (tmp_path / "data.json").write_text("[]")
    return tmp_path


def write_recipe(kit: Path, text: str) -> None:
    (kit / "recipes" / "plain.yaml").write_text(text)


def write_model_folder(folder: Path) -> Path:
    """A model folder that is whole, with nothing in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    return folder


def load(kit: Path, *options: str, name: str = "plain", caller: Path | None = None) -> recipes.Recipe:
    return recipes.load(
        name,
        options,
        caller_folder=caller or kit,
        notebooks_folder=kit / "notebooks",
        recipes_folder=kit / "recipes",
    )


def values(recipe: recipes.Recipe) -> dict[str, object]:
    return dict(recipe.stages["03_finetune_fsdp"])


def test_declarations_keep_what_papermills_inspector_mangles(kit: Path) -> None:
    found = read_declarations(kit / "notebooks" / "03_finetune_fsdp.ipynb")
    assert list(found) == ["run_dir", "seed", "learning_rate", "name", "shuffle", "dataset_path", "base_model"]
    assert found["name"].default == "a # b = c"
    assert found["learning_rate"].help == "peak, per step"
    assert (found["shuffle"].type, found["shuffle"].default) == ("bool", True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("steps = 3", "line 2: not a declaration"),
        ("steps: list = []", "its type must be one of int, float, str, bool"),
        ("steps: int = 2 * 3", "must be a literal"),
        ("steps: int = True", "the default True is not int"),
        ("steps: int = 1.0", "the default 1.0 is not int"),
        ("steps: int", "the default None is not int"),
        ("seed: int = 1", "declared twice"),
        ("steps: int = (", "line 2"),
    ],
)
def test_bad_declaration_names_notebook_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = write_notebook(tmp_path, "01_seed_tasks", f"seed: int = 1\n{line}", [])
    with pytest.raises(RecipeError, match=r"01_seed_tasks\.ipynb, parameters cell") as error:
        read_declarations(path)
    assert message in str(error.value)


def test_one_name_has_one_type_in_all_notebooks(tmp_path: Path) -> None:
    write_notebook(tmp_path, "01_seed_tasks", "rate: int = 1", [])
    write_notebook(tmp_path, "02_generate_data", "rate: float = 1.0", [])
    with pytest.raises(RecipeError, match="rate is int in notebook 01_seed_tasks but float in 02_generate_data"):
        declared_by_stage(tmp_path)


def test_option_beats_recipe_beats_default(kit: Path) -> None:
    assert values(load(kit))["seed"] == 5
    assert values(load(kit, "seed=6"))["seed"] == 6
    write_recipe(kit, "")
    assert values(load(kit))["seed"] == 17
    assert "run_dir" not in values(load(kit))


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("seed=+4", 4),
        ("learning_rate=1e-5", 1e-5),
        ("learning_rate=3", 3.0),
        ("name=007", "007"),
        ("name=false", "false"),
        ("name=a=b", "a=b"),
        ("name=", ""),
        ("shuffle=false", False),
        ("shuffle=True", True),
    ],
)
def test_option_is_read_by_its_declared_type(kit: Path, option: str, expected: object) -> None:
    value = values(load(kit, option))[option.split("=")[0]]
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "option",
    ["seed=1.5", "seed=1e3", "seed=two", "seed=", "learning_rate=fast", "learning_rate=nan", "shuffle=1", "shuffle=no"],
)
def test_option_of_another_type_is_refused(kit: Path, option: str) -> None:
    with pytest.raises(RecipeError, match=option.split("=")[0]):
        load(kit, option)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("learning_rate: 2e-5", "write 2.0e-5"),
        ("learning_rate: 1e3", "write 1.0e+3"),
        ("learning_rate: 2.5e-5x", "'2.5e-5x' (text)"),
        ('seed: "4"', "write 4 without quotes"),
        ("seed: 4.0", "int expected"),
        ("seed: yes", "int expected, but YAML reads True (true or false)"),
        ("seed:", "YAML reads None (nothing)"),
        ("name: 4", "in quotes"),
        ("name: no", "in quotes"),
        ("shuffle: 1", "write true or false"),
        ("learning_rate: .inf", "inf"),
        ("seed: [1]", "a list"),
    ],
)
def test_yaml_value_of_another_type_says_what_to_write(kit: Path, line: str, message: str) -> None:
    write_recipe(kit, f"# a comment\n{line}\n")
    with pytest.raises(RecipeError, match=r"plain\.yaml, line 2: ") as error:
        load(kit)
    assert message in str(error.value)


def test_whole_number_is_fine_for_a_float(kit: Path) -> None:
    write_recipe(kit, "learning_rate: 1\n")
    assert values(load(kit))["learning_rate"] == 1.0
    assert type(values(load(kit))["learning_rate"]) is float


def test_unknown_parameter_names_the_closest(kit: Path) -> None:
    with pytest.raises(RecipeError, match="unknown parameter 'learning_rat' \\(did you mean 'learning_rate'\\?\\)"):
        load(kit, "learning_rat=1")
    write_recipe(kit, "seed: 1\nsede: 2\n")
    with pytest.raises(RecipeError, match=r"plain\.yaml, line 2: unknown parameter 'sede' \(did you mean 'seed'\?\)"):
        load(kit)
    with pytest.raises(RecipeError, match="Known are base_model, dataset_path"):
        write_recipe(kit, "")
        load(kit, "zzzzzz=1")
    for name, instead in (("use_batch", "service_tier=batch"), ("tensorboard", "training_options=tensorboard")):
        with pytest.raises(RecipeError, match=f"unknown parameter '{name}': write {instead}"):
            load(kit, f"{name}=true")


def test_repeated_key_is_an_error_with_both_lines(kit: Path) -> None:
    write_recipe(kit, "seed: 1\n\nseed: 2\n")
    with pytest.raises(RecipeError, match="line 3: seed stands already in line 1"):
        load(kit)


@pytest.mark.parametrize("text", ["- seed\n", "seed\n", "seed: [1\n", "seed: 1\n  name: x\n"])
def test_file_that_is_no_map_is_an_error(kit: Path, text: str) -> None:
    write_recipe(kit, text)
    with pytest.raises(RecipeError, match=r"plain\.yaml"):
        load(kit)


def test_unknown_recipe_lists_the_known_and_the_closest(kit: Path) -> None:
    with pytest.raises(RecipeError, match=r"unknown recipe 'plan' \(did you mean 'plain'\?\)\. Recipes are plain"):
        load(kit, name="plan")
    with pytest.raises(RecipeError, match="unknown recipe"):
        load(kit, name="../recipes/plain")
    with pytest.raises(RecipeError, match=r"no recipe file at nowhere\.yaml"):
        load(kit, name="nowhere.yaml")


@pytest.mark.parametrize("option", ["api_key=x", "OPENAI_API_KEY=x", "hub_token=x", "name=sk-abcdef0123456789"])
def test_secret_is_refused_and_never_repeated(kit: Path, option: str) -> None:
    with pytest.raises(RecipeError, match="OPENAI_API_KEY instead") as error:
        load(kit, option)
    assert "abcdef0123456789" not in str(error.value)


def test_url_with_a_password_is_refused(kit: Path) -> None:
    with pytest.raises(RecipeError, match="secret"):
        load(kit, "name=https://ada:hush@example.org/v1")
    assert values(load(kit, "name=https://example.org/v1?a=b@c"))["name"] == "https://example.org/v1?a=b@c"


def test_run_dir_belongs_to_its_own_option(kit: Path) -> None:
    with pytest.raises(RecipeError, match="--run-dir"):
        load(kit, "run_dir=x")


def test_path_option_is_relative_to_the_caller(kit: Path) -> None:
    (kit / "deep").mkdir()
    assert values(load(kit, "dataset_path=data.json"))["dataset_path"] == "../data.json"
    assert values(load(kit, "dataset_path=../data.json", caller=kit / "deep"))["dataset_path"] == "../data.json"
    absolute = values(load(kit, f"dataset_path={kit / 'data.json'}"))
    assert absolute["dataset_path"] == "../data.json"
    with pytest.raises(RecipeError, match=r"dataset_path: nothing at data\.json"):
        load(kit, "dataset_path=data.json", caller=kit / "deep")


def test_path_in_a_recipe_is_relative_to_the_recipe(kit: Path) -> None:
    write_recipe(kit, "dataset_path: ../data.json\n")
    assert values(load(kit, caller=kit / "notebooks"))["dataset_path"] == "../data.json"
    write_recipe(kit, "dataset_path: data.json\n")
    with pytest.raises(RecipeError, match=r"nothing at data\.json"):
        load(kit)


def test_base_model_is_a_name_unless_it_is_a_model_folder(kit: Path) -> None:
    assert values(load(kit, "base_model=org/model"))["base_model"] == "org/model"
    (kit / "org" / "model").mkdir(parents=True)
    assert values(load(kit, "base_model=org/model"))["base_model"] == "org/model"
    write_model_folder(kit / "org" / "model")
    assert values(load(kit, "base_model=org/model"))["base_model"] == "../org/model"
    for inside in (kit / "org", kit / "org" / "model"):  # found from the current folder, whichever that is
        path = os.path.relpath(kit / "org" / "model", inside)
        assert values(load(kit, f"base_model={path}", caller=inside))["base_model"] == "../org/model"


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere", "smollm3", "a/b/c", "org model", "org/", "../model", ""])
def test_a_base_model_that_is_none_is_refused_with_the_choices(kit: Path, name: str) -> None:
    with pytest.raises(
        RecipeError, match=r"base_model: no folder at .* is random-llama-1m, smollm2-135m, a hub id like"
    ):
        load(kit, f"base_model={name}")


def test_a_folder_of_a_base_model_is_whole_or_refused(kit: Path) -> None:
    folder = write_model_folder(kit / "mine")
    assert values(load(kit, "base_model=mine"))["base_model"] == "../mine"
    for part in ("model.safetensors", "tokenizer.json", "config.json"):
        (folder / part).unlink()
        with pytest.raises(RecipeError, match=rf"base_model: .*mine.* no {part[:9]}|{part} is missing"):
            load(kit, "base_model=mine")


def test_own_tasks_are_a_file_found_from_the_callers_folder(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "tasks.csv"
    file.parent.mkdir()
    file.write_text("instruction\nSay hello.\n")
    for caller, option in ((tmp_path, "deep/tasks.csv"), (file.parent, "tasks.csv"), (file.parent, str(file))):
        asked = recipes.load("tiny", [f"own_tasks={option}"], caller_folder=caller).stages["04_inference"]["own_tasks"]
        assert isinstance(asked, str)
        assert (NOTEBOOKS_FOLDER / asked).samefile(file)
    assert recipes.load("tiny", ["own_tasks="]).stages["04_inference"]["own_tasks"] == ""
    for wrong in ("tasks.csv", "deep"):  # it lies in deep, and a folder is no file
        with pytest.raises(RecipeError, match=f"own_tasks: no file at {wrong}"):
            recipes.load("tiny", [f"own_tasks={wrong}"], caller_folder=tmp_path)


def test_default_run_folder_follows_from_the_options_alone(kit: Path) -> None:
    assert load(kit).default_run_name == "plain"
    one, same = load(kit, "seed=1", "learning_rate=1e-5"), load(kit, "learning_rate=0.00001", "seed=1")
    assert one.default_run_name == same.default_run_name
    assert one.default_run_name.startswith("plain-")
    assert len(one.default_run_name) == len("plain-") + 8
    assert one.default_run_name != load(kit, "seed=2").default_run_name


def test_listing_has_the_first_comment(kit: Path) -> None:
    assert recipes.listed(kit / "recipes") == [("plain", "alpaca-nb run plain    # anywhere, $0")]
