"""A kit of three small notebooks and one recipe, for the tests of the runner."""

import io
import json
from pathlib import Path

from small_notebooks import write_stage

from alpaca_nb import recipes, runner, runs

ONE, TWO, THREE, FOUR = runs.STAGES[:4]
SIX = runs.STAGES[-1]
TRACE = "open(stage.path('trace.txt'), 'a').write(stage.name[:2])"  # which stages really ran


def make_kit(folder: Path) -> Path:
    """Three well-behaved stages, one recipe, and a foreign folder, `elsewhere`, to call them from."""
    for stage, more in ((ONE, ()), (TWO, ("rate: float = 1.0",)), (THREE, ('dataset_path: str = ""',))):
        write_stage(folder / "notebooks", stage, TRACE, more=more)
    (folder / "recipes").mkdir()
    (folder / "recipes" / "plain.yaml").write_text("seed: 5\n")
    (folder / "elsewhere").mkdir()
    return folder


def run(kit: Path, *options: str, **chosen: object) -> str:
    """Run stages 01 to 03 into kit/run; returns what was printed."""
    recipe = load(kit, *options)
    out = io.StringIO()
    settings = {"last": THREE, "notebooks_folder": kit / "notebooks", **chosen}
    runner.run(recipe, kit / "run", runner.Options(**settings), out)  # type: ignore[arg-type]
    return out.getvalue()


def load(kit: Path, *options: str) -> recipes.Recipe:
    return recipes.load("plain", options, notebooks_folder=kit / "notebooks", recipes_folder=kit / "recipes")


def trace(kit: Path) -> str:
    file = kit / "run" / "trace.txt"
    return file.read_text() if file.exists() else ""


def run_file(kit: Path) -> dict[str, object]:
    return json.loads((kit / "run" / "run.json").read_text())  # type: ignore[no-any-return]
