"""`alpaca-nb export RUN_DIR --format gguf`: write, check, and say how large, how quick and how good each file is."""

import dataclasses
import gc
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alpaca_nb.errors import ModelError
from alpaca_nb.files import write_json, write_text
from alpaca_nb.inference.generate import continue_rows, left_pad
from alpaca_nb.inference.gguf.checking import NEW_TOKENS, TIMED, Checked, Reference, check, references
from alpaca_nb.inference.gguf.llama_cpp import load_binding
from alpaca_nb.inference.gguf.modelfile import modelfile
from alpaca_nb.inference.gguf.tokens import CHAT_TEMPLATE
from alpaca_nb.inference.gguf.writing import QUANTIZATIONS, write_gguf
from alpaca_nb.inference.model_card import model_card
from alpaca_nb.inference.run_models import folder_of
from alpaca_nb.models import load_model, load_tokenizer
from alpaca_nb.record_files import read_records
from alpaca_nb.records import CheckableTask, EvaluationTask

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HEADER = ("file", "MB", "memory MB", "tokens/s", "same text", "prefix", "mean |Δ ln p|", "loss", "loss before")
# Tried where a run has no questions yet: digits, signs, letters beyond ASCII, several lines.
ANY_TASKS = (
    ("Name three rivers.", "", "Rhine, Nile, Amazon"),
    ("Add the numbers.", "12, 345 and 6.5", "363.5"),
    ("Übersetze das Wort.", "Straßenbahn – „tram“", "tram"),
    ("List the lines.", "one\n\n  two\tthree", "one, two, three"),
)


def export_gguf(options: Namespace) -> int:
    """Run the command; `options` has run_dir, quantization (with commas), prompts, threads, output, no_check."""
    chosen = [name.strip().lower() for name in options.quantization.split(",")]
    for name in chosen:
        if name not in QUANTIZATIONS:
            raise ModelError(f"quantization {name!r} is not known; there are {', '.join(QUANTIZATIONS)}")
    source = folder_of(options.run_dir, "tuned")
    target: Path = options.output or options.run_dir / "gguf"
    files = []
    for name in chosen:
        file = write_gguf(source, target / f"{options.run_dir.resolve().name}-{name}.gguf", name)
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB", flush=True)
        files.append(file)
    write_text(target / "Modelfile", modelfile(files[-1].name))
    write_text(target / "alpaca.jinja", CHAT_TEMPLATE)
    write_text(target / "MODEL_CARD.md", model_card(options.run_dir))
    (target / "checks.json").unlink(missing_ok=True)  # it spoke of other files
    if options.no_check:
        print("not checked against the original, as told")
        return 0
    try:
        load_binding()
    except ModelError as absent:
        print(f"not checked against the original: {absent}")
        return 0
    checked = _checked(files, source, held_out_tasks(options.run_dir, options.prompts), options.threads)
    write_json(target / "checks.json", [dataclasses.asdict(one) for one in checked])
    return 0


def held_out_tasks(run_dir: Path, count: int) -> list[EvaluationTask]:
    """The run's first held-out questions with their reference answers; a few of any kind where it has none."""
    path = run_dir / "questions.jsonl"
    if not path.exists():
        return [EvaluationTask(f"any_{n}", "any", *texts) for n, texts in enumerate(ANY_TASKS)]
    asked = read_records(path, CheckableTask)[:count]
    return [EvaluationTask(q.id, q.family, q.instruction, q.input, q.answer) for q in asked]


def _checked(files: Sequence[Path], source: Path, tasks: Sequence[EvaluationTask], threads: int) -> list[Checked]:
    print(f"comparing with the original on {len(tasks)} prompts (greedy, {threads} thread(s)) …", flush=True)
    tokenizer = load_tokenizer(source)
    original, speed = _original(source, tokenizer, tasks)
    found = []
    print("\n" + _line(HEADER))
    print(_line(("original", "", "", f"{speed:.1f}", f"{len(tasks)}/{len(tasks)}", "1.000", "0", "", "")), flush=True)
    for file in files:
        try:
            one = check(file, tokenizer, original, threads=threads)
        except ModelError:
            file.unlink()  # a file that answers worse, silently, is worse than none
            raise
        found.append(one)
        same = f"{one.same_text}/{one.prompts}"
        sizes = (f"{one.megabytes:.1f}", f"{one.memory_megabytes:.0f}", f"{one.tokens_per_second:.1f}")
        numbers = (
            f"{one.same_prefix:.3f}",
            f"{one.mean_difference:.4f}",
            f"{one.loss:.4f}",
            f"{one.original_loss:.4f}",
        )
        print(_line((one.name, *sizes, same, *numbers)), flush=True)
    return found


def _original(
    source: Path, tokenizer: "PreTrainedTokenizerBase", tasks: Sequence[EvaluationTask]
) -> tuple[list[Reference], float]:
    """What the original says in float32, and its speed one prompt at a time, in tokens a second."""
    model = load_model(source, "float32")
    found = references(model, tokenizer, tasks)
    pad, started = tokenizer.pad_token_id, time.perf_counter()
    for one in found[:TIMED]:  # as `checking.memory_and_speed` does: as many tokens for each, the end not heeded
        continue_rows(model, *left_pad([one.prompt], pad), NEW_TOKENS, pad, min_new_tokens=NEW_TOKENS)
    speed = len(found[:TIMED]) * NEW_TOKENS / (time.perf_counter() - started)
    del model
    gc.collect()
    return found, speed


def _line(cells: Sequence[str]) -> str:
    return f"{cells[0]:<10}" + "".join(f"{cell:>14}" for cell in cells[1:])
