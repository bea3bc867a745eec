"""Training speed on CPU cores: rows packed and padded, and the kit's FSDP2 processes beside plain PyTorch.

    python benchmarks/finetune_cpu.py                   # both parts, about seven minutes on two cores
    python benchmarks/finetune_cpu.py --part padding    # or processes; each writes a file into benchmarks/results/

Part `padding`: rows of Alpaca's lengths in five layouts (`padding.py`), one process, one thread, a model of 34 million
random weights, the layouts taking turns step by step. The claims are useful tokens/s of packs, every score computed as
the others do: at least 2.3 times those of rows padded 16 at a time, and 1.4 times those of Alpaca's own 4 at a time.

Part `processes`: three variants take turns, each in fresh processes: the kit (`number_of_processes` processes of one
thread), and one process with as many threads, bfloat16 autocast over float32 weights and fused AdamW, once with the
loss as transformers computes it (scores at every place) and once with the kit's shortcut (scores only where something
is learned). Rows, batches, packing, attention, clipping and the allocator's settings are the same for all; steps while
caches fill are not counted. The claim is a ratio of at least 0.8 to the first baseline; the second one says what FSDP
itself costs.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from alpaca_nb import processes
from alpaca_nb.alpaca_format import read_examples
from alpaca_nb.checkable_tasks import make_tasks
from alpaca_nb.files import write_json
from alpaca_nb.finetuning.encode import EncodedRow, encode_examples, write_rows
from alpaca_nb.finetuning.launch import environment
from alpaca_nb.finetuning.plan import rows_of_step
from alpaca_nb.finetuning.results import read_metrics
from alpaca_nb.finetuning.settings import TrainingSettings
from alpaca_nb.finetuning.stage import train_in_processes
from alpaca_nb.models import load_model, load_tokenizer, model_folder
from alpaca_nb.records import Example
from alpaca_nb.runs import commit, versions

RESULTS = Path(__file__).resolve().parent / "results"
GOAL = 0.8
PACKED_GOALS = {"padded, 16 rows": 2.3, "padded, 4 rows": 1.4}
Steps = list[tuple[int, float, float]]  # (tokens, seconds, loss) of each step


def main() -> None:
    options = parse()
    if options.baseline:
        train_alone(options.baseline, Path(options.rows_file), options)
        return
    if options.part != "processes":
        compare_layouts(options.layout_rows)
    if options.part == "padding":
        return
    settings = TrainingSettings(
        base_model=options.base_model,
        seed=17,
        number_of_processes=options.processes,
        epochs=1,
        batch_size=options.batch_size,
        learning_rate=1e-4,
    )
    rows = make_rows(settings, options.warm_up_steps + options.counted_steps, options.dataset)
    found: dict[str, list[Steps]] = {"kit": [], "autocast": [], "autocast, answers only": []}
    peaks: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        rows_file = write_rows(Path(folder) / "rows.npz", rows)
        for _ in range(options.repetitions):
            steps, peak = run_kit(Path(folder) / "run" / "finetuning", settings, rows)
            found["kit"].append(steps)
            peaks.append(peak)
            for name, variant in (("autocast", "full"), ("autocast, answers only", "answers")):
                found[name].append(run_alone(variant, rows_file, options))
            print({name: round(speed(runs, options.warm_up_steps)) for name, runs in found.items()}, flush=True)
    report(settings, options, found, max(peaks))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("both", "padding", "processes"), default="both")
    parser.add_argument("--layout-rows", type=int, default=192, help="part padding: rows, 48 a step")
    parser.add_argument("--base-model", default="smollm2-135m")
    parser.add_argument(
        "--dataset", default="", help="a file in Alpaca's format; default: tasks as the recipe tiny has"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--batch-size", type=int, default=24)
    parser.add_argument("--repetitions", type=int, default=2)
    parser.add_argument("--warm-up-steps", type=int, default=2)
    parser.add_argument("--counted-steps", type=int, default=4)
    parser.add_argument("--baseline", choices=("full", "answers"), help=argparse.SUPPRESS)
    parser.add_argument("--rows-file", help=argparse.SUPPRESS)
    return parser.parse_args()


def make_rows(settings: TrainingSettings, steps: int, dataset: str) -> list[EncodedRow]:
    """Exactly the rows of the steps that run."""
    wanted = settings.batch_size * steps
    if dataset:
        examples = read_examples(Path(dataset))[:wanted]
    else:
        tasks = make_tasks(wanted, "benchmark finetune_cpu")
        examples = [Example(task.instruction, task.input, task.answer) for task in tasks]
    rows = encode_examples(examples, load_tokenizer(model_folder(settings.base_model))).rows
    if len(rows) < wanted:
        sys.exit(f"{wanted} rows are needed, {len(rows)} are there")
    return list(rows)


def run_kit(folder: Path, settings: TrainingSettings, rows: Sequence[EncodedRow]) -> tuple[Steps, float]:
    """Train as notebook 03 does; returns the steps and the peak of the processes' memory together, in GB."""
    peak, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            peak[0] = max(peak[0], memory_of_children())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        train_in_processes(folder, settings, rows, rows[:2])
    finally:
        ended.set()
        watcher.join()
    return [(line.tokens, line.seconds, line.loss) for line in read_metrics(folder)], peak[0]


def memory_of_children() -> float:
    """Resident memory of all training processes and of torchrun, in GB; pages they share are counted each time."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        try:
            total += child.memory_info().rss
        except psutil.Error:
            continue  # it has just ended
    return total / 1e9


def run_alone(variant: str, rows_file: Path, options: argparse.Namespace) -> Steps:
    """Run one baseline in a process of its own; returns its steps."""
    command = [sys.executable, __file__, "--baseline", variant, "--rows-file", str(rows_file)]
    for name in ("base_model", "batch_size", "warm_up_steps", "counted_steps"):
        command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    process = processes.start(command, environment=environment(1))
    said, _ = process.communicate()
    lines = [line for line in said.splitlines() if line.startswith("[")]
    if process.returncode != 0 or not lines:
        sys.exit(f"the baseline failed:\n{said}")
    return [(tokens, seconds, loss) for tokens, seconds, loss in map(json.loads, lines)]


def train_alone(variant: str, rows_file: Path, options: argparse.Namespace) -> None:
    """The baseline: a plain training loop in one process, a JSON line [tokens, seconds, loss] a step."""
    import torch

    from alpaca_nb.finetuning.attention import use_packed_attention
    from alpaca_nb.finetuning.encode import read_rows
    from alpaca_nb.finetuning.packing import pack, summed_loss

    rows = read_rows(rows_file)
    model = load_model(model_folder(options.base_model), "float32").train()
    use_packed_attention(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.0, fused=True)
    for step in range(options.warm_up_steps + options.counted_steps):
        began = time.perf_counter()
        chosen = [rows[row] for row in rows_of_step(step, len(rows), options.batch_size, seed=17)]
        one = pack(chosen)
        with torch.autocast("cpu", torch.bfloat16):
            if variant == "answers":
                loss = summed_loss(model, one) / len(one.targets)
            else:
                labels = torch.full_like(one.input_ids, -100)
                labels[0, one.predict_at + 1] = one.targets
                loss = model(
                    input_ids=one.input_ids,
                    position_ids=one.position_ids,
                    borders=one.borders,
                    longest=one.longest,
                    labels=labels,
                    use_cache=False,
                ).loss
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        tokens = sum(len(row.input_ids) for row in chosen)
        print(json.dumps([tokens, time.perf_counter() - began, loss.item()]), flush=True)


def speed(runs: list[Steps], warm_up_steps: int) -> float:
    """Tokens/s: the median over all counted steps of all repetitions, so that one disturbed step decides nothing."""
    return statistics.median(tokens / seconds for run in runs for tokens, seconds, _ in run[warm_up_steps:])


def report(
    settings: TrainingSettings, options: argparse.Namespace, found: dict[str, list[Steps]], peak_gb: float
) -> None:
    first_losses = {name: runs[0][0][2] for name, runs in found.items()}
    if max(first_losses.values()) - min(first_losses.values()) > 0.05:
        sys.exit(f"the variants do not compute the same thing; losses of the first step: {first_losses}")
    speeds = {name: speed(runs, options.warm_up_steps) for name, runs in found.items()}
    ratio, ratio_answers = (speeds["kit"] / speeds[name] for name in ("autocast", "autocast, answers only"))
    date = datetime.now(UTC).date().isoformat()
    path = write_json(
        RESULTS / f"finetune_cpu_{date}.json",
        {
            "benchmark": "finetune_cpu",
            "date": date,
            "commit": commit(),
            "hardware": hardware(),
            "versions": versions(),
            "settings": {**vars(settings), "dataset": Path(options.dataset).name or "checkable tasks"},
            "warm_up_steps": options.warm_up_steps,
            "tokens_per_step": statistics.mean(tokens for run in found["kit"] for tokens, _, _ in run),
            "tokens_per_second": speeds,
            "ratio_to_autocast": ratio,
            "ratio_to_autocast_answers_only": ratio_answers,
            "goal": GOAL,
            "peak_memory_gb_of_all_training_processes": peak_gb,
            "steps_tokens_seconds_loss": found,
        },
    )
    print({name: round(value, 1) for name, value in speeds.items()}, "tokens/s")
    print(f"kit / autocast = {ratio:.2f} (goal {GOAL}), kit / autocast, answers only = {ratio_answers:.2f}")
    print(f"peak memory of the kit's processes together {peak_gb:.2f} GB; written to results/{path.name}")


def compare_layouts(number: int) -> None:
    """Part `padding`: measure, check that all layouts train the same, print and write."""
    import padding
    import torch

    from alpaca_nb.finetuning.devices import dtype_for

    torch.set_num_threads(1)
    dtype = dtype_for("auto", torch.device("cpu"))
    rows = padding.make_rows(number, padding.SMALL.vocab_size)
    autocast = None if dtype == torch.float32 else dtype
    found = padding.compare(padding.SMALL, padding.ways(rows, rows_a_step=48, max_tokens=2048), autocast)
    losses = [float(str(one["mean_loss"])) for one in found.values()]
    if max(losses) - min(losses) > 0.05:
        sys.exit(f"the layouts do not train the same; their mean losses: {losses}")
    speeds = {name: float(str(one["tokens_per_second"])) for name, one in found.items()}
    ratios = {name: speeds["packed"] / speeds[name] for name in PACKED_GOALS}
    date = datetime.now(UTC).date().isoformat()
    path = write_json(
        RESULTS / f"finetune_cpu_padding_{date}.json",
        {
            "benchmark": "finetune_cpu, part padding",
            "date": date,
            "commit": commit(),
            "hardware": hardware(),
            "versions": versions(),
            "model": {"parameters": 33_694_208, "random": True, "numbers": str(dtype)},
            "rows": number,
            "tokens": sum(len(row.input_ids) for row in rows),
            "lengths": "benchmarks/alpaca_lengths.py",
            "layouts": found,
            "packed_to": ratios,
            "goals_at_least": PACKED_GOALS,
        },
    )
    for name, speed_of_it in speeds.items():
        print(f"{name}: {speed_of_it:.0f} useful tokens/s, {float(str(found[name]['useful_share'])):.0%} useful")
    print(", ".join(f"packed / {name} = {ratio:.2f} (goal {PACKED_GOALS[name]})" for name, ratio in ratios.items()))
    print(f"written to results/{path.name}", flush=True)


def hardware() -> dict[str, str | int | float]:
    """CPU, cores, memory, and how busy the machine was (a number near the cores spoils the timing)."""
    names = [line for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    return {
        "cpu": names[0].split(":")[1].strip() if names else platform.processor(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_average_at_the_end": round(psutil.getloadavg()[0], 2),
    }


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


if __name__ == "__main__":
    main()
