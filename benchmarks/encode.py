"""Tokenise and pack 52,000 rows of Alpaca's lengths: the first time, and from the cache.

    python benchmarks/encode.py            # about a minute on two cores; writes benchmarks/results/

Rows are made from the words of this kit's own seed tasks, as long as Alpaca's by the table in `alpaca_lengths.py`;
`--dataset FILE` takes a file in Alpaca's format instead. Timed are: reading the file; tokenising through `datasets`
into an empty cache; planning and packing every step of an epoch, 128 rows each; and tokenising again, from the cache.
The claim is that tokenising and packing take at most 15 seconds together on two cores.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import alpaca_lengths
from finetune_cpu import RESULTS, hardware

from alpaca_nb.alpaca_format import read_examples
from alpaca_nb.files import write_json
from alpaca_nb.finetuning.cached import encode_cached
from alpaca_nb.finetuning.packing import pack
from alpaca_nb.finetuning.plan import number_of_steps, rows_of_step, spread
from alpaca_nb.models import load_tokenizer, model_folder
from alpaca_nb.models.cache import CACHE_VARIABLE
from alpaca_nb.runs import KIT_FOLDER, commit, versions
from alpaca_nb.seed_tasks.load import load_seed_tasks

GOAL_SECONDS, BATCH_SIZE, MAX_TOKENS = 15.0, 128, 2048
TEMPLATE_TOKENS, TOKENS_A_WORD = 40, 1.3
SEED_TASKS = KIT_FOLDER / "alpaca_nb" / "seed_tasks" / "seed_tasks.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=52_000)
    parser.add_argument("--dataset", type=Path, help="a file in Alpaca's format; repeated until there are enough rows")
    parser.add_argument("--base-model", default="smollm2-135m", help="whose tokenizer")
    options = parser.parse_args()
    tokenizer = load_tokenizer(model_folder(options.base_model))
    with tempfile.TemporaryDirectory() as folder:
        os.environ[CACHE_VARIABLE] = folder
        file = Path(folder) / "data.json"
        write_json(file, make_rows(options.rows, options.dataset))
        seconds: dict[str, float] = {}
        began = time.perf_counter()
        examples = read_examples(file)
        seconds["read the file"], began = time.perf_counter() - began, time.perf_counter()
        data = encode_cached(examples, tokenizer)
        seconds["tokenise"], began = time.perf_counter() - began, time.perf_counter()
        lengths = [len(row.input_ids) for row in data.rows]
        packs = 0
        for step in range(number_of_steps(len(data.rows), 1, BATCH_SIZE)):
            chosen = rows_of_step(step, len(data.rows), BATCH_SIZE, seed=17)
            for bins in spread(chosen, lengths, 1, MAX_TOKENS):
                pack([data.rows[row] for row in bins[0]])
                packs += 1
        seconds["plan and pack an epoch"], began = time.perf_counter() - began, time.perf_counter()
        again = encode_cached(examples, tokenizer)
        seconds["tokenise again, from the cache"] = time.perf_counter() - began
    if again != data:
        sys.exit("the cache returned other rows")
    report(options, seconds, len(data.rows), sum(lengths), packs)


def make_rows(number: int, dataset: Path | None) -> list[dict[str, str]]:
    """Rows of text: those of `dataset` again and again, or runs of words out of the kit's seed tasks."""
    if dataset:
        rows = [vars(example) for example in read_examples(dataset)]
        return [dict(rows[place % len(rows)]) for place in range(number)]
    words = [
        word
        for task in load_seed_tasks(SEED_TASKS)
        for part in (task.instruction, task.instances[0].input, task.instances[0].output)
        for word in part.split()
    ]
    chance = random.Random("17:text")

    def some(count: int) -> str:
        first = chance.randrange(len(words) - count)
        return " ".join(words[first : first + count])

    rows = []
    for length in alpaca_lengths.lengths(number):
        count = max(6, round((length - TEMPLATE_TOKENS) / TOKENS_A_WORD))
        asked = min(count - 3, 10)
        given = round((count - asked) * 0.3) if chance.random() < 0.4 else 0
        rows.append(
            {"instruction": some(asked), "input": some(given) if given else "", "output": some(count - asked - given)}
        )
    return rows


def report(options: argparse.Namespace, seconds: dict[str, float], rows: int, tokens: int, packs: int) -> None:
    """Print and write what was found."""
    total = seconds["tokenise"] + seconds["plan and pack an epoch"]
    date = datetime.now(UTC).date().isoformat()
    path = write_json(
        RESULTS / f"encode_{date}.json",
        {
            "benchmark": "encode",
            "date": date,
            "commit": commit(),
            "hardware": hardware(),
            "versions": versions(),
            "rows": rows,
            "dataset": options.dataset.name if options.dataset else "words of the kit's seed tasks",
            "tokenizer": options.base_model,
            "tokens": tokens,
            "packs": packs,
            "seconds": seconds,
            "tokenise_and_pack_seconds": total,
            "goal_seconds_at_most": GOAL_SECONDS,
        },
    )
    for name, value in seconds.items():
        print(f"{name}: {value:.1f} s")
    print(
        f"{rows:,} rows, {tokens / rows:.1f} tokens each: tokenise and pack {total:.1f} s (goal {GOAL_SECONDS:.0f} s)"
    )
    print(f"written to results/{path.name}")


if __name__ == "__main__":
    main()
