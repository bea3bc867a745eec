"""Student copies of the notebooks: no outputs, and every answer put back to its placeholder.

An exercise's cell (tag `exercise`) hands names to `exercises.check`. Nothing else of it survives here, comments
included, so copies of notebooks that a teacher has worked through are empty as well.

    python -m alpaca_nb.exercises.student build/student
"""

import ast
import os
import shutil
import sys
from pathlib import Path
from typing import TypeGuard

import nbformat

from alpaca_nb.files import write_text
from alpaca_nb.runs import KIT_FOLDER, NOTEBOOKS_FOLDER, OUTPUT_FOLDER

EXERCISE_TAG = "exercise"
KEPT_METADATA = ("kernelspec", "language_info")
FOR_STUDENTS = ("glossary.md",)  # of the folder course/; the notebooks link to it


def write_student_copies(folder: Path, notebooks: Path = NOTEBOOKS_FOLDER) -> list[Path]:
    """Write a copy of every notebook into `folder`/notebooks, replacing what an earlier call wrote there.

    Where the folder lies inside the kit, `run_dir` leads to the kit's own runs, as it does in the notebooks.
    """
    shutil.rmtree(folder / "notebooks", ignore_errors=True)
    written = []
    for path in sorted(notebooks.glob("*.ipynb")):
        copy = student_copy(nbformat.read(path, as_version=nbformat.NO_CONVERT))
        _find_the_runs(copy, folder / "notebooks")
        written.append(write_text(folder / "notebooks" / path.name, nbformat.writes(copy) + "\n"))
    for name in FOR_STUDENTS:
        if (KIT_FOLDER / "course" / name).exists():
            text = (KIT_FOLDER / "course" / name).read_text(encoding="utf-8")
            write_text(folder / "course" / name, text)
    return written


def student_copy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook as a student gets it; the one handed in stays as it is."""
    copy: nbformat.NotebookNode = nbformat.from_dict(notebook)
    copy.metadata = {name: value for name, value in copy.metadata.items() if name in KEPT_METADATA}
    for cell in copy.cells:
        cell.metadata = {"tags": cell.metadata.tags} if cell.metadata.get("tags") else {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if EXERCISE_TAG in cell.metadata.get("tags", []):
                cell.source = emptied(cell.source)
    return copy


def _find_the_runs(copy: nbformat.NotebookNode, notebooks: Path) -> None:
    """Let the copy's parameters cell, seen from the folder `notebooks`, name the run folder that the original names."""
    if not notebooks.resolve().is_relative_to(KIT_FOLDER):
        return
    runs = Path(os.path.relpath(OUTPUT_FOLDER, notebooks.resolve())).as_posix()
    for cell in copy.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace('"../papermill_runs/output/', f'"{runs}/')


def emptied(source: str) -> str:
    """The cell of an exercise without its answer: `my_name = None` or `def my_name(...): ...`, and the check.

    Raises `SyntaxError` where the cell is not Python: what cannot be read cannot be emptied.
    """
    cell = ast.parse(source).body
    functions = {node.name: node for node in cell if isinstance(node, ast.FunctionDef)}
    checks = [node.value for node in cell if isinstance(node, ast.Expr) and _is_check(node.value)]
    text = ""
    for name in [argument.id for check in checks for argument in check.args if isinstance(argument, ast.Name)]:
        text += f"{_header(functions[name])} ...\n\n\n" if name in functions else f"{name} = None\n"
    return text + "\n".join(str(ast.get_source_segment(source, check)) for check in checks)


def _is_check(value: ast.expr) -> TypeGuard[ast.Call]:
    return isinstance(value, ast.Call) and ast.unparse(value.func) == "exercises.check"


def _header(function: ast.FunctionDef) -> str:
    """The text from `def` to the colon."""
    empty = ast.FunctionDef(function.name, function.args, [ast.Expr(ast.Constant(...))], [], function.returns)
    return ast.unparse(ast.fix_missing_locations(empty)).partition(":\n")[0] + ":"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else KIT_FOLDER / "build" / "student"
    written = write_student_copies(folder)
    print(f"{len(written)} student copies in {folder}: outputs and answers are taken out")


if __name__ == "__main__":
    main()
