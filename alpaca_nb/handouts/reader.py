"""The reader: the six lessons and the glossary as one HTML page, for reading on paper or without Jupyter."""

import re
from pathlib import Path

import nbformat

from alpaca_nb.files import write_text
from alpaca_nb.handouts.lessons import Lesson, as_html, with_links
from alpaca_nb.runs import KIT_FOLDER

GLOSSARY = KIT_FOLDER / "course" / "glossary.md"
HEADING_ID = re.compile(r"<h([1-6]) id=\"[^\"]*\"")  # nbconvert's, of which six lessons would have six times the same


def write_reader(lessons: list[Lesson], file: Path, glossary: Path = GLOSSARY) -> Path:
    """Write the page."""
    return write_text(file, page(lessons, glossary.read_text(encoding="utf-8")))


def page(lessons: list[Lesson], glossary: str) -> str:
    """The whole reader as one HTML page; its links stay on it."""
    anchors = {f"{lesson.stage}.ipynb": _anchor(lesson.notebook.cells[0]) for lesson in lessons}
    terms = glossary_cells(glossary)
    anchors |= {f"../course/glossary.md#{cell.id.removeprefix('glossary-')}": _anchor(cell) for cell in terms}
    cells, contents = [], []
    for lesson in lessons:
        contents.append((lesson.stage[:2], lesson.title, _anchor(lesson.notebook.cells[0]), _sections(lesson)))
        for cell in lesson.notebook.cells:
            own = nbformat.from_dict(cell)
            if own.cell_type == "markdown":
                own.source = with_links(own.source, anchors.get)
            cells.append(own)
    contents.append(("", "Glossary", _anchor(terms[0]), []))
    whole = nbformat.v4.new_notebook(cells=cells + terms)
    whole.metadata["contents"] = contents
    return HEADING_ID.sub(r"<h\1", as_html(whole, "kit_reader"))


def glossary_cells(text: str) -> list[nbformat.NotebookNode]:
    """The glossary as Markdown cells, one a term, whose id is the term's anchor with `glossary-` before it."""
    head, *entries = re.split(r"^## ", text, flags=re.MULTILINE)
    first = nbformat.v4.new_markdown_cell(head.strip(), id="glossary")
    return [first, *(_term(entry) for entry in entries)]


def _term(entry: str) -> nbformat.NotebookNode:
    name = entry.partition("\n")[0].strip()
    anchor = f"glossary-{name.replace(' ', '-')}"
    cell: nbformat.NotebookNode = nbformat.v4.new_markdown_cell(f"### {entry.strip()}", id=anchor)
    return cell


def _sections(lesson: Lesson) -> list[tuple[str, str]]:
    """(heading, anchor) of the second level."""
    found = []
    for cell in lesson.notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            found.append((cell.source.splitlines()[0].removeprefix("## "), _anchor(cell)))
    return found


def _anchor(cell: nbformat.NotebookNode) -> str:
    return f"#cell-id={cell.id}"
