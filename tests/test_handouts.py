"""Slides and reader: the right cells, the run's outputs, links that stay on the page, and nothing from the network."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from conftest import REPOSITORY

from alpaca_nb.handouts import __main__ as command
from alpaca_nb.handouts.lessons import Lesson, read_lessons, with_links
from alpaca_nb.handouts.reader import GLOSSARY, page
from alpaca_nb.handouts.slides import MOST_ROWS, MOST_SLIDES, SKIP, SLIDE, deck, slide_cells, slide_type
from alpaca_nb.runs import NOTEBOOKS_FOLDER, STAGES
from alpaca_nb.tables import table_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FROM_ELSEWHERE = re.compile(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\"(?!data:)|@import|url\(|import .* from")


@pytest.fixture(scope="module")
def lessons() -> list[Lesson]:
    return read_lessons(None)


def test_each_deck_is_a_talk(lessons: list[Lesson]) -> None:
    assert [lesson.stage for lesson in lessons] == list(STAGES)
    for lesson in lessons:
        cells = lesson.notebook.cells
        begins = [number for number, cell in enumerate(cells) if slide_type(cell) == SLIDE]
        assert begins[0] == 0, "the title is the first slide"
        assert 10 <= len(begins) <= MOST_SLIDES, f"{lesson.stage} has {len(begins)} slides"
        on_slides = [cell for cell in cells if slide_type(cell) != SKIP]
        assert not [c.id for c in on_slides if {"exercise", "parameters"} & set(c.metadata.get("tags", []))]
        assert deck(lesson).count('<section class="slide">') == len(begins)


def test_a_page_asks_nothing_of_the_network(lessons: list[Lesson]) -> None:
    for html in (*map(deck, lessons), page(lessons, GLOSSARY.read_text(encoding="utf-8"))):
        assert FROM_ELSEWHERE.findall(html) == []


def test_links_of_the_reader_stay_on_its_page(lessons: list[Lesson]) -> None:
    html = page(lessons, GLOSSARY.read_text(encoding="utf-8"))
    targets = re.findall(r"<a [^>]*href=\"([^\"]+)\"", html)
    anchors = set(re.findall(r"\bid=\"([^\"]+)\"", html))
    assert len(targets) > 100
    assert [target for target in targets if not (target.startswith("#") and target[1:] in anchors)] == []
    assert len(anchors) == len(re.findall(r"\bid=\"", html)), "no anchor stands twice"


def test_outputs_come_from_the_run_where_the_cell_is_the_same(tmp_path: Path) -> None:
    path = NOTEBOOKS_FOLDER / f"{STAGES[0]}.ipynb"
    ran = nbformat.read(path, as_version=4)
    code = [cell for cell in ran.cells if cell.cell_type == "code" and not cell.metadata.get("tags")]
    for cell in code:
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=f"shown by {cell.id}\n")]
    code[-1].source += "\nprint('another cell by now')"
    nbformat.write(ran, tmp_path / path.name)

    first, second, *_ = read_lessons(tmp_path)

    kept = [cell for cell in first.notebook.cells if cell.cell_type == "code" and cell.outputs]
    assert [cell.id for cell in kept] == [cell.id for cell in code[:-1]]
    assert "another cell by now" not in nbformat.writes(first.notebook)
    assert second.without_output == sum(
        cell.cell_type == "code" and "parameters" not in cell.metadata.get("tags", []) for cell in second.notebook.cells
    )
    assert "02: " in command.about_outputs([first, second], tmp_path)


def test_a_slide_shows_what_code_showed_and_cuts_what_is_long() -> None:
    table = table_html(["Name", "Value"], [(f"row {number}", number) for number in range(30)])
    outputs = [
        nbformat.v4.new_output("display_data", data={"text/html": table}),
        nbformat.v4.new_output("stream", name="stdout", text="\n".join(f"line {number}" for number in range(30))),
    ]
    cells = [
        nbformat.v4.new_markdown_cell("## A section"),
        nbformat.v4.new_markdown_cell("Prose."),
        nbformat.v4.new_code_cell("show_table(header, rows)", outputs=outputs),
        nbformat.v4.new_code_cell("not on a slide"),
    ]
    for cell, kind in zip(cells, ("skip", SLIDE, "-", "skip"), strict=True):
        cell.metadata["slideshow"] = {"slide_type": kind}
    lesson = Lesson("01_x", nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# T"), *cells]), 0)
    html = deck(lesson)
    assert "A section" in html
    assert "show_table" not in html
    assert "not on a slide" not in html
    assert f"row {MOST_ROWS - 1}" in html
    assert f"row {MOST_ROWS}<" not in html
    assert f"({30 - MOST_ROWS} more rows)" in html
    assert "line 29" not in html
    assert "row 29" in cells[2].outputs[0].data["text/html"], "the lesson itself is left alone"
    assert [cell.metadata["ends_slide"] for cell in slide_cells(cells[1:3])] == [False, True]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("see [a word](../course/glossary.md#token).", "see [a word](#t)."),
        ("see [another](02_x.ipynb).", "see another."),
        ("see [the web](https://example.org/a)", "see [the web](https://example.org/a)"),
    ],
)
def test_links_to_files_are_led_elsewhere_or_left_as_text(source: str, wanted: str) -> None:
    assert with_links(source, {"../course/glossary.md#token": "#t"}.get) == wanted


def test_stripping_outputs_leaves_the_slides_alone(tmp_path: Path) -> None:
    """With the flags of the Makefile, which the pre-commit hook has as well."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    flags = re.search(r"^NBSTRIPOUT_FLAGS := (.*)$", makefile, flags=re.MULTILINE)
    assert flags
    copy = shutil.copy(NOTEBOOKS_FOLDER / f"{STAGES[3]}.ipynb", tmp_path / "copy.ipynb")
    before = [slide_type(cell) for cell in nbformat.read(copy, as_version=4).cells]
    subprocess.run([sys.executable, "-m", "nbstripout", *shlex.split(flags[1]), str(copy)], check=True)
    assert [slide_type(cell) for cell in nbformat.read(copy, as_version=4).cells] == before


def test_the_command_writes_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for what in ("slides", "reader"):
        assert command.main([what, "--run-dir", str(tmp_path / "none"), "--output", str(tmp_path)]) == 0
    assert sorted(path.stem for path in (tmp_path / "slides").glob("*.html")) == list(STAGES)
    assert (tmp_path / "reader.html").exists()
    assert "not run there" in capsys.readouterr().out


def test_a_deck_is_led_by_the_keyboard(browser: "Browser", lessons: list[Lesson], tmp_path: Path) -> None:
    file = tmp_path / "deck.html"
    file.write_text(deck(lessons[3]), encoding="utf-8")
    tab = browser.new_page(viewport={"width": 1280, "height": 720})
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(file.as_uri())
    slides = tab.locator("section.slide")
    count = slides.count()

    def shown() -> list[int]:
        return [number for number in range(count) if slides.nth(number).is_visible()]

    assert shown() == [0]
    for key, place in (("ArrowRight", 1), ("Space", 2), ("PageUp", 1), ("End", count - 1), ("ArrowRight", count - 1)):
        tab.keyboard.press(key)
        assert shown() == [place], key
    tab.keyboard.press("Home")
    tab.get_by_role("button", name="next slide").click()
    assert shown() == [1]
    assert tab.locator("#place").inner_text() == f"2 of {count}"
    for number in range(count):
        tab.evaluate("number => show(number)", number)
        assert tab.evaluate("slides[at].scrollWidth <= slides[at].clientWidth"), f"slide {number + 1} is cut off"
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    tab.close()
