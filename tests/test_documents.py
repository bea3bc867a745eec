"""What the documents promise is there: no blanks left to fill, notebooks that open as the default recipe runs them."""

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
