"""The six lessons as a reader has them: in JupyterLab, in a real browser, with the keyboard alone and no network.

Needs `pip install -e .[browser]` and Chromium (`apt-get install chromium`), or a browser named in $CHROMIUM. Pictures
of every notebook are kept in the folder that $ALPACA_NB_SCREENSHOTS names.
"""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from lab_pages import Seen, open_lab, prepare

from alpaca_nb.runs import NOTEBOOKS_FOLDER, STAGES, read_record

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def foreign() -> list[str]:
    """Addresses outside this machine that JupyterLab asked for."""
    return []


@pytest.fixture(scope="module")
def seen(browser: "Browser", folder: Path, foreign: list[str]) -> dict[str, Seen]:
    """Open notebook 01, run all its cells, follow its link to 02, and so on; what was seen of each."""
    prepare(folder, "smoke")
    pictures = Path(os.environ.get("ALPACA_NB_SCREENSHOTS", folder / "pictures"))
    found: dict[str, Seen] = {}
    with open_lab(browser, folder) as lab:
        for stage in STAGES:
            if found:
                lab.follow_link_to(stage)
            lab.run_all()
            found[stage] = lab.look(pictures / f"{stage}.png")
        foreign += lab.foreign
    return found


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest) -> str:
    return request.param  # type: ignore[no-any-return]


def test_every_cell_ran_in_order_without_error_or_warning(seen: dict[str, Seen], folder: Path, stage: str) -> None:
    assert seen[stage].errors == []
    assert seen[stage].prompts == [f"[{number}]:" for number in range(1, len(seen[stage].prompts) + 1)]
    assert len(seen[stage].prompts) > 10
    record = read_record(folder / "run", stage)
    assert record is not None and record.status == "done"


def test_every_picture_says_what_it_shows(seen: dict[str, Seen], folder: Path, stage: str) -> None:
    record = read_record(folder / "run", stage)
    assert record is not None
    assert sorted(seen[stage].alt_texts) == sorted(record.figures.values())


def test_the_table_of_contents_has_the_headings_in_order(seen: dict[str, Seen], stage: str) -> None:
    cells = nbformat.read(NOTEBOOKS_FOLDER / f"{stage}.ipynb", as_version=4).cells
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    prose = re.sub(r"^```.*?^```", "", prose, flags=re.MULTILINE | re.DOTALL)
    headings = [re.sub(r"[*`\\]", "", line) for line in re.findall(r"^#{1,6} (.+)$", prose, flags=re.MULTILINE)]
    assert seen[stage].contents == headings


def test_nothing_is_lost_at_200_percent(seen: dict[str, Seen], stage: str) -> None:
    assert seen[stage].cut_off == []


def test_dollars_are_not_taken_for_formulas(seen: dict[str, Seen], stage: str) -> None:
    assert seen[stage].formulas == []


def test_nothing_was_asked_of_the_network(seen: dict[str, Seen], foreign: list[str]) -> None:
    assert list(seen) == list(STAGES)
    assert foreign == []
