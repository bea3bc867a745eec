"""Small notebooks for tests of the runner: real kernels, no model, about a second each."""

from collections.abc import Sequence
from pathlib import Path

import nbformat

BEGIN = "from alpaca_nb.runs import begin_stage\nstage = begin_stage({stage!r}, run_dir, seed=seed{more})"
FINISH = "_ = stage.finish(metrics={'seed': seed})"
SEED = 'run_dir: str = "../run"\nseed: int = 17  # of every random choice'


def write_notebook(folder: Path, stage: str, parameters: str, cells: Sequence[str]) -> Path:
    """Write a notebook with a tagged `parameters` cell and these code cells."""
    v4 = nbformat.v4
    notebook = v4.new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        cells=[
            v4.new_markdown_cell(f"# {stage}"),
            v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
            *[v4.new_code_cell(source) for source in cells],
        ],
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stage}.ipynb"
    nbformat.write(notebook, path)
    return path


def write_stage(folder: Path, stage: str, *cells: str, more: Sequence[str] = ()) -> Path:
    """Write a well-behaved stage around `cells`; `more` are further declarations ("rate: float = 1.0")."""
    names = [line.split(":")[0] for line in more]
    begin = BEGIN.format(stage=stage, more="".join(f", {name}={name}" for name in names))
    return write_notebook(folder, stage, "\n".join([SEED, *more]), [begin, *cells, FINISH])
