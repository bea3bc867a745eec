"""One run at a time in a run folder; the lock goes with its holder, however that ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from alpaca_nb import recipes, runner, runs
from alpaca_nb.errors import InputFileError, StageError

HOLD = """
import sys
from pathlib import Path
from alpaca_nb.runner import _locked
with _locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def begin(folder: Path) -> None:
    """The beginning of a run: refused, or free to fail at its first stage, whose notebook is not there."""
    options = runner.Options(last=runs.STAGES[0], notebooks_folder=folder / "notebooks")
    runner.run(recipes.Recipe("plain", {runs.STAGES[0]: {}}, {}), folder, options)


def test_a_second_run_is_refused_until_the_first_is_gone_even_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(InputFileError, match="another alpaca-nb run is at work in"):
            begin(tmp_path)
    finally:
        holder.kill()
        holder.communicate()
    with pytest.raises(StageError, match="No such file"):
        begin(tmp_path)
