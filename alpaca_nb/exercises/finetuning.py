"""Checks of notebook 03's exercises: labels, steps, memory, the loss of a batch, the schedule, one changed setting."""

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from alpaca_nb.exercises.answers import (
    Check,
    Feedback,
    Function,
    as_items,
    as_number,
    as_text,
    compare_function,
    compare_number,
    right,
    wrong,
)
from alpaca_nb.files import sha256_of
from alpaca_nb.finetuning.encode import NOT_LEARNED, EncodedRow, read_rows
from alpaca_nb.finetuning.plan import number_of_steps
from alpaca_nb.finetuning.results import TRAINING_ROWS_FILE, read_metrics, read_result
from alpaca_nb.finetuning.settings import settings_from, warmup_steps
from alpaca_nb.runs import Stage, read_record

THIS_STAGE = "03_finetune_fsdp"
PROMPT, ANSWER, END = (11, 12, 13, 14), (21, 22), 2  # token ids; the notebook shows them
LENGTHS = (10, 6)  # two values of max_length
BATCH_SIZE, EPOCHS, GPUS, BYTES_PER_WEIGHT, MIB = 10, 3, 8, 16, 2**20


def labels_of_a_row(answer: object, stage: Stage) -> Feedback:
    """The labels of one row, whole and cut."""
    whole = (*PROMPT, *ANSWER, END)
    for said, length in zip(as_items(answer, len(LENGTHS)), LENGTHS, strict=True):
        row = EncodedRow(whole[:length], len(PROMPT))
        labels = [as_number(item) for item in as_items(said, len(row.labels))]
        if labels != list(row.labels):
            return wrong(f"max_length {length}: {_mistake_in_labels(labels, row)}")
    return right("Labels stand under their own tokens; that the model predicts the next one is the loss function's "
                 "business, which shifts them. The cut row never learns where to stop.")  # fmt: skip


def _mistake_in_labels(labels: Sequence[float], row: EncodedRow) -> str:
    shifted, first = [*row.labels[1:], NOT_LEARNED], len(PROMPT)
    mistakes: tuple[tuple[Sequence[float], str], ...] = (
        (row.input_ids, "here the prompt is learned as well. Its places get -100."),
        ([*row.labels[:-1], NOT_LEARNED], "the last token is learned too; END is how a model knows when to stop."),
        ([*row.labels[:first], NOT_LEARNED, *row.labels[first + 1 :]], "the first token of the answer is learned too."),
        (shifted, "these are shifted by one place. The loss function shifts; a label stands under its own token."),
        ([max(label, 0) for label in row.labels], "0 is a token like any other; only -100 is skipped."),
    )  # fmt: skip
    for result, said in mistakes:
        if list(labels) == list(result):
            return said
    place = next(n for n, (one, other) in enumerate(zip(labels, row.labels, strict=True)) if one != other)
    return f"look at place {place} (from 0), token {row.input_ids[place]}: is it read, or learned?"


def steps_of_a_run(answer: object, stage: Stage) -> Feedback:
    """Optimizer steps of the run's training rows at another batch size and number of epochs."""
    rows = len(_rows(stage))
    all_rows = rows + int(stage.parameters["held_out_rows"])
    wanted = number_of_steps(rows, EPOCHS, BATCH_SIZE)
    return compare_number(
        answer,
        wanted,
        [
            (rows // BATCH_SIZE * EPOCHS, "You round down in every epoch. An epoch's remainder is joined with the next "
             "one's first rows; only the last of all is left out."),
            (math.ceil(rows * EPOCHS / BATCH_SIZE), "You round up. Rows that do not fill a batch are left out."),
            (rows * EPOCHS / BATCH_SIZE, "A step is a whole batch; what does not fill one is left out."),
            (all_rows * EPOCHS // BATCH_SIZE, "The held-out rows are in it. They are measured on, never trained on."),
            (rows // BATCH_SIZE, f"That is one epoch; asked for are {EPOCHS}."),
            (wanted // int(stage.parameters["number_of_processes"]), "batch_size counts the rows of all processes "
             "together: their number changes nothing."),
            (rows * EPOCHS, "Those are rows. A step takes ten of them at once."),
        ],
        praise=f"{rows} rows, three times, in tens. Alpaca's 52,002 rows, three times, in batches of 128, would be "
        f"{number_of_steps(52_002, 3, 128):,} steps.",
        otherwise="How many rows are trained on, how often, and how many does a step take?",
        within=1e-9,
    )  # fmt: skip


def memory_on_eight_gpus(answer: object, stage: Stage) -> Feedback:
    """MiB of weights, gradients and AdamW's averages on each of eight processes."""
    from alpaca_nb.finetuning.model_shape import LLAMA_7B, read_shape

    weights = read_shape(stage.need("model", made_by=THIS_STAGE)).parameters
    wanted = weights * BYTES_PER_WEIGHT / GPUS / MIB
    processes = settings_from(stage.parameters).world_size
    return compare_number(
        answer,
        wanted,
        [
            (wanted * GPUS, "That is the whole. FSDP gives each of eight processes an eighth."),
            (wanted * GPUS / processes, f"That is on {processes} processes, as in your run; asked for are eight."),
            (wanted / 4, "Those are the weights in float32. Gradients and AdamW's two averages come on top."),
            (wanted / 8, "That is two bytes a weight. Only gathered layers are bfloat16; what is kept is float32."),
            (wanted / 2, "Weights and gradients. AdamW keeps two averages for each weight as well."),
            (wanted * 3 / 4, "Three numbers a weight. Weight, gradient and two averages are four."),
            (wanted * MIB / 1e6, "Those are MB, of a million bytes. A MiB has 1,048,576."),
            (wanted * MIB, "Those are bytes."),
        ],
        praise=f"{weights:,} weights of 16 bytes, an eighth each. LLaMA-7B on eight GPUs: "
        f"{LLAMA_7B.parameters * BYTES_PER_WEIGHT / GPUS / 2**30:.1f} GiB each, and the activations on top.",
        otherwise="How many bytes does training keep for a weight, and which part of them has one of eight processes?",
        within=0.005,
    )  # fmt: skip


def loss_of_a_batch(answer: object, stage: Stage) -> Feedback:
    """A function (losses, labels), a list a process in each, that gives the mean over the batch's learned tokens."""
    cases: list[tuple[object, ...]] = [
        ([[1.0, 1.0, 1.0], [3.0]], [[5, 6, 7], [8]]),
        ([[9.0, 9.0, 2.0], [9.0, 1.0, 3.0]], [[-100, -100, 7], [-100, 8, 2]]),
    ]
    draw = random.Random(17)
    chosen = sorted(_rows(stage)[:4], key=lambda row: row.learned_tokens)
    for rows in (chosen[:2], chosen):
        labels = [list(row.labels) for row in rows]
        cases.append(([[round(draw.uniform(0, 9), 3) for _ in row] for row in labels], labels))
    return compare_function(
        answer,
        cases,
        _mean_of_learned,
        [
            (_mean_of_means, "You average each process's mean. A token in short company weighs more then, and two "
             "processes would train another model than one. Add up first, divide once."),
            (_mean_of_all, "You count places that are not learned. A label of -100 leaves the sum and the count."),
            (_sum_over_places, "The masked losses are left out of the sum, but still counted in what you divide by."),
            (_sum_of_learned, "That is the sum. Divide it by the number of learned tokens of the whole batch."),
            (_sum_over_processes, "You divide by the number of processes. Divide by the number of learned tokens."),
        ],
        praise="Every learned token counts the same, on whichever process it is: that is what take_step divides by.",
    )  # fmt: skip


Losses = Sequence[Sequence[float]]
Labels = Sequence[Sequence[int]]


def _learned(losses: Losses, labels: Labels) -> list[list[float]]:
    return [
        [loss for loss, label in zip(*process, strict=True) if label != NOT_LEARNED]
        for process in zip(losses, labels, strict=True)
    ]


def _mean_of_learned(losses: Losses, labels: Labels) -> float:
    learned = [loss for process in _learned(losses, labels) for loss in process]
    return sum(learned) / len(learned)


def _mean_of_means(losses: Losses, labels: Labels) -> float:
    means = [sum(process) / len(process) for process in _learned(losses, labels)]
    return sum(means) / len(means)


def _mean_of_all(losses: Losses, labels: Labels) -> float:
    return sum(map(sum, losses)) / sum(map(len, losses))


def _sum_over_places(losses: Losses, labels: Labels) -> float:
    return _sum_of_learned(losses, labels) / sum(map(len, labels))


def _sum_of_learned(losses: Losses, labels: Labels) -> float:
    return sum(map(sum, _learned(losses, labels)))


def _sum_over_processes(losses: Losses, labels: Labels) -> float:
    return _sum_of_learned(losses, labels) / len(losses)


def schedule(answer: object, stage: Stage) -> Feedback:
    """A function (step, steps, warmup, peak): the learning rate of a step, from 0."""
    from alpaca_nb.finetuning.loop import learning_rate_at

    steps, settings = len(read_metrics(stage.need("finetuning", made_by=THIS_STAGE))), settings_from(stage.parameters)
    runs = [(10, 2, 1.0), (7, 0, 0.5), (steps, warmup_steps(settings, steps), settings.learning_rate)]
    cases = [(step, *run) for run in runs for step in range(run[0])]
    return compare_function(
        answer,
        cases,
        learning_rate_at,
        [
            (
                lambda step, *run: learning_rate_at(step - 1, *run) if step < run[1] else learning_rate_at(step, *run),
                "The first step has a rate of zero and learns nothing. With w warm-up steps it has 1 / w of the peak.",
            ),
            (
                _after_warmup(lambda step, steps, warmup: _half(step / steps)),
                "The cosine begins where the warm-up ends. Yours begins at step 0, and the rate jumps.",
            ),
            (lambda step, steps, warmup, peak: peak * _half(step / steps), "The warm-up is missing."),
            (
                _after_warmup(lambda *place: 1 - _part(*place)),
                "That falls along a straight line. Asked for is half a cosine: 0.5 · (1 + cos(π · part)).",
            ),
            (
                _after_warmup(lambda *place: math.cos(math.pi * _part(*place))),
                "The rate becomes negative: a cosine goes from 1 to -1. Lift it by one and halve it.",
            ),
            (
                _after_warmup(lambda *place: _half(2 * _part(*place))),
                "A whole cosine falls and rises again. The schedule takes half of one.",
            ),
            (
                _after_warmup(lambda step, steps, warmup: _half(_part(step, steps - 1, warmup))),
                "The last step has a rate of zero and learns nothing. Divide by steps - warmup: zero is never reached.",
            ),
            (
                lambda step, steps, warmup, peak: learning_rate_at(step, steps, warmup, 1.0),
                "The shape is right; multiply it by the peak.",
            ),
        ],
        praise=f"The same as the kit's, for the {steps} steps of your run as well.",
    )


def _after_warmup(fall: Callable[[int, int, int], float]) -> Function:
    """A schedule with the right warm-up, and then `fall` (step, steps, warmup) of the peak."""

    def rate(step: int, steps: int, warmup: int, peak: float) -> float:
        return peak * ((step + 1) / warmup if step < warmup else fall(step, steps, warmup))

    return rate


def _part(step: int, steps: int, warmup: int) -> float:
    return (step - warmup) / max(1, steps - warmup)


def _half(part: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * part))


def one_setting_changed(answer: object, stage: Stage) -> Feedback:
    """The folder of another run that differs from this one in its learning rate, and in nothing else."""
    folder = Path(as_text(str(answer) if isinstance(answer, Path) else answer)).expanduser()
    if not folder.is_dir():
        return wrong(f"There is no folder {folder}. A relative path counts from the notebooks folder.")
    record = read_record(folder, THIS_STAGE)
    if record is None:
        return wrong("Stage 03 has not finished there: its record, 03_stage.json, is missing.")
    apart = {name for name in record.parameters if record.parameters[name] != stage.parameters.get(name)}
    other_data = set(record.inputs.values()) != {sha256_of(_data_file(stage))}
    different = sorted(apart - {"dataset_path"}) + ["the data"] * other_data
    if not different:
        return wrong("Nothing differs: that is this run, or one just like it. Change learning_rate.")
    if different != ["learning_rate"]:
        return wrong(f"They differ in {', '.join(different)}. Change learning_rate alone, or nobody knows what did it.")
    here, there = read_result(stage.path("finetuning")), read_result(folder / "finetuning")
    norms = [max(one.grad_norm for one in read_metrics(each / "finetuning")) for each in (stage.run_dir, folder)]
    rows = sorted(
        (float(str(parameters["learning_rate"])), result.held_out_loss_after, norm)
        for parameters, result, norm in zip((stage.parameters, record.parameters), (here, there), norms, strict=True)
    )
    said = "; ".join(f"{rate:g}: {loss:.3f}, {norm:.1f}" for rate, loss, norm in rows)
    return right(
        f"Held-out loss, and the largest gradient norm, by learning rate: {said}. Is the difference larger than what "
        "another seed makes? Where would you look next, and why not at the training loss?"
    )


def _data_file(stage: Stage) -> Path:
    chosen = str(stage.parameters["dataset_path"])
    return Path(chosen) if chosen else stage.need("dataset.json", made_by="02_generate_data")


def _rows(stage: Stage) -> list[EncodedRow]:
    return read_rows(stage.need("finetuning", TRAINING_ROWS_FILE, made_by=THIS_STAGE))


CHECKS: dict[str, Check] = {
    "03.1": labels_of_a_row,
    "03.2": steps_of_a_run,
    "03.3": memory_on_eight_gpus,
    "03.4": loss_of_a_batch,
    "03.5": schedule,
    "03.6": one_setting_changed,
}
