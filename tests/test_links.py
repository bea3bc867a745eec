"""Links inside the project lead somewhere, and the words that a notebook links are the first of their kind there."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from conftest import REPOSITORY

from alpaca_nb.runs import NOTEBOOKS_FOLDER

GLOSSARY = REPOSITORY / "course" / "glossary.md"
ORDINARY_WORDS = {"label", "loss"}  # notebooks 01 and 02 use them in their everyday sense
FOLDERS = ("alpaca_nb", "benchmarks", "course", "docs", "notebooks", "papermill_runs/cluster")
LINK = re.compile(r"(?<!\\)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")
HTML_LINK = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=\"(?P<target>[^\"]+)\"")


def documents() -> list[Path]:
    within = [path for folder in FOLDERS for kind in ("*.md", "*.ipynb") for path in (REPOSITORY / folder).rglob(kind)]
    return sorted([*REPOSITORY.glob("*.md"), *(path for path in within if ".ipynb_checkpoints" not in path.parts)])


def prose_of(path: Path) -> str:
    """The Markdown of a file or notebook, without what is code."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=nbformat.NO_CONVERT).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "‹›", text)


def headings(path: Path) -> list[str]:
    return [re.sub(r"[`*]", "", found) for found in re.findall(r"^#{1,6} (.+)$", prose_of(path), flags=re.MULTILINE)]


def anchors_on_github(path: Path) -> set[str]:
    """Lower case, signs left out, blanks to hyphens; the second heading of a name gets -1, and so on."""
    seen: dict[str, int] = {}
    found = set()
    for heading in headings(path):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if slug in seen else slug)
        seen[slug] = seen.get(slug, 0) + 1
    return found


def targets(path: Path) -> Iterator[str]:
    text = prose_of(path)
    for pattern, where in ((LINK, without_code(text)), (HTML_LINK, without_code(text))):
        yield from (found["target"] for found in pattern.finditer(where))


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_link_and_anchor_inside_the_project_leads_somewhere(path: Path) -> None:
    dead = []
    for target in targets(path):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (anchor and anchor not in anchors_on_github(there)):
            dead.append(target)
    assert dead == []


def test_the_glossary_has_the_same_anchors_on_github_and_in_jupyterlab() -> None:
    """JupyterLab keeps a heading as it is and makes hyphens of blanks, so headings must be lower case without signs."""
    (title, *terms) = headings(GLOSSARY)
    assert title == "Glossary"
    assert terms == sorted(set(terms)), "alphabetical, each once"
    assert {term.replace(" ", "-") for term in terms} == anchors_on_github(GLOSSARY) - {"glossary"}


def test_each_term_is_explained_in_two_sentences_and_linked_by_a_notebook() -> None:
    linked = {target.partition("#")[2] for path in NOTEBOOKS_FOLDER.glob("*.ipynb") for target in targets(path)}
    long = []
    for entry in re.split(r"^## ", prose_of(GLOSSARY), flags=re.MULTILINE)[1:]:
        term, _, text = entry.partition("\n")
        assert term.replace(" ", "-") in linked, f"no notebook links {term!r}"
        text = re.sub(r"\*\([^)]*\)\*\s*$", "", text.strip())
        sentences = [piece for piece in re.split(r"(?<=[.?!])\s+(?=[A-Z`−0-9])", text) if piece]
        long += [(term, len(sentences))] if not 1 <= len(sentences) <= 3 else []
        assert len(text.split()) <= 75, f"{term!r} takes {len(text.split())} words"
    assert long == []


@pytest.mark.parametrize("path", sorted(NOTEBOOKS_FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_term_is_linked_where_the_notebook_first_uses_it(path: Path) -> None:
    prose = without_code(re.sub(r"^(#|\|).*$", "", prose_of(path), flags=re.MULTILINE))
    first = {}
    for link in LINK.finditer(prose):
        if "glossary.md#" in link["target"]:
            anchor = link["target"].partition("#")[2]
            assert anchor not in first, f"{anchor} is linked twice"
            first[anchor] = (link["text"], link.start())
    assert len(first) >= 5
    # other links' targets are no prose, but their texts are
    plain = LINK.sub(lambda link: link["text"].ljust(len(link[0]), "\0"), prose)
    for text, place in first.values():
        if text == "‹›":  # a name in code, which stands for itself
            continue
        earlier = re.search(rf"(?<![\w-]){re.escape(text)}(?![\w-])", plain[:place], flags=re.IGNORECASE)
        assert earlier is None, f"{text!r} stands in the text before it is linked"


@pytest.mark.parametrize("term", [term for term in headings(GLOSSARY)[1:] if term not in ORDINARY_WORDS])
def test_a_term_is_linked_by_the_first_notebook_that_uses_it(term: str) -> None:
    """Headings and tables are left out: they may name what the text below them explains."""
    for path in sorted(NOTEBOOKS_FOLDER.glob("*.ipynb")):
        if f"../course/glossary.md#{term.replace(' ', '-')}" in targets(path):
            return
        prose = without_code(re.sub(r"^(#|\|).*$", "", prose_of(path), flags=re.MULTILINE))
        plain = LINK.sub(lambda link: link["text"], prose)
        used = re.search(rf"(?<![\w-]){re.escape(term)}s?(?![\w-])", plain, flags=re.IGNORECASE)
        assert used is None, f"{path.stem} uses {term!r} and links it nowhere"
