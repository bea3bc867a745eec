"""A job for torchrun: each process builds its share of two models, compares it with the whole one, and says its peak.

Arguments: a folder for the answers, a small model's folder, a larger one's. Process N writes `N.json`: by how many
bytes its memory grew at most while it built its share of the larger model. A difference raises.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.checkpoint.state_dict import get_model_state_dict
from torch.distributed.tensor import DTensor
from training_rows import with_settings

from alpaca_nb.finetuning.last_words import record
from alpaca_nb.finetuning.lora import add_adapters
from alpaca_nb.finetuning.shares import build_model
from alpaca_nb.finetuning.vocabulary import add_pad_row
from alpaca_nb.memory import peak_memory_bytes
from alpaca_nb.models import load_model, load_tokenizer

CPU = torch.device("cpu")
CASES: tuple[dict[str, object], ...] = (
    {},
    {"add_pad_row": True},  # an uneven number of rows
    {"lora_rank": 4, "activation_checkpointing": True},
)


def assert_same_bits(folder: Path, changed: dict[str, object]) -> None:
    """Raise unless this process's share is, to the bit, its part of the model that is loaded whole."""
    settings = with_settings(**changed)
    tokenizer = load_tokenizer(folder)
    model = build_model(folder, settings, CPU, torch.bfloat16, tokenizer)
    plain = load_model(folder, "bfloat16" if settings.lora_rank else "float32")
    if settings.add_pad_row:
        add_pad_row(plain, load_tokenizer(folder))
    if settings.lora_rank:
        add_adapters(plain, settings)
    shares, wanted = get_model_state_dict(model), plain.state_dict()
    assert list(shares) == list(wanted)
    for name, share in shares.items():
        assert isinstance(share, DTensor)
        own = torch.chunk(wanted[name], dist.get_world_size())[dist.get_rank()]
        assert share.dtype == own.dtype and torch.equal(share.to_local(), own), (changed, name)
    assert [weight.requires_grad for weight in model.parameters()] == [w.requires_grad for w in plain.parameters()]
    buffers, expected = dict(model.named_buffers()), dict(plain.named_buffers())
    assert len(buffers) == len(expected) > 0
    assert all(torch.equal(buffers[name], value) for name, value in expected.items()), changed
    tied = [one.lm_head.weight is one.model.embed_tokens.weight for one in (model, plain)]
    assert tied[0] == tied[1]


@record
def main() -> None:
    answers, small, larger = map(Path, sys.argv[1:])
    dist.init_process_group("gloo", timeout=timedelta(minutes=5))
    try:
        before = peak_memory_bytes(CPU)
        model = build_model(larger, with_settings(), CPU, torch.bfloat16)
        grown = peak_memory_bytes(CPU) - before
        (answers / f"{dist.get_rank()}.json").write_text(json.dumps(grown))
        del model
        for changed in CASES:
            assert_same_bits(small, changed)
        assert_same_bits(larger, {})  # head and embedding are apart in this one
    finally:
        dist.destroy_process_group()


main()
