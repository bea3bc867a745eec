"""Recipes: one YAML file for each way to run the notebooks, checked before anything runs.

A notebook's values are its own defaults, overlaid by the recipe, overlaid by `-p name=value`. papermill only warns
about a parameter it does not know; here an unknown name, a wrong type, a repeated key or a path that leads nowhere is
an error.
"""

import difflib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from alpaca_nb.choices import EVALUATION_SETS, TRAINING_OPTIONS
from alpaca_nb.errors import ModelError, RecipeError
from alpaca_nb.models.sources import HUB_ID, RANDOM_LLAMA, SMOLLM2, check_folder
from alpaca_nb.parameters import (
    RUN_DIR,
    Declaration,
    declared_by_stage,
    from_text,
    from_yaml,
    refuse_secret,
)
from alpaca_nb.recipe_checks import check_values
from alpaca_nb.runs import KIT_FOLDER, NOTEBOOKS_FOLDER, Parameter

RECIPES_FOLDER = KIT_FOLDER / "papermill_runs" / "recipes"
_SUFFIXES = (".yaml", ".yml")
_INSTEAD = {  # of former parameters
    "ask_for": "protocol=list, numbered or structured",
    "use_batch": "service_tier=batch",
    "max_steps": "epochs, which may be a fraction",
    "rendezvous_endpoint": "MASTER_ADDR and MASTER_PORT into the environment",
    **{name: f"training_options={name}" for name in TRAINING_OPTIONS},
}


@dataclass(frozen=True)
class Recipe:
    """A checked recipe; every path in it is relative to the notebooks folder, as the notebooks open it."""

    name: str
    stages: dict[str, dict[str, Parameter]]  # stage → every parameter of its notebook, without run_dir
    overrides: dict[str, Parameter]  # the `-p` options alone

    @property
    def parameters(self) -> dict[str, Parameter]:
        """All parameters of all stages; one name has the same value everywhere unless two defaults differ."""
        return {name: value for values in self.stages.values() for name, value in values.items()}

    @property
    def default_run_name(self) -> str:
        """Name of the run folder when none is given: the same overrides always lead to the same folder."""
        if not self.overrides:
            return self.name
        text = json.dumps(self.overrides, sort_keys=True)
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def load(
    name_or_path: str,
    options: Sequence[str] = (),
    *,
    caller_folder: Path | None = None,
    notebooks_folder: Path = NOTEBOOKS_FOLDER,
    recipes_folder: Path = RECIPES_FOLDER,
) -> Recipe:
    """Read and check a recipe with its `-p` options (`name=value`); raises RecipeError, and nothing has run yet."""
    caller_folder = caller_folder or Path.cwd()
    path = find(name_or_path, caller_folder=caller_folder, recipes_folder=recipes_folder)
    stages = declared_by_stage(notebooks_folder)
    known = {name: item for declarations in stages.values() for name, item in declarations.items() if name != RUN_DIR}
    from_recipe: dict[str, Parameter] = {}
    for name, value, line in _read_yaml(path):
        where = f"{path.name}, line {line}: "
        declaration = _known(name, known, where, value)
        read = partial(from_yaml, declaration, value)
        from_recipe[name] = _checked(declaration, read, where, path.parent, notebooks_folder)
    overrides: dict[str, Parameter] = {}
    for option in options:
        name, equals, text = option.partition("=")
        name = name.strip()
        if not equals:
            raise RecipeError(f"-p {option}: write it as name=value")
        declaration = _known(name, known, "-p: ", text)
        read = partial(from_text, declaration, text)
        overrides[name] = _checked(declaration, read, "-p: ", caller_folder, notebooks_folder)
    chosen = {**from_recipe, **overrides}
    recipe = Recipe(
        name=path.stem,
        stages={
            stage: {name: chosen.get(name, item.default) for name, item in declarations.items() if name != RUN_DIR}
            for stage, declarations in stages.items()
        },
        overrides=overrides,
    )
    check_values(recipe.parameters)
    return recipe


def find(name_or_path: str, *, caller_folder: Path, recipes_folder: Path = RECIPES_FOLDER) -> Path:
    """Turn a recipe's name, or a path to a YAML file, into its path; raises RecipeError with the closest names."""
    if name_or_path.endswith(_SUFFIXES):
        path = caller_folder / Path(name_or_path).expanduser()
        if not path.is_file():
            raise RecipeError(f"no recipe file at {name_or_path} (looked from the current folder)")
        return path
    path = recipes_folder / f"{name_or_path}.yaml"
    if Path(name_or_path).name != name_or_path or not path.is_file():
        names = [name for name, _ in listed(recipes_folder)]
        raise RecipeError(
            f"unknown recipe {name_or_path!r}{_closest(name_or_path, names)}. Recipes are {', '.join(names)}; "
            "a path to a file ending in .yaml works too"
        )
    return path


def listed(recipes_folder: Path = RECIPES_FOLDER) -> list[tuple[str, str]]:
    """Every recipe with the text of its first comment line, in alphabetical order."""
    found = []
    for path in sorted(recipes_folder.glob("*.yaml")):
        first = path.read_text(encoding="utf-8").split("\n", 1)[0]
        found.append((path.stem, first.lstrip("# ").strip() if first.startswith("#") else ""))
    return found


def _known(name: str, known: dict[str, Declaration], where: str, value: object) -> Declaration:
    refuse_secret(name, value)
    if name == RUN_DIR:
        raise RecipeError(f"{where}run_dir is not a recipe's parameter: use the option --run-dir")
    if name not in known:
        instead = f": write {_INSTEAD[name]}" if name in _INSTEAD else ""
        hint = instead or _closest(name, known) or f". Known are {', '.join(sorted(known)) or 'none'}"
        raise RecipeError(f"{where}unknown parameter {name!r}{hint}")
    return known[name]


def _checked(
    declaration: Declaration, read: Callable[[], Parameter], where: str, folder: Path, notebooks_folder: Path
) -> Parameter:
    """Convert a value by `read`, then resolve a path from `folder`; errors start with `where`."""
    try:
        return _resolve_path(declaration.name, read(), folder, notebooks_folder)
    except ValueError as error:
        raise RecipeError(f"{where}{declaration.name}: {error}") from None


def _resolve_path(name: str, value: Parameter, folder: Path, notebooks_folder: Path) -> Parameter:
    """Make a path parameter relative to the notebooks folder; raises ValueError where it leads nowhere."""
    if not isinstance(value, str) or (not value and name != "base_model"):
        return value
    path = folder / Path(value).expanduser()
    if name == "base_model":
        if not _is_base_model_folder(value, path):
            return value
    elif name == "evaluation_set":
        if value in EVALUATION_SETS:
            return value
        if not path.is_file():
            known = ", ".join(EVALUATION_SETS)
            raise ValueError(f"{value!r} is neither {known} nor a file (looked from {_words(folder)})")
    elif name == "own_tasks":
        if not path.is_file():
            raise ValueError(f"no file at {value} (looked from {_words(folder)})")
    elif not name.endswith("_path"):
        return value
    elif not path.exists():
        raise ValueError(f"nothing at {value} (looked from {_words(folder)})")
    return relative_path(path, notebooks_folder)


def _is_base_model_folder(value: str, path: Path) -> bool:
    """False for a known name and a hub id; raises ValueError for no model at all, and for a folder that is none."""
    if value in (RANDOM_LLAMA, SMOLLM2) or (HUB_ID.fullmatch(value) and not (path / "config.json").is_file()):
        return False
    if not value or not path.is_dir():
        raise ValueError(
            f"no folder at {value!r}; a base model is {RANDOM_LLAMA}, {SMOLLM2}, "
            "a hub id like HuggingFaceTB/SmolLM2-135M, or a model folder"
        )
    try:
        check_folder(path.resolve())
    except ModelError as error:
        raise ValueError(str(error)) from None
    return True


def relative_path(path: Path, folder: Path) -> str:
    """`path` as seen from `folder`, with forward slashes; absolute only where nothing else exists (Windows drives)."""
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _words(folder: Path) -> str:
    return "the current folder" if folder.resolve() == Path.cwd() else "the recipe's folder"


def _read_yaml(path: Path) -> list[tuple[str, object, int]]:
    """Read (name, value, line from 1) of a flat YAML map; raises RecipeError for anything else, repeated keys too."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except UnicodeDecodeError:
        raise RecipeError(f"{path.name} is not UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise RecipeError(f"{path.name}{line}: not valid YAML ({getattr(error, 'problem', error)})") from None
    if node is None:
        return []
    if not isinstance(node, yaml.MappingNode) or not isinstance(values, dict):
        raise RecipeError(f"{path.name}: a recipe is a list of `name: value` lines")
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if key.value in lines:
            raise RecipeError(f"{path.name}, line {line}: {key.value} stands already in line {lines[key.value]}")
        lines[key.value] = line
    return [(str(name), value, lines.get(str(name), 1)) for name, value in values.items()]


def _closest(word: str, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(words), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
