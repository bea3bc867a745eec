"""What the documents promise is there: no blanks left to fill, notebooks that open as the default recipe runs them."""

import json
import re

import pytest
import yaml
from conftest import REPOSITORY

from alpaca_nb.parameters import declared_by_stage
from alpaca_nb.runs import NOTEBOOKS_FOLDER

DOCUMENTS = sorted(REPOSITORY.glob("*.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_blank_is_left_to_fill(document: object) -> None:
    text = REPOSITORY.joinpath(str(document)).read_text(encoding="utf-8")
    assert re.findall(r"\b(?:TODO|FIXME|TBD|[A-Z]+_MINUTES|REPOSITORY)\b", text) == []


def test_the_notebooks_open_with_the_values_of_the_default_recipe() -> None:
    """Run All in JupyterLab and `alpaca-nb run tiny` write into one folder, so they must be the same run."""
    tiny = yaml.safe_load((REPOSITORY / "papermill_runs" / "recipes" / "tiny.yaml").read_text(encoding="utf-8"))
    other = {
        f"{stage}: {name}": (declaration.default, tiny[name])
        for stage, declarations in declared_by_stage(NOTEBOOKS_FOLDER).items()
        for name, declaration in declarations.items()
        if name in tiny and declaration.default != tiny[name]
    }
    assert other == {}


def test_the_course_says_of_every_recipe_what_it_takes() -> None:
    text = (REPOSITORY / "course" / "README.md").read_text(encoding="utf-8").partition("## Minutes and dollars")[2]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| `")]
    named = {row[0].strip("`") for row in rows}
    assert named == {path.stem for path in (REPOSITORY / "papermill_runs" / "recipes").glob("*.yaml")}
    assert all("measured" in row[4] for row in rows), "each row says whether it was measured"


def test_measured_minutes_are_those_of_the_file() -> None:
    text = (REPOSITORY / "course" / "README.md").read_text(encoding="utf-8").partition("## Minutes and dollars")[2]
    measured = [line for line in text.splitlines() if "| measured" in line]
    linked = re.findall(r"\(\.\./(benchmarks/results/recipes_[\d-]+\.json)\)", text)
    seconds = [
        value
        for file in linked
        for run in json.loads((REPOSITORY / file).read_text(encoding="utf-8"))["runs"]
        for value in (run.get("stages_seconds"), run.get("wall_seconds"), *run.get("stage_seconds", {}).values())
        if value is not None
    ]
    said = [float(number) for line in measured for number in re.findall(r"\d+\.\d", line)]
    assert len(said) >= 8
    assert [minutes for minutes in said if minutes not in {round(value / 60, 1) for value in seconds}] == []


def test_the_numbers_of_the_tiny_run_are_those_of_the_file() -> None:
    table = (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("**From one run of `tiny`**")[2]
    table = table.partition("Run the command again")[0].replace("\\$", "$")
    linked = re.findall(r"\((benchmarks/results/tiny_[\d-]+\.json)\)", table)
    assert len(linked) == 1
    run = json.loads((REPOSITORY / linked[0]).read_text(encoding="utf-8"))
    data, loss, bill = run["02_stage.json"], run["03_stage.json"], run["costs.json"]["this_run"]
    strict, lenient = (run["05_stage.json"][measure] for measure in ("strict", "lenient"))
    verdicts = run["claims.json"]
    ((_, projected),) = run["report.json"].values()
    promised = (
        f"{data['rows']} of {data['candidates']:,} candidates, in {data['requests']} requests",
        f"{loss['rows_held_out']} rows never trained on",
        f"{loss['held_out_loss_before']:.2f} → {loss['held_out_loss_after']:.2f}",
        f"{run['05_stage.json']['questions']} held-out questions",
        "{} (difference {} to {} points)".format(before_and_after(strict), *points(strict)),
        "{} ({} to {} points)".format(before_and_after(lenient), *points(lenient)),
        f"${bill['usd']:.4f} for its {bill['seconds'] / 60:.1f} minutes",
        " to ".join(re.findall(r"\$[\d.]+\d", projected)[:2]),
        f"of {sum(verdicts.values())}: {verdicts['holds']} hold, {verdicts['holds with a footnote']} with a footnote, "
        f"{verdicts['not reproducible']} cannot be reproduced, {verdicts['unsupported']} has no support",
    )
    assert [words for words in promised if words not in table] == []


def before_and_after(measure: dict[str, float]) -> str:
    return f"{100 * measure['untuned']:.0f} % → {100 * measure['tuned']:.0f} %"


def points(measure: dict[str, list[float]]) -> list[str]:
    return [f"{100 * bound:.0f}" for bound in measure["interval"]]


def test_the_map_names_every_module_and_package() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    package = REPOSITORY / "alpaca_nb"
    modules = [path.name for path in package.glob("*.py") if not path.name.startswith("__")]
    rooms = [f"{path.name}/" for path in package.iterdir() if path.is_dir() and not path.name.startswith("__")]
    assert len(modules) > 20 and len(rooms) > 10
    assert sorted(name for name in modules + rooms if f"`{name}`" not in text) == []
