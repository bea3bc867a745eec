"""Solutions of notebook 03, one function an exercise; `stage` is the notebook's own, and so are the names it imports.

What a function returns is what belongs into the exercise's cell. The tests hold every one against a finished run.
"""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

from alpaca_nb.finetuning.encode import NOT_LEARNED, read_rows
from alpaca_nb.finetuning.model_shape import read_shape
from alpaca_nb.runs import Stage


def exercise_1(stage: Stage) -> tuple[list[int], list[int]]:
    """Predict: which tokens are learned? The answer and its end; the row cut at 6 has lost its end."""
    return [-100, -100, -100, -100, 21, 22, 2], [-100, -100, -100, -100, 21, 22]


def exercise_2(stage: Stage) -> int:
    """Predict: how many steps?

    An epoch's remainder is joined with the next epoch's first rows, so only the last of all is left out. Processes
    share a batch; their number changes nothing.
    """
    rows = len(read_rows(stage.path("finetuning", "training_rows.npz")))
    return rows * 3 // 10


def exercise_3(stage: Stage) -> float:
    """Compute: memory on eight GPUs. Four numbers of four bytes a weight, an eighth of them on each."""
    return read_shape(stage.path("model")).parameters * 16 / 8 / 2**20


def exercise_4(stage: Stage) -> Callable[[Sequence[Sequence[float]], Sequence[Sequence[int]]], float]:
    """Write five lines: the loss of a batch. One sum, one division; no mean of means."""

    def my_batch_loss(losses: Sequence[Sequence[float]], labels: Sequence[Sequence[int]]) -> float:
        learned = []
        for of_process, its_labels in zip(losses, labels, strict=True):
            learned += [loss for loss, label in zip(of_process, its_labels, strict=True) if label != NOT_LEARNED]
        return sum(learned) / len(learned)

    return my_batch_loss


def exercise_5(stage: Stage) -> Callable[[int, int, int, float], float]:
    """Write five lines: the schedule."""

    def my_learning_rate(step: int, steps: int, warmup: int, peak: float) -> float:
        if step < warmup:
            return peak * (step + 1) / warmup
        part = (step - warmup) / (steps - warmup)
        return peak * 0.5 * (1 + math.cos(math.pi * part))

    return my_learning_rate


def exercise_6(stage: Stage) -> str:
    """Research: how high may the learning rate be?

    What a reader types is `alpaca-nb run tiny --run-dir FOLDER --until 03 -p learning_rate=0.002`. Here the data of the
    finished run is copied first, so that stage 03 alone runs again, with that run's own recipe.
    """
    other = stage.run_dir.with_name(f"{stage.run_dir.name}-ten-times")
    shutil.copytree(stage.run_dir, other, ignore=shutil.ignore_patterns("finetuning", "model", "0[3-6]*", "figures"))
    recipe = json.loads((stage.run_dir / "run.json").read_text(encoding="utf-8"))["recipe"]
    rate = 10 * float(stage.parameters["learning_rate"])
    command = [sys.executable, "-m", "alpaca_nb.cli", "run", recipe, "--run-dir", str(other)]
    options = ["--from", "03", "--until", "03", "-p", f"learning_rate={rate}"]
    subprocess.run([*command, *options], check=True, capture_output=True)
    return str(other)
