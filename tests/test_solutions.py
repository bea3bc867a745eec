"""Every exercise on a finished run: solutions are accepted, typical mistakes are explained, copies hold no answers."""

import ast
import importlib
import importlib.util
import inspect
import re
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from conftest import REPOSITORY
from papermill import inspect_notebook
from whole_runs import WholeRun

from alpaca_nb.exercises import Exercises, student
from alpaca_nb.exercises.checking import ROOMS, checks_of
from alpaca_nb.exercises.student import EXERCISE_TAG, emptied, student_copy, write_student_copies
from alpaca_nb.runs import NOTEBOOKS_FOLDER, STAGES, Stage, read_record

NUMBERS = [number for notebook in ROOMS for number in checks_of(notebook)]
WITH_EXERCISES = [stage for stage in STAGES if stage[:2] in ROOMS]
SOLUTIONS_FOLDER = REPOSITORY / "course" / "solutions"


def stage_of(run: WholeRun, number: str) -> Stage:
    """The stage as it stood when the notebook reached its exercises."""
    name = next(stage for stage in STAGES if stage.startswith(number[:2]))
    record = read_record(run.folder, name)
    assert record is not None, run.printed + run.errors
    return Stage(name, run.folder, record.parameters)


def solutions_of(notebook: str) -> ModuleType:
    (path,) = SOLUTIONS_FOLDER.glob(f"{notebook}_*.py")
    spec = importlib.util.spec_from_file_location(f"solutions_{notebook}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def solution_of(number: str) -> Any:
    return getattr(solutions_of(number[:2]), f"exercise_{number[3:]}")


def notebook_of(stage: str) -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS_FOLDER / f"{stage}.ipynb", as_version=nbformat.NO_CONVERT)


def exercise_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if EXERCISE_TAG in cell.metadata.get("tags", [])]


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
def test_the_solution_is_accepted(number: str, whole_run: WholeRun) -> None:
    stage = stage_of(whole_run, number)
    said = Exercises(stage).feedback(number, solution_of(number)(stage))
    assert said.status == "right", said.text


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
def test_typical_mistakes_are_explained(number: str, whole_run: WholeRun) -> None:
    stage = stage_of(whole_run, number)
    mistakes = importlib.import_module(f"mistakes_{number[:2]}").MISTAKES[number]
    assert len(mistakes) >= 2
    for answer, explanation in mistakes:
        takes_stage = callable(answer) and list(inspect.signature(answer).parameters) == ["stage"]
        said = Exercises(stage).feedback(number, answer(stage) if takes_stage else answer)
        assert (said.status, explanation in said.text) == ("wrong", True), (explanation, said)


@pytest.mark.slow
@pytest.mark.parametrize("stage", WITH_EXERCISES)
def test_an_untouched_notebook_says_so_and_goes_on(stage: str, whole_run: WholeRun) -> None:
    executed = nbformat.read(whole_run.folder / f"{stage}.ipynb", as_version=4)
    printed = ["".join(output.text for output in cell.outputs) for cell in exercise_cells(executed)]
    numbers = checks_of(stage[:2])
    assert printed == [f"Exercise {number}: not answered yet\n" for number in numbers]


@pytest.mark.parametrize("stage", WITH_EXERCISES)
def test_notebook_checks_and_solutions_have_the_same_exercises(stage: str) -> None:
    cells = exercise_cells(notebook_of(stage))
    numbers = [f"{stage[:2]}.{number}" for number in range(1, len(cells) + 1)]
    assert 4 <= len(cells) <= 6
    assert [re.findall(r'exercises\.check\("(.+?)", my_\w+\)', cell.source) for cell in cells] == [[n] for n in numbers]
    assert list(checks_of(stage[:2])) == numbers
    functions = inspect.getmembers(solutions_of(stage[:2]), inspect.isfunction)
    assert [f"{stage[:2]}.{name[9:]}" for name, _ in functions if name.startswith("exercise_")] == numbers
    assert list(importlib.import_module(f"mistakes_{stage[:2]}").MISTAKES) == numbers


@pytest.mark.parametrize("stage", WITH_EXERCISES)
def test_an_exercise_has_a_task_a_hint_and_an_empty_answer(stage: str) -> None:
    cells = notebook_of(stage).cells
    for number, cell in enumerate(cells):
        if EXERCISE_TAG in cell.metadata.get("tags", []):
            task = cells[number - 1].source
            assert re.match(r"### \d\d\.\d (Predict|Compute|Change one thing|Write|Research question)", task), task
            assert "<details><summary>Hint</summary>\n\n" in task, "Markdown inside needs the empty line"
            assert cell.source == emptied(cell.source)


@pytest.mark.parametrize("stage", WITH_EXERCISES)
def test_six_to_ten_questions_to_recall_with_answers_and_key_points(stage: str) -> None:
    (recall,) = [cell.source for cell in notebook_of(stage).cells if cell.source.startswith("## Recall")]
    questions = re.findall(r"<details><summary>(\d+)\. [^\n]+\?</summary>\n\n.+?\n</details>", recall, re.DOTALL)
    assert questions == [str(number) for number in range(1, len(questions) + 1)]
    assert 6 <= len(questions) <= 10
    assert recall.count("<details>") == recall.count("</details>") == len(questions)
    assert 3 <= len(re.findall(r"^- ", recall.partition("### Key points")[2], re.MULTILINE)) <= 5


def solved(notebook: nbformat.NotebookNode, solutions: ModuleType) -> nbformat.NotebookNode:
    """The notebook as a teacher may have left it: every answer filled in, outputs and counts from a run."""
    copy = nbformat.from_dict(notebook)
    copy.metadata["papermill"] = {"output_path": "somewhere"}
    for number, cell in enumerate(exercise_cells(copy), start=1):
        text = inspect.getsource(getattr(solutions, f"exercise_{number}"))
        (first, *_) = ast.parse(cell.source).body
        if isinstance(first, ast.FunctionDef):
            cell.source = cell.source.replace(": ...\n", f":\n{textwrap.indent(text, '    ')}\n", 1)
        else:
            cell.source = (
                "# the trick\nimport re\n\n\n" + text + cell.source.replace("None", f"exercise_{number}(stage)")
            )
        cell.outputs = [nbformat.v4.new_output("stream", text="Exercise: right.")]
        cell.execution_count = number
    return copy


def test_student_copies_hold_no_answer_and_no_output(tmp_path: Path) -> None:
    taught = tmp_path / "taught"
    taught.mkdir()
    for stage in STAGES:
        solutions = solutions_of(stage[:2]) if stage in WITH_EXERCISES else ModuleType("none")
        nbformat.write(solved(notebook_of(stage), solutions), taught / f"{stage}.ipynb")
    written = write_student_copies(tmp_path / "student", taught)
    assert [path.stem for path in written] == list(STAGES)
    for stage, path in zip(STAGES, written, strict=True):
        copy = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        nbformat.validate(copy)
        assert copy == student_copy(notebook_of(stage)), "as if nobody had answered"
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in copy.cells)
        text = "\n".join(cell.source for cell in copy.cells)
        assert [line for line in lines_of_solutions(stage) if line in text] == []


def test_copies_inside_the_kit_find_the_runs_made_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(student, "KIT_FOLDER", tmp_path)
    monkeypatch.setattr(student, "OUTPUT_FOLDER", tmp_path / "papermill_runs" / "output")
    for path in write_student_copies(tmp_path / "build" / "student"):
        given = ast.literal_eval(inspect_notebook(str(path))["run_dir"]["default"])
        assert (path.parent / given).resolve() == tmp_path / "papermill_runs" / "output" / "tiny"


def test_links_in_student_copies_lead_to_what_students_have(tmp_path: Path) -> None:
    written = {path: prose_of(path) for path in write_student_copies(tmp_path)}
    glossary = tmp_path / "course" / "glossary.md"
    written[glossary] = glossary.read_text(encoding="utf-8")
    dead = []
    for path, text in written.items():
        links = [link for link in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text) if ":" not in link]
        dead += [f"{path.name}: {link}" for link in links if not (path.parent / link).exists()]
    assert dead == []


def prose_of(path: Path) -> str:
    cells = nbformat.read(path, as_version=nbformat.NO_CONVERT).cells
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.sub(r"`[^`]*`", "", prose)  # code may call what it indexes, which looks like a link


def lines_of_solutions(stage: str) -> list[str]:
    """The lines of the solutions' functions; short ones and the headers that are given say nothing."""
    if stage not in WITH_EXERCISES:
        return []
    functions = [function for name, function in vars(solutions_of(stage[:2])).items() if name.startswith("exercise_")]
    lines = [line.strip() for function in functions for line in inspect.getsource(function).splitlines()[1:]]
    return [line for line in lines if len(line) > 20 and not line.startswith("def my_")]
