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
