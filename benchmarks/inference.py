"""Speed of answering: a batch of 8 beside one by one, llama.cpp beside transformers, and the demo's first token.

    python benchmarks/inference.py RUN_DIR       # about three minutes on two cores; writes benchmarks/results/

Claims, each a ratio in the same process on the same questions, taking turns: answers in batches of 8 at least 3 times
the tokens a second of one by one; GGUF q8_0 in llama.cpp at least 2 times transformers in float32, one prompt at a time
and with as many threads each (GGUF beside bfloat16 is reported too). The demo's first token should come in 1.5 seconds.
All write the same number of tokens: the end token is not heeded, since answers of `tiny` are three tokens long.
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

from alpaca_nb.files import write_json
from alpaca_nb.inference.demo.answering import Demo
from alpaca_nb.inference.demo.guards import RateLimit
from alpaca_nb.inference.demo.moderation import Nothing
from alpaca_nb.inference.generate import answer_batch, answering_dtype
from alpaca_nb.inference.gguf.command import held_out_tasks
from alpaca_nb.inference.gguf.llama_cpp import LlamaCpp
from alpaca_nb.inference.gguf.writing import write_gguf
from alpaca_nb.inference.run_models import Loaded, folder_of
from alpaca_nb.inference.sampling import GREEDY, Sampling
from alpaca_nb.models import load_model, load_tokenizer
from alpaca_nb.records import Answer, EvaluationTask
from alpaca_nb.runs import commit, device_description, versions

RESULTS = Path(__file__).resolve().parent / "results"
BATCH, GOAL_BATCH, GOAL_GGUF, GOAL_FIRST_SECONDS = 8, 3.0, 2.0, 1.5
Way = Callable[[], list[Answer]]


def main() -> None:
    options = parse()
    folder = folder_of(options.run_dir, "tuned")
    tasks = held_out_tasks(options.run_dir, options.questions)
    tokenizer, tokens = load_tokenizer(folder), options.new_tokens
    wide = Loaded("tuned", load_model(folder, "float32"), tokenizer)
    quick = Loaded("tuned", load_model(folder, answering_dtype()), tokenizer)
    ends = quick.model.generation_config.eos_token_id
    for one in (wide, quick):
        one.model.generation_config.eos_token_id = tokenizer.unk_token_id  # never written
    with tempfile.TemporaryDirectory() as scratch:
        llama = LlamaCpp(write_gguf(folder, Path(scratch) / "m-q8_0.gguf", "q8_0"), threads=options.threads)
        speeds = measured(
            {
                f"batch of {BATCH}": lambda: in_batches(quick, tasks, BATCH, tokens),
                "one by one": lambda: in_batches(quick, tasks, 1, tokens),
                "float32, one by one": lambda: in_batches(wide, tasks, 1, tokens),
                "gguf q8_0, one by one": lambda: [endless(llama, task, tokens) for task in tasks],
            },
            options.repetitions,
        )
        quick.model.generation_config.eos_token_id = ends
        first = first_tokens(Demo({"tuned": quick}, Nothing(), RateLimit(10_000)), tasks, Path(scratch))
    report(options, speeds, first)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--questions", type=int, default=16)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="of both sides")
    return parser.parse_args()


def measured(ways: dict[str, Way], repetitions: int) -> dict[str, list[float]]:
    """Tokens a second of each way, taking turns; the first round warms up and is not counted."""
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for round_number in range(repetitions + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            written = sum(answer.new_tokens for answer in way())
            if round_number:
                speeds[name].append(written / (time.perf_counter() - started))
        print({name: [round(one, 1) for one in found] for name, found in speeds.items()}, flush=True)
    return speeds


def in_batches(loaded: Loaded, tasks: Sequence[EvaluationTask], size: int, tokens: int) -> list[Answer]:
    parts = [tasks[start : start + size] for start in range(0, len(tasks), size)]
    return [one for part in parts for one in answer_batch(loaded.model, loaded.tokenizer, part, "tuned", tokens)]


def endless(llama: LlamaCpp, task: EvaluationTask, tokens: int) -> Answer:
    stream = llama.stream(task.instruction, task.input, tokens, GREEDY, ignore_eos=True)
    list(stream)
    assert stream.answer is not None
    return stream.answer


def first_tokens(demo: Demo, tasks: Sequence[EvaluationTask], scratch: Path) -> list[float]:
    """Seconds from asking over HTTP to the first piece of the answer, as a browser would get it."""
    from gradio_client import Client

    from alpaca_nb.inference.demo.page import build, serve

    page = build(demo, scratch / "flagged.jsonl")
    client = Client(serve(page, "127.0.0.1", None, wait=False), verbose=False)
    usual, seconds = Sampling(), []
    for number, task in enumerate(tasks):
        came, started = threading.Event(), time.perf_counter()
        values = (task.instruction, task.input, False, usual.temperature, usual.top_p, 0, 64, number)
        job = client.submit(*values, api_name="/ask")
        for shown in job:
            if shown[0] and not came.is_set():
                seconds.append(time.perf_counter() - started)
                came.set()
    page.close(verbose=False)
    return seconds[1:]  # the first one warms up


def report(options: argparse.Namespace, speeds: dict[str, list[float]], first: Sequence[float]) -> None:
    """Print and keep the medians and the claims."""
    middle = {name: round(statistics.median(found), 2) for name, found in speeds.items()}
    claims = {
        f"batch of {BATCH} / one by one": (middle[f"batch of {BATCH}"] / middle["one by one"], GOAL_BATCH),
        "gguf q8_0 / float32": (middle["gguf q8_0, one by one"] / middle["float32, one by one"], GOAL_GGUF),
    }
    result = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "python benchmarks/inference.py RUN_DIR",
        "questions": options.questions,
        "new_tokens_at_most": options.new_tokens,
        "threads": options.threads,
        "tokens_per_second_median": middle,
        "tokens_per_second": {name: [round(one, 2) for one in found] for name, found in speeds.items()},
        "ratios": {n: {"ratio": round(r, 2), "goal": goal, "met": r >= goal} for n, (r, goal) in claims.items()},
        "gguf q8_0 / quickest format": round(middle["gguf q8_0, one by one"] / middle["one by one"], 2),
        "quickest_format": answering_dtype(),
        "demo_first_token_seconds": {
            "median": round(statistics.median(first), 3),
            "most": round(max(first), 3),
            "goal": GOAL_FIRST_SECONDS,
            "met": max(first) < GOAL_FIRST_SECONDS,
        },
        "load_average": list(os.getloadavg()),
        "device": device_description(),
        "torch_threads": torch.get_num_threads(),
        "versions": versions(),
        "commit": commit(),
    }
    path = write_json(RESULTS / f"inference_{datetime.now(UTC):%Y-%m-%d}.json", result)
    print(result["ratios"], result["demo_first_token_seconds"], path, sep="\n")


if __name__ == "__main__":
    main()
