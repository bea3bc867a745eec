"""Slides: the cells that the notebooks' `slideshow` metadata chooses, a deck a notebook, each one HTML file.

The metadata are JupyterLab's own (property inspector, *Slide Type*), so `jupyter nbconvert --to slides` understands
them too; its decks load reveal.js from the network, ours bring their sixty lines of script along.
"""

import re
from pathlib import Path

import nbformat

from alpaca_nb.files import write_text
from alpaca_nb.handouts.lessons import Lesson, as_html, with_links

HEADING = re.compile(r"^#{1,3} (.+)$", re.MULTILINE)
SLIDE, SKIP = "slide", "skip"
MOST_SLIDES = 25
MOST_LINES, MOST_ROWS = 16, 10  # of a text and of a table on a slide
LONGEST_CODE = 8  # lines; a longer cell that has shown something leaves only that on the slide
SHOWS_SOMETHING = ("show_table(", "stage.show(", "getsource(")  # what counts on a slide is what these show


def write_slides(lessons: list[Lesson], folder: Path) -> list[Path]:
    """Write `folder`/NN_name.html for each lesson."""
    return [write_text(folder / f"{lesson.stage}.html", deck(lesson)) for lesson in lessons]


def deck(lesson: Lesson) -> str:
    """One lesson's slides as an HTML page."""
    notebook = nbformat.from_dict(lesson.notebook)
    notebook.cells = slide_cells(notebook.cells)
    notebook.metadata["title"] = f"{lesson.stage[:2]} {lesson.title}"
    return as_html(notebook, "kit_slides")


def slide_cells(cells: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The chosen cells, marked where a slide begins and ends and which section it belongs to.

    Links to files are left as text, long code gives way to what it showed, and long outputs are cut with a note.
    """
    section, chosen = "", []
    for cell in cells:
        heading = HEADING.search(cell.source) if cell.cell_type == "markdown" else None
        if slide_type(cell) != SKIP:
            cell.metadata["section"] = "" if heading else section
            chosen.append(cell)
        section = heading[1] if heading else section
    for number, cell in enumerate(chosen):
        cell.metadata["begins_slide"] = slide_type(cell) == SLIDE
        cell.metadata["ends_slide"] = number + 1 == len(chosen) or slide_type(chosen[number + 1]) == SLIDE
        if cell.cell_type == "markdown":
            cell.source = with_links(cell.source, lambda _: None)
        elif cell.outputs:
            cell.metadata["transient"] = {"remove_source": _output_is_enough(cell.source)}  # nbconvert's own name
            cell.outputs = [_shortened(output) for output in cell.outputs]
    return chosen


def slide_type(cell: nbformat.NotebookNode) -> str:
    """`slide` begins a slide, `skip` is on none, and so is a cell without a type; `-` goes on with the slide before it.

    (nbconvert's own slides take a cell without a type for `-`, so the notebooks give each cell its type.)
    """
    return str(cell.metadata.get("slideshow", {}).get("slide_type", SKIP))


def _shortened(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The output with the first lines of a long text, or the first rows of a long table."""
    short: nbformat.NotebookNode = nbformat.from_dict(output)
    if short.output_type == "stream":
        lines = short.text.splitlines()
        if len(lines) > MOST_LINES:
            short.text = "\n".join([*lines[:MOST_LINES], f"… ({len(lines) - MOST_LINES} more lines)"])
    elif "text/html" in short.get("data", {}):
        rows = short.data["text/html"].split("</tr>")  # the head's, the body's, and what follows
        if len(rows) - 2 > MOST_ROWS:
            note = f'<tr><td colspan="9">… ({len(rows) - 2 - MOST_ROWS} more rows)</td>'
            short.data["text/html"] = "</tr>".join([*rows[: MOST_ROWS + 1], note, rows[-1]])
    return short


def _output_is_enough(source: str) -> bool:
    return len(source.splitlines()) > LONGEST_CODE or any(call in source for call in SHOWS_SOMETHING)
