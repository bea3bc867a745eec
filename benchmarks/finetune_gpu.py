"""Full fine-tuning of LLaMA-7B's architecture on one big GPU: the kit's packed loop beside the original's settings.

    python benchmarks/finetune_gpu.py                 # one H200: two or three slices of under ten minutes each
    python benchmarks/finetune_gpu.py --slice packed  # one slice; the result file keeps what the others wrote that day
    python benchmarks/finetune_gpu.py --test-mode     # a tiny model on the CPU, to try the script itself

Weights are random, rows have Alpaca's lengths, 128 a step: speed and memory depend on nothing else. Slices run in fresh
processes on the same card. `packed` is the kit's loop (float32 masters, bfloat16 compute, packs, compiled layers);
`padded` has the original's layout in the same engine: micro-batches of four rows filled up to the longest, every score
computed, the mean of means, and activation checkpointing only where the card's memory asks for it. A card too small for
32 layers gets as many as fit, and the projection is scaled by arithmetic. Counted are whole optimizer steps after a
warm-up; a useful token is a token of a row. Written is a dated JSON in benchmarks/results/.
"""

import argparse
import copy
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import alpaca_lengths
import padding
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from transformers import LlamaConfig, LlamaForCausalLM

from alpaca_nb.files import read_json, write_json
from alpaca_nb.finetuning.attention import PACKED, use_packed_attention
from alpaca_nb.finetuning.devices import join_alone, own_device
from alpaca_nb.finetuning.encode import EncodedRow
from alpaca_nb.finetuning.loop import compile_layers, packs_of, recompute_activations, shard_model, take_step
from alpaca_nb.finetuning.machines import GIB, Machine, peak_flops
from alpaca_nb.finetuning.model_shape import ModelShape, shape_of
from alpaca_nb.finetuning.plan import rows_of_step
from alpaca_nb.finetuning.preflight import forecast
from alpaca_nb.finetuning.settings import TrainingSettings
from alpaca_nb.memory import peak_memory_bytes
from alpaca_nb.runs import commit, device_description, versions

RESULTS = Path(__file__).resolve().parent / "results"
GOALS = {"mfu_at_least": 0.5, "peak_gib_at_most": 130, "ratio_at_least": 3.0, "minutes_below": 40, "usd_below": 4.0}
USD_AN_HOUR = {
    "H200": (4.59, "RunPod, 2026-10-07"),
    "H100": (3.99, "RunPod, 2026-11-09"),
    "A100": (2.79, "Lambda, 2026-09"),
}
SLICES = ("packed", "padded", "padded, recomputed")
OUT_OF_MEMORY = 75  # exit status of a slice that the card cannot hold
SECONDS_A_SLICE = 570
TINY = LlamaConfig(
    vocab_size=256, hidden_size=64, intermediate_size=172, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=512, tie_word_embeddings=False,
)  # fmt: skip
# Published, and not measured here; each on its own model and data, none of them packed Alpaca rows of 7B on one card.
PEERS = (
    {"who": "PyTorch and IBM, FSDP, 7B, A100 80 GB x 128", "tokens_per_second_per_gpu": 3700, "mfu": 0.57,
     "source": "pytorch.org/blog/maximizing-training, table 1, 2024-03"},
    {"who": "PyTorch and IBM, FSDP, 7B, H100", "tokens_per_second_per_gpu": 7500, "mfu": 0.37,
     "source": "pytorch.org/blog/maximizing-training, table 1, 2024-03"},
    {"who": "torchtitan, Llama 3 8B, 8 x H100, compiled", "tokens_per_second_per_gpu": 6667, "mfu": 0.39,
     "source": "torchtitan benchmarks/llama3_h100_202412_torchtitan.md"},
    {"who": "torchtitan, Llama 3 8B, 32 x H200, compiled, float8", "tokens_per_second_per_gpu": 10938,
     "source": "torchtitan benchmarks/llama3-8b_h200_202506"},
    {"who": "KempnerForge, 8B, one H200, checkpointing, compiled", "tokens_per_second_per_gpu": 10471, "mfu": 0.578,
     "source": "KempnerForge benchmarks/mfu_scaling.md, 2026-04 (their count of MFU)"},
    {"who": "torchtune, 8B, RTX 4090, all weights, 8-bit AdamW", "tokens_per_second_per_gpu": 1650,
     "source": "torchtune README, 2024-10"},
    {"who": "Stanford Alpaca, 7B, 8 x A100 80 GB: 3 hours for three epochs", "tokens_per_second_per_gpu": 230,
     "source": "the blog's 3 hours and 19.9 million tokens"},
)  # fmt: skip


def main() -> None:
    options = parse()
    if not options.test_mode and not torch.cuda.is_available():
        sys.exit("this benchmark needs a CUDA GPU with 80 GB or more; --test-mode tries its logic on the CPU")
    if options.in_process:
        run_slice(options)
        return
    found: dict[str, object] = dict(_earlier(options.result_file))
    for name in [options.slice] if options.slice else SLICES[:2]:
        answer = in_a_process(name, options)
        if answer is None and name == "padded":
            name = SLICES[2]
            answer = in_a_process(name, options)
        if answer is None:
            sys.exit(f"the card cannot hold the slice {name}, not even with activation checkpointing")
        found[name] = answer
        report(found, options)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slice", choices=SLICES, help="one slice only")
    parser.add_argument("--test-mode", action="store_true", help="a tiny model on the CPU; nothing is claimed from it")
    parser.add_argument("--counted-steps", type=int, default=12)
    parser.add_argument("--warm-up-steps", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--max-tokens-per-pack", type=int, default=4096)
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--usd-per-hour", type=float, help="rent of the card; default: a dated price for its kind")
    date = datetime.now(UTC).date().isoformat()
    parser.add_argument("--result-file", type=Path, default=RESULTS / f"finetune_gpu_{date}.json")
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def in_a_process(name: str, options: argparse.Namespace) -> dict[str, object] | None:
    """Run one slice in a fresh process; None where the card's memory is too small for it."""
    command = [sys.executable, __file__, "--in-process", "--slice", name]
    for option in ("counted_steps", "warm_up_steps", "batch_size", "max_tokens_per_pack"):
        command += [f"--{option.replace('_', '-')}", str(getattr(options, option))]
    command += ["--test-mode"] * options.test_mode + ["--no-compile"] * options.no_compile
    print(f"{name} ...", flush=True)
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_A_SLICE)
    except subprocess.TimeoutExpired:
        sys.exit(f"the slice {name} took more than {SECONDS_A_SLICE} s: lower --counted-steps")
    if answer.returncode == OUT_OF_MEMORY:
        print(f"{name}: out of memory", flush=True)
        return None
    if answer.returncode != 0:
        sys.exit(f"the slice {name} failed:\n{answer.stdout[-2000:]}\n{answer.stderr[-4000:]}")
    print(answer.stderr[-500:], end="", file=sys.stderr)
    return json.loads(answer.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def run_slice(options: argparse.Namespace) -> None:
    """Measure one slice in this process, and print what was found as a line of JSON."""
    join_alone()
    device = torch.device("cpu") if options.test_mode else own_device()
    dist.init_process_group("gloo" if device.type == "cpu" else "cpu:gloo,cuda:nccl", rank=0, world_size=1)
    try:
        print(json.dumps(measure(options, device)))
    except torch.OutOfMemoryError:
        sys.exit(OUT_OF_MEMORY)
    finally:
        dist.destroy_process_group()


def measure(options: argparse.Namespace, device: torch.device) -> dict[str, object]:
    """Train some steps of a slice; returns speed, memory, losses and what they mean."""
    steps = options.warm_up_steps + options.counted_steps
    config = copy.deepcopy(TINY) if options.test_mode else LlamaConfig(max_position_embeddings=2048)
    rows = padding.make_rows(options.batch_size * steps, config.vocab_size)
    settings = TrainingSettings(
        base_model="LLaMA-7B, random weights", seed=17, number_of_processes=1, epochs=1, batch_size=options.batch_size,
        learning_rate=2e-5, max_tokens_per_pack=options.max_tokens_per_pack,
        activation_checkpointing="recomputed" in options.slice,
        compile_layers=not options.no_compile and not options.test_mode,
    )  # fmt: skip
    matmul = matmul_flops(device)  # before the model takes the memory
    if device.type == "cuda":
        config.num_hidden_layers = layers_that_fit(config, settings, rows, device)
    step = step_of(options.slice, config, settings, rows, device)
    lines = []
    for number in range(steps):
        chosen = rows_of_step(number, len(rows), options.batch_size, settings.seed)
        began = time.perf_counter()
        loss = step(chosen)  # ends with a number on the CPU, so everything before it has been computed
        lines.append((sum(len(rows[row].input_ids) for row in chosen), time.perf_counter() - began, loss))
        print(f"step {number + 1} of {steps}: {lines[-1][0] / lines[-1][1]:,.0f} tokens/s", file=sys.stderr, flush=True)
    return {
        **summary(lines[options.warm_up_steps :], shape_of(config), device, matmul),
        "steps_tokens_seconds_loss": lines,
    }


def step_of(
    name: str, config: LlamaConfig, settings: TrainingSettings, rows: list[EncodedRow], device: torch.device
) -> Callable[[list[int]], float]:
    """A function that takes one optimizer step over the rows named and returns its loss."""
    torch.manual_seed(17)
    with device:
        model = LlamaForCausalLM(config).train()
    if name == "packed":
        use_packed_attention(model)
    if settings.activation_checkpointing:
        recompute_activations(model)
    if settings.compile_layers:
        compile_layers(model)
    sharded = shard_model(model, init_device_mesh(device.type, (1,)), torch.bfloat16)
    optimizer = torch.optim.AdamW(sharded.parameters(), lr=settings.learning_rate, weight_decay=0.0, fused=True)
    lengths = [len(row.input_ids) for row in rows]
    assert (model.config._attn_implementation == PACKED) == (name == "packed")

    def packed(chosen: list[int]) -> float:
        packs = packs_of(chosen, rows, lengths, settings.max_tokens_per_pack, device)
        return take_step(sharded, optimizer, packs, sum(rows[row].learned_tokens for row in chosen))[0]

    def padded(chosen: list[int]) -> float:
        batches = padding.chunks([rows[row] for row in chosen], 4)
        total = torch.zeros((), device=device)
        for number, batch in enumerate(batches, start=1):
            sharded.set_requires_gradient_sync(number == len(batches))
            learned = sum(row.learned_tokens for row in batch)
            loss = padding.padded_loss(sharded, batch) / learned / len(batches)
            torch.autograd.backward(loss)
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(sharded.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return total.item()

    return packed if name == "packed" else padded


def layers_that_fit(
    config: LlamaConfig, settings: TrainingSettings, rows: list[EncodedRow], device: torch.device
) -> int:
    """As many layers as the card holds by the forecast without checkpointing, at most the model's own.

    The same for all slices, or they could not be compared.
    """
    card = torch.cuda.get_device_properties(device)
    machine = Machine(card.name, 1, round(0.96 * card.total_memory), peak_flops(card.name))
    settings = replace(settings, activation_checkpointing=False)
    shape = shape_of(config)
    while shape.layers > 1:
        if forecast(shape, settings, rows, machine).fits:
            return shape.layers
        shape = replace(shape, layers=shape.layers - 1, parameters=shape.parameters - shape.layer_parameters)
    raise SystemExit(f"{card.name} has {card.total_memory / GIB:.0f} GiB: too little for even two layers")


def matmul_flops(device: torch.device) -> float:
    """Operations a second of a large bfloat16 matrix product on the card: the most that training could reach."""
    size = 8192 if device.type == "cuda" else 256
    one = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        product = one @ one
        product[0, 0].item()
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / statistics.median(seconds[5:])


def summary(
    lines: list[tuple[int, float, float]], shape: ModelShape, device: torch.device, matmul: float
) -> dict[str, object]:
    """What the counted steps come to; MFU counts the head for answers only, as little as the mathematics needs."""
    speed = statistics.median(tokens / seconds for tokens, seconds, _ in lines)
    flops = shape.training_flops(speed, speed * alpaca_lengths.LEARNED_SHARE)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    peak = peak_flops(name)
    return {
        "device": device_description(gpus=1 if device.type == "cuda" else 0),
        "layers": shape.layers,
        "tokens_per_second": speed,
        "mfu": flops / peak if peak else None,  # of the data sheet's peak
        "share_of_measured_matmul": flops / matmul,
        "measured_matmul_tflops": matmul / 1e12,
        "peak_memory_gib": peak_memory_bytes(device) / GIB,
        "flops_a_token": flops / speed,
        "usd_an_hour": next((list(price) for kind, price in USD_AN_HOUR.items() if kind in name), None),
    }


def report(found: dict[str, object], options: argparse.Namespace) -> None:
    """Write the slices found so far with the projection and the peers, and print the lines that matter."""
    slices = {name: value for name, value in found.items() if isinstance(value, dict)}
    result: dict[str, object] = {
        "benchmark": "finetune_gpu",
        "date": datetime.now(UTC).date().isoformat(),
        "test_mode": options.test_mode,
        "commit": commit(),
        "versions": versions(),
        "slices": slices,
        "goals": GOALS,
        "published_by_others": PEERS,
    }
    packed = slices.get("packed")
    padded = slices.get("padded") or slices.get(SLICES[2])
    if packed:
        result["projection"] = project(packed, options)
    if packed and padded and packed["device"] == padded["device"] and packed["layers"] == padded["layers"]:
        result["ratio_packed_to_padded"] = packed["tokens_per_second"] / padded["tokens_per_second"]
    write_json(options.result_file, result)
    for name, value in slices.items():
        print(f"{name}: {value['tokens_per_second']:,.0f} tokens/s, MFU {value['mfu'] or 0:.0%}, "
              f"{value['peak_memory_gib']:.1f} GiB, {value['layers']} layers")  # fmt: skip
    print({name: value for name, value in result.items() if name in ("projection", "ratio_packed_to_padded")})


def project(packed: dict[str, object], options: argparse.Namespace) -> dict[str, object]:
    """Time and dollars of the steps for 52,002 rows and three epochs, with all 32 layers of LLaMA-7B."""
    tokens = alpaca_lengths.ROWS * alpaca_lengths.EPOCHS * alpaca_lengths.MEAN_TOKENS
    whole = shape_of(TINY if options.test_mode else LlamaConfig())
    flops = whole.training_flops(1, alpaca_lengths.LEARNED_SHARE)
    speed = float(str(packed["tokens_per_second"])) * float(str(packed["flops_a_token"])) / flops
    price = packed["usd_an_hour"]
    usd = options.usd_per_hour or (float(price[0]) if isinstance(price, list) else None)
    hours = tokens / speed / 3600
    return {
        "tokens": tokens,
        "minutes": 60 * hours,
        "usd": hours * usd if usd else None,
        "usd_an_hour": price if options.usd_per_hour is None else [options.usd_per_hour, "given"],
        "scaled_to_32_layers": packed["layers"] != whole.layers,
    }


def _earlier(path: Path) -> dict[str, object]:
    """The slices that an earlier call of the same day has written."""
    if not path.exists():
        return {}
    value = read_json(path)
    slices = value.get("slices") if isinstance(value, dict) else None
    return dict(slices) if isinstance(slices, dict) else {}


if __name__ == "__main__":
    main()
