"""The six lessons: their text from `notebooks/`, their outputs from a run folder where that has them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from alpaca_nb.runs import NOTEBOOKS_FOLDER, STAGES

TEMPLATES = Path(__file__).resolve().parent / "templates"
LINK_TO_A_FILE = re.compile(r"\[([^\[\]]+)\]\((?![a-z]+:)([^()\s]+)\)")  # not the web's
PARAMETERS = "parameters"


@dataclass(frozen=True)
class Lesson:
    """A notebook with what its cells showed, and how many of its code cells have no output from that run."""

    stage: str
    notebook: nbformat.NotebookNode
    without_output: int

    @property
    def title(self) -> str:
        """The notebook's heading."""
        return str(self.notebook.cells[0].source).splitlines()[0].lstrip("# ")


def read_lessons(run_dir: Path | None, notebooks: Path = NOTEBOOKS_FOLDER) -> list[Lesson]:
    """All six, with the outputs that the executed notebooks of `run_dir` hold for cells that are still the same."""
    return [_lesson(stage, notebooks / f"{stage}.ipynb", run_dir) for stage in STAGES]


def _lesson(stage: str, path: Path, run_dir: Path | None) -> Lesson:
    notebook = nbformat.read(path, as_version=4)
    executed = run_dir / f"{stage}.ipynb" if run_dir else None
    shown = {}
    if executed and executed.exists():
        shown = {c.id: c for c in nbformat.read(executed, as_version=4).cells if c.cell_type == "code" and "id" in c}
    without = 0
    for cell in notebook.cells:
        if cell.cell_type != "code" or PARAMETERS in cell.metadata.get("tags", []):
            continue
        ran = shown.get(cell.id)
        if ran is not None and ran.source == cell.source:
            cell.outputs, cell.execution_count = ran.outputs, ran.execution_count
        else:
            without += 1
    return Lesson(stage, notebook, without)


def with_links(source: str, target_of: Callable[[str], str | None]) -> str:
    """Markdown whose links to files lead where `target_of` says; where it says None, only the link's text is left."""

    def replaced(link: re.Match[str]) -> str:
        target = target_of(link[2])
        return f"[{link[1]}]({target})" if target else link[1]

    return LINK_TO_A_FILE.sub(replaced, source)


def as_html(notebook: nbformat.NotebookNode, template: str) -> str:
    """The notebook through one of the templates here; the page asks nothing of the network."""
    exporter = HTMLExporter(
        template_name=template,
        extra_template_basedirs=[str(TEMPLATES)],
        extra_template_paths=[str(TEMPLATES / "kit_shared")],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    html, _ = exporter.from_notebook_node(notebook)
    return str(html)
