"""The lessons without running them: form, parameters, order, length, and nothing of the author's machine in them."""

import ast
import itertools
import re
import statistics
from pathlib import Path

import nbformat
import papermill
import pytest

from alpaca_nb import recipes
from alpaca_nb.parameters import RUN_DIR, read_declarations
from alpaca_nb.runs import NOTEBOOKS_FOLDER, STAGES

NOTEBOOKS = sorted(NOTEBOOKS_FOLDER.glob("*.ipynb"))
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
MOST_LINES, MEDIAN_LINES = 20, 6
FOREIGN = {
    "an absolute path": re.compile(r"(?<![\w.\"'<])/(home|Users|root|tmp|work|usr|opt|var|mnt|etc)/|\b[A-Z]:\\\\"),
    "an absolute path in quotes": re.compile(r"[\"'](/(?!v1)[a-z]+/|[A-Z]:\\)", re.IGNORECASE),
    "a key": re.compile(r"\b(sk-[A-Za-z0-9]{8}|hf_[A-Za-z0-9]{16})"),
}
NOT_IN_CODE = {
    "a magic or shell line": re.compile(r"^\s*[%!]", re.MULTILINE),
    "get_ipython": re.compile(r"get_ipython"),
    "a changed sys.path": re.compile(r"sys\.path"),
    "a widget": re.compile(r"ipywidgets|tqdm"),
    "a figure shown without alt text": re.compile(r"plt\.|\bplots\.show\("),
}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def notebook(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_all_six_are_there_and_nothing_else() -> None:
    assert [path.stem for path in NOTEBOOKS] == list(STAGES)


def test_valid_with_kernel_python3_and_no_other_metadata(notebook: nbformat.NotebookNode) -> None:
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata == {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    assert all(set(cell.metadata) <= {"tags", "slideshow"} for cell in notebook.cells)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_stripped(notebook: nbformat.NotebookNode) -> None:
    assert [cell.id for cell in code_cells(notebook) if cell.outputs or cell.execution_count is not None] == []


def test_parameters_are_declared_once_and_handed_to_the_stage(path: Path, notebook: nbformat.NotebookNode) -> None:
    declared = read_declarations(path)  # raises unless there is exactly one parameters cell
    assert (declared[RUN_DIR].type, declared["seed"].type) == ("str", "int")
    assert all(item.help for item in declared.values()), "every parameter has a help text"
    assert list(papermill.inspect_notebook(str(path))) == list(declared), "papermill sees other parameters"
    calls = [
        node
        for cell in code_cells(notebook)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "begin_stage"
    ]
    assert len(calls) == 1
    assert [ast.unparse(argument) for argument in calls[0].args] == [repr(path.stem), RUN_DIR]
    handed_on = {keyword.arg: ast.unparse(keyword.value) for keyword in calls[0].keywords}
    assert handed_on == {name: name for name in declared if name != RUN_DIR}, "each parameter as itself, by keyword"


def test_one_title_and_headings_without_gaps(notebook: nbformat.NotebookNode) -> None:
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    prose = re.sub(r"^```.*?^```", "", prose, flags=re.MULTILINE | re.DOTALL)
    levels = [len(marks) for marks in re.findall(r"^(#{1,6}) \S", prose, flags=re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
    assert notebook.cells[0].source.startswith("# ")


def test_prose_before_every_code_cell(notebook: nbformat.NotebookNode) -> None:
    kinds = [cell.cell_type for cell in notebook.cells]
    assert [index for index in range(1, len(kinds)) if kinds[index - 1 : index + 1] == ["code", "code"]] == []
    assert kinds[0] == "markdown"


def test_short_cells(notebook: nbformat.NotebookNode) -> None:
    lines = [len(cell.source.splitlines()) for cell in code_cells(notebook)]
    assert max(lines) <= MOST_LINES
    assert statistics.median(lines) <= MEDIAN_LINES


def test_last_cell_writes_the_record(notebook: nbformat.NotebookNode) -> None:
    assert notebook.cells[-1].cell_type == "code"
    assert "stage.finish(" in notebook.cells[-1].source
    assert sum("stage.finish(" in cell.source for cell in code_cells(notebook)) == 1


def test_nothing_of_the_machine_and_no_magics(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        for what, pattern in {**FOREIGN, **(NOT_IN_CODE if cell.cell_type == "code" else {})}.items():
            found = pattern.search(cell.source)
            assert found is None, f"{what} in cell {cell.id}: {found.group() if found else ''}"


def test_pictures_have_alt_text(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert "![](" not in cell.source
            assert all("alt=" in tag for tag in re.findall(r"<img[^>]*>", cell.source))


def test_dollars_are_not_taken_for_formulas(notebook: nbformat.NotebookNode) -> None:
    """JupyterLab reads what stands between two dollar signs of a paragraph as a formula, escaped or not."""
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    paragraphs = [part for source in prose for part in re.split(r"\n\s*\n|\n(?=[-|\d])", source)]
    pieces = [piece for part in paragraphs for piece in re.split(r"`[^`]*`|<[^>]*>|\*+|\|", part)]
    assert [piece for piece in pieces if piece.count("$") > 1] == []


@pytest.mark.parametrize("file", sorted(recipes.RECIPES_FOLDER.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_recipe_fits_the_notebooks(file: Path) -> None:
    recipe = recipes.load(file.stem)  # raises at an unknown parameter or a wrong type
    assert list(recipe.stages) == list(STAGES)
    first_line = file.read_text(encoding="utf-8").splitlines()[0]
    assert first_line.startswith(f"# alpaca-nb run {file.stem} ")
    assert "$" in first_line, "a recipe says what it costs"


def test_every_checkpoint_says_what_to_do(notebook: nbformat.NotebookNode) -> None:
    silent = [
        (cell.id, ast.unparse(node.test))
        for cell in code_cells(notebook)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Assert) and node.msg is None
    ]
    assert silent == [], "an assert without a message leaves the reader alone"
