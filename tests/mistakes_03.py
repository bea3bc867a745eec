"""Wrong answers that readers of notebook 03 are likely to give, and words of the explanation they must get."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alpaca_nb.files import write_json
from alpaca_nb.finetuning.encode import read_rows
from alpaca_nb.finetuning.model_shape import read_shape
from alpaca_nb.runs import Parameter, Stage, read_record

Losses, Labels = Sequence[Sequence[float]], Sequence[Sequence[int]]
GOOD, CUT = [-100] * 4 + [21, 22, 2], [-100] * 4 + [21, 22]
MIB = 2**20


def rows(stage: Stage) -> int:
    return len(read_rows(stage.run_dir / "finetuning" / "training_rows.npz"))


def weights(stage: Stage) -> int:
    return read_shape(stage.run_dir / "model").parameters


def learned(losses: Losses, labels: Labels) -> list[list[float]]:
    return [
        [loss for loss, label in zip(one, other, strict=True) if label != -100]
        for one, other in zip(losses, labels, strict=True)
    ]


def mean_of_means(losses: Losses, labels: Labels) -> float:
    means = [sum(one) / len(one) for one in learned(losses, labels)]
    return sum(means) / len(means)


def masked_too(losses: Losses, labels: Labels) -> float:
    everything = [loss for one in losses for loss in one]
    return sum(everything) / len(everything)


def masked_in_the_count(losses: Losses, labels: Labels) -> float:
    return sum(map(sum, learned(losses, labels))) / sum(len(one) for one in labels)


def rise(step: int, warmup: int, peak: float) -> float:
    return peak * (step + 1) / warmup


def half_cosine(part: float) -> float:
    return (1 + math.cos(math.pi * part)) / 2


def from_zero(step: int, steps: int, warmup: int, peak: float) -> float:
    return peak * step / warmup if step < warmup else peak * half_cosine((step - warmup) / (steps - warmup))


def over_all_steps(step: int, steps: int, warmup: int, peak: float) -> float:
    return rise(step, warmup, peak) if step < warmup else peak * half_cosine(step / steps)


def no_warmup(step: int, steps: int, warmup: int, peak: float) -> float:
    return peak * half_cosine(step / steps)


def straight(step: int, steps: int, warmup: int, peak: float) -> float:
    return rise(step, warmup, peak) if step < warmup else peak * (steps - step) / (steps - warmup)


def negative(step: int, steps: int, warmup: int, peak: float) -> float:
    return rise(step, warmup, peak) if step < warmup else peak * math.cos(math.pi * (step - warmup) / (steps - warmup))


def down_and_up(step: int, steps: int, warmup: int, peak: float) -> float:
    return rise(step, warmup, peak) if step < warmup else peak * half_cosine(2 * (step - warmup) / (steps - warmup))


def zero_at_the_end(step: int, steps: int, warmup: int, peak: float) -> float:
    return rise(step, warmup, peak) if step < warmup else peak * half_cosine((step - warmup) / (steps - 1 - warmup))


def without_peak(step: int, steps: int, warmup: int, peak: float) -> float:
    return rise(step, warmup, 1) if step < warmup else half_cosine((step - warmup) / (steps - warmup))


def divides_by_zero(step: int, steps: int, warmup: int, peak: float) -> float:
    return min(step + 1, warmup) / warmup * peak


def another_run(stage: Stage, name: str, **changed: Parameter) -> str:
    """A folder whose record says that stage 03 ran there with other parameters: all that the check looks at first."""
    record = read_record(stage.run_dir, stage.name)
    assert record is not None
    folder = stage.run_dir.with_name(f"{stage.run_dir.name}-{name}")
    parameters = record.parameters | changed
    write_json(folder / "03_stage.json", dataclasses.asdict(record) | {"parameters": parameters})
    return str(folder)


def of_other_data(stage: Stage) -> str:
    record = read_record(stage.run_dir, stage.name)
    assert record is not None
    folder = stage.run_dir.with_name(f"{stage.run_dir.name}-other-data")
    changed = {"parameters": record.parameters | {"learning_rate": 1.0}, "inputs": {"dataset.json": "0" * 64}}
    write_json(folder / "03_stage.json", dataclasses.asdict(record) | changed)
    return str(folder)


MISTAKES: dict[str, list[tuple[Any, str]]] = {
    "03.1": [
        (([11, 12, 13, 14, 21, 22, 2], CUT), "max_length 10: here the prompt is learned as well"),
        (([*GOOD[:-1], -100], CUT), "END is how a model knows when to stop"),
        (([-100] * 5 + [22, 2], CUT), "the first token of the answer is learned too"),
        (([-100] * 3 + [21, 22, 2, -100], CUT), "these are shifted by one place"),
        (([0] * 4 + [21, 22, 2], CUT), "0 is a token like any other"),
        (([-100, -100, 13, -100, 21, 22, 2], CUT), "look at place 2 (from 0), token 13"),
        ((GOOD, [*CUT[:-1], 2]), "max_length 6: look at place 5"),
        ((GOOD, GOOD), "6 items are asked for, and these are 7"),
    ],
    "03.2": [
        (lambda stage: rows(stage) // 10 * 3, "You round down in every epoch"),
        (lambda stage: math.ceil(rows(stage) * 3 / 10), "You round up"),
        (lambda stage: rows(stage) * 3 / 10, "A step is a whole batch"),
        (lambda stage: (rows(stage) + 12) * 3 // 10, "The held-out rows are in it"),
        (lambda stage: rows(stage) // 10, "That is one epoch"),
        (lambda stage: rows(stage) * 3 // 20, "their number changes nothing"),
        (lambda stage: rows(stage) * 3, "Those are rows"),
        (1000, "too high"),
    ],
    "03.3": [
        (lambda stage: weights(stage) * 16 / MIB, "That is the whole"),
        (lambda stage: weights(stage) * 16 / 2 / MIB, "That is on 2 processes, as in your run"),
        (lambda stage: weights(stage) * 4 / 8 / MIB, "Those are the weights in float32"),
        (lambda stage: weights(stage) * 2 / 8 / MIB, "That is two bytes a weight"),
        (lambda stage: weights(stage) * 8 / 8 / MIB, "AdamW keeps two averages"),
        (lambda stage: weights(stage) * 12 / 8 / MIB, "Three numbers a weight"),
        (lambda stage: weights(stage) * 16 / 8 / 1e6, "Those are MB"),
        (lambda stage: weights(stage) * 16 / 8, "Those are bytes"),
    ],
    "03.4": [
        (mean_of_means, "You average each process's mean"),
        (masked_too, "You count places that are not learned"),
        (masked_in_the_count, "still counted in what you divide by"),
        ((lambda losses, labels: sum(map(sum, learned(losses, labels)))), "That is the sum"),
        ((lambda losses, labels: sum(map(sum, learned(losses, labels))) / len(losses)), "the number of processes"),
        ((lambda losses, labels: losses[0][0]), "cases are right. The first that is not"),
        ((lambda losses, labels: sum(losses)), "Your function raises TypeError"),
    ],
    "03.5": [
        (from_zero, "The first step has a rate of zero"),
        (over_all_steps, "The cosine begins where the warm-up ends"),
        (no_warmup, "The warm-up is missing"),
        (straight, "falls along a straight line"),
        (negative, "The rate becomes negative"),
        (down_and_up, "A whole cosine falls and rises again"),
        (zero_at_the_end, "The last step has a rate of zero"),
        (without_peak, "multiply it by the peak"),
        (divides_by_zero, "Your function raises ZeroDivisionError (division by zero) for (0, 7, 0, 0.5)"),
    ],
    "03.6": [
        ("no/such/folder", "There is no folder"),
        (lambda stage: str(stage.run_dir), "Nothing differs"),
        (lambda stage: str(stage.run_dir.parent), "Stage 03 has not finished there"),
        (lambda stage: another_run(stage, "epochs", epochs=7), "They differ in epochs"),
        (lambda stage: another_run(stage, "both", epochs=7, learning_rate=1.0), "They differ in epochs, learning_rate"),
        (of_other_data, "They differ in learning_rate, the data"),
        (Path("no/such/folder"), "There is no folder"),
        (0.002, "A text is asked for"),
    ],
}
