"""JupyterLab as `alpaca-nb lab` starts it, on copies of the notebooks that hold a recipe's values, in a browser.

The keyboard alone is used. What is waited for is an event (a status, a number beside a cell), for minutes if need be.
"""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from alpaca_nb import recipes
from alpaca_nb.runs import NOTEBOOKS_FOLDER, STAGES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PATIENCE_MS = 240_000  # for any one thing on a busy machine; a whole notebook takes about ten seconds on a quiet one
WIDE, ZOOMED = {"width": 1280, "height": 900}, {"width": 640, "height": 450}  # a page at 200 % has half the pixels
HERE = re.compile(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:")
NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden)"
IDLE = "#jp-main-statusbar >> text=/Python 3 .*Idle/"
ENDED = f"""() => {{
    const prompts = [...document.querySelectorAll('{NOTEBOOK} .jp-CodeCell .jp-InputPrompt')];
    const errors = document.querySelector('{NOTEBOOK} [data-mime-type="application/vnd.jupyter.error"]');
    return errors !== null || (prompts.length > 0 && prompts.every(one => /^\\[\\d+\\]:$/.test(one.textContent)));
}}"""
# Prose and pictures that reach beyond the notebook's edge; tables and code too, where nothing around them scrolls.
CUT_OFF = f"""() => {{
    const edge = document.querySelector('{NOTEBOOK} .jp-WindowedPanel-outer').getBoundingClientRect().right;
    const scrolls = (one) => one !== null && !one.classList.contains('jp-WindowedPanel-outer')
        && (['auto', 'scroll'].includes(getComputedStyle(one).overflowX) || scrolls(one.parentElement));
    const flows = (one) => one.matches('img, p, li, h1, h2, h3') && one.closest('table, pre, .cm-editor') === null;
    return [...document.querySelectorAll('{NOTEBOOK} .jp-RenderedHTMLCommon *, {NOTEBOOK} .jp-OutputArea-output *')]
        .filter(one => one.getBoundingClientRect().right > edge + 1)
        .filter(one => flows(one) || !scrolls(one.parentElement))
        .map(one => one.outerHTML.slice(0, 120));
}}"""


@dataclass(frozen=True)
class Seen:
    """What a notebook showed after all its cells had run."""

    prompts: list[str]
    errors: list[str]  # outputs that are errors, or went to stderr
    alt_texts: list[str]
    contents: list[str]  # the lines of the panel "Table of Contents"
    cut_off: list[str]  # what cannot be seen at 200 %
    formulas: list[str]  # what MathJax has set


@dataclass(frozen=True)
class Lab:
    """A page with JupyterLab, and the addresses outside this machine that it asked for."""

    page: "Page"
    foreign: list[str] = field(default_factory=list)

    def run_all(self) -> None:
        """Run all cells by the command palette, and wait until they have run or one has failed."""
        self.page.wait_for_selector(IDLE)  # before that, JupyterLab passes the command over
        self.command("Run All Cells")
        self.page.wait_for_function(ENDED)
        self.page.wait_for_selector(IDLE)

    def command(self, name: str) -> None:
        """Choose a command in the palette."""
        self.page.keyboard.press("Control+Shift+c")
        self.page.wait_for_selector(".lm-CommandPalette-input:focus")
        self.page.keyboard.type(name)
        self.page.wait_for_selector(f".lm-CommandPalette-item.lm-mod-active >> text=/^{re.escape(name)}$/")
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(".lm-CommandPalette-input", state="hidden")

    def follow_link_to(self, stage: str) -> None:
        """Go on to another notebook by the link at the end of this one."""
        self.page.locator(f"{NOTEBOOK} a[href*='{stage}.ipynb']").last.press("Enter")
        self.page.wait_for_selector(f".lm-TabBar-tab.lm-mod-current >> text={stage}.ipynb")
        self.page.wait_for_selector(f"{NOTEBOOK} .jp-CodeCell")

    def look(self, picture: Path) -> Seen:
        """Note what the notebook shows; keep pictures of it at 100 % and 200 %."""
        if not self.page.locator(".jp-TableOfContents").is_visible():
            self.page.keyboard.press("Control+Shift+k")
        self.page.wait_for_selector(f".jp-TableOfContents >> text={picture.stem}.ipynb")
        self.page.wait_for_selector(".jp-tocItem-heading")
        contents = _texts(self.page.locator(".jp-TableOfContents .jp-tocItem-heading"))
        self.page.screenshot(path=picture.with_suffix(".contents.png"))
        self.page.set_viewport_size(ZOOMED)  # type: ignore[arg-type]
        self.page.wait_for_function(f"window.innerWidth === {ZOOMED['width']}")
        cut_off = self.page.evaluate(CUT_OFF)
        self.page.screenshot(path=picture.with_suffix(".zoomed.png"))
        self.page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        errors = ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr")
        pictures = self.page.locator(f"{NOTEBOOK} img").all()
        return Seen(
            prompts=_texts(self.page.locator(f"{NOTEBOOK} .jp-CodeCell .jp-InputPrompt")),
            errors=[
                text for kind in errors for text in _texts(self.page.locator(f'{NOTEBOOK} [data-mime-type="{kind}"]'))
            ],
            alt_texts=[one.get_attribute("alt") or "" for one in pictures],
            contents=contents,
            cut_off=cut_off,
            formulas=_texts(self.page.locator(f"{NOTEBOOK} mjx-container")),
        )


def _texts(found: "Locator") -> list[str]:
    return [text.strip() for text in found.all_text_contents()]


def prepare(folder: Path, recipe: str) -> None:
    """Copies of the six notebooks in `folder`/notebooks, whose first code cell holds the values of a recipe."""
    values = recipes.load(recipe).stages
    (folder / "notebooks").mkdir()
    for stage in STAGES:
        notebook = nbformat.read(NOTEBOOKS_FOLDER / f"{stage}.ipynb", as_version=4)
        (parameters,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
        typed = {"run_dir": "../run", **values[stage]}
        parameters.source = "\n".join(f"{name} = {value!r}" for name, value in typed.items())
        nbformat.write(notebook, folder / "notebooks" / f"{stage}.ipynb")


@contextmanager
def open_lab(browser: "Browser", folder: Path) -> Iterator[Lab]:
    """`alpaca-nb lab` on the notebooks in `folder`, open in a page that reaches this machine only."""
    with _server(folder) as address:
        context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        lab = Lab(context.new_page())
        context.on("request", lambda request: None if HERE.match(request.url) else lab.foreign.append(request.url))
        context.route(lambda url: HERE.match(url) is None, lambda route: route.abort())
        lab.page.goto(address)
        lab.page.wait_for_selector(f"{NOTEBOOK} .jp-CodeCell")
        yield lab
        context.close()


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    environment = {**os.environ, **{name: str(folder / "jupyter") for name in own}}
    command = [sys.executable, "-m", "alpaca_nb.cli", "lab", "--notebooks", str(folder / "notebooks")]
    command += ["--", "--no-browser", "--port=0"]
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    try:
        for line in process.stderr:
            said += line
            if found := re.search(r"http://(127\.0\.0\.1|localhost):\d+/\S+", line):
                threading.Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop the server
                yield found[0]
                return
        raise AssertionError(f"JupyterLab did not start: {said}")
    finally:
        process.terminate()
        process.wait(60)
