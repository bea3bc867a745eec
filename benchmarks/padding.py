"""The same rows laid out in different ways, and how many useful tokens a second each way trains.

Used by `finetune_cpu.py` and `finetune_gpu.py`. A useful token is a token of a row; filling is not counted. In each way
all rows come once, a step is the same number of rows, and each step ends with clipping and AdamW. The ways take turns
step by step, so that a disturbance of the machine meets all of them.
"""

import copy
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import alpaca_lengths
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from alpaca_nb.finetuning.attention import PACKED
from alpaca_nb.finetuning.encode import NOT_LEARNED, EncodedRow
from alpaca_nb.finetuning.packing import pack, summed_loss
from alpaca_nb.finetuning.plan import spread

PAD = 0
Batch = list[EncodedRow]
T = TypeVar("T")
# 33.7 million parameters: enough for matrix products to dominate, small enough for one core
SMALL = LlamaConfig(
    vocab_size=8192, hidden_size=512, intermediate_size=1376, num_hidden_layers=8, num_attention_heads=8,
    max_position_embeddings=512, tie_word_embeddings=False,
)  # fmt: skip


@dataclass(frozen=True)
class Way:
    """A layout: the micro-batches of each step, and how one of them becomes a summed loss."""

    name: str
    attention: str
    steps: list[list[Batch]]
    summed: Callable[[PreTrainedModel, Batch], Tensor]


def make_rows(number: int, vocabulary: int, seed: int = 17) -> list[EncodedRow]:
    """Rows of Alpaca's lengths; their tokens are drawn at random, since speed does not depend on them."""
    chance = random.Random(f"{seed}:tokens")
    lengths = alpaca_lengths.lengths(number, seed)
    return [
        EncodedRow(tuple(chance.choices(range(3, vocabulary), k=length)), alpaca_lengths.prompt_tokens(length))
        for length in lengths
    ]


def ways(rows: Sequence[EncodedRow], rows_a_step: int, max_tokens: int) -> list[Way]:
    """Five layouts: padded 16 and 4 at a time, grouped by length, packed as the kit does, packed with every score."""
    steps = [list(rows[first : first + rows_a_step]) for first in range(0, len(rows), rows_a_step)]
    grouped = chunks(sorted(rows, key=lambda row: len(row.input_ids)), 16)
    random.Random(17).shuffle(grouped)
    packs = [_packs(step, max_tokens) for step in steps]
    return [
        Way("padded, 16 rows", "sdpa", [chunks(step, 16) for step in steps], padded_loss),
        Way("padded, 4 rows", "sdpa", [chunks(step, 4) for step in steps], padded_loss),
        Way("grouped by length, 16 rows", "sdpa", chunks(grouped, rows_a_step // 16), padded_loss),
        Way("packed", PACKED, packs, all_scores_loss),
        Way("packed, scores of answers only", PACKED, packs, lambda model, batch: summed_loss(model, pack(batch))),
    ]


def compare(config: LlamaConfig, layouts: Sequence[Way], dtype: torch.dtype | None) -> dict[str, dict[str, object]]:
    """Train a random model in every way, taking turns; the first step of each only warms up.

    `dtype` is autocast's; None computes in float32. Returns tokens a second and the share of useful tokens by name.
    Seconds are those that the process's one thread computed: what other programs take meanwhile does not count.
    """
    torch.manual_seed(17)
    start = LlamaForCausalLM(config).state_dict()
    models = {way.name: _copy(config, start, way.attention) for way in layouts}
    optimizers = {name: torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True) for name, model in models.items()}
    spent: dict[str, list[tuple[float, float]]] = {way.name: [] for way in layouts}  # (by the core, by the clock)
    losses: dict[str, list[float]] = {way.name: [] for way in layouts}
    for step in range(len(layouts[0].steps)):
        for turn in range(len(layouts)):
            way = layouts[(turn + step) % len(layouts)]
            began, clock = time.process_time(), time.perf_counter()
            losses[way.name].append(_step(models[way.name], optimizers[way.name], way, step, dtype))
            spent[way.name].append((time.process_time() - began, time.perf_counter() - clock))
    return {way.name: _summary(way, spent[way.name], losses[way.name]) for way in layouts}


def _summary(way: Way, spent: list[tuple[float, float]], losses: list[float]) -> dict[str, object]:
    tokens = sum(map(useful, way.steps[1:]))
    return {
        "tokens_per_second": tokens / sum(by_core for by_core, _ in spent[1:]),
        "tokens_per_second_by_the_clock": tokens / sum(by_clock for _, by_clock in spent[1:]),
        "useful_share": 1.0 if way.attention == PACKED else sum(map(useful, way.steps)) / sum(map(computed, way.steps)),
        "mean_loss": statistics.mean(losses),
        "seconds_of_each_step_by_core_and_clock": spent,
    }


def padded_loss(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Cross-entropy, summed, of rows filled up to the longest: what `transformers` computes for Alpaca's collator."""
    device = model.device
    longest = max(len(row.input_ids) for row in batch)
    missing = [longest - len(row.input_ids) for row in batch]
    ids = [[*row.input_ids, *[PAD] * m] for row, m in zip(batch, missing, strict=True)]
    mask = [[1] * len(row.input_ids) + [0] * m for row, m in zip(batch, missing, strict=True)]
    labels = [[*row.labels, *[NOT_LEARNED] * m] for row, m in zip(batch, missing, strict=True)]
    output = model(
        input_ids=torch.tensor(ids, device=device),
        attention_mask=torch.tensor(mask, device=device),
        labels=torch.tensor(labels, device=device),
        num_items_in_batch=torch.ones((), device=device),  # a sum instead of a mean
        use_cache=False,
    )
    return output.loss  # type: ignore[no-any-return]


def all_scores_loss(model: PreTrainedModel, batch: Batch) -> Tensor:
    """The same loss of a pack, with the scores of every place: nothing but the filling is saved."""
    one = pack(batch, model.device)
    labels = torch.full_like(one.input_ids, NOT_LEARNED)
    labels[0, one.predict_at + 1] = one.targets
    output = model(
        input_ids=one.input_ids,
        position_ids=one.position_ids,
        borders=one.borders,
        longest=one.longest,
        labels=labels,
        num_items_in_batch=torch.ones((), device=model.device),
        use_cache=False,
    )
    return output.loss  # type: ignore[no-any-return]


def useful(step: Sequence[Batch]) -> int:
    """Tokens of rows in a step."""
    return sum(len(row.input_ids) for batch in step for row in batch)


def computed(step: Sequence[Batch]) -> int:
    """Tokens that padded micro-batches compute, filling included."""
    return sum(len(batch) * max(len(row.input_ids) for row in batch) for batch in step)


def chunks(items: Sequence[T], size: int) -> list[list[T]]:
    """The items, `size` at a time."""
    return [list(items[first : first + size]) for first in range(0, len(items), size)]


def _packs(step: Batch, max_tokens: int) -> list[Batch]:
    plan = spread(range(len(step)), [len(row.input_ids) for row in step], 1, max_tokens)
    return [[step[row] for row in bins[0]] for bins in plan]


def _copy(config: LlamaConfig, weights: dict[str, Tensor], attention: str) -> PreTrainedModel:
    model = LlamaForCausalLM(copy.deepcopy(config))  # the attention is written into it
    model.load_state_dict(weights)
    model.set_attn_implementation(attention)
    return model.train()


def _step(
    model: PreTrainedModel, optimizer: torch.optim.Optimizer, way: Way, step: int, dtype: torch.dtype | None
) -> float:
    learned = sum(row.learned_tokens for batch in way.steps[step] for row in batch)
    total = 0.0
    for batch in way.steps[step]:
        with torch.autocast("cpu", dtype, enabled=dtype is not None):
            loss = way.summed(model, batch) / learned
        torch.autograd.backward(loss)
        total += loss.item()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return total
