"""A base model in shares: process 0 reads it and deals it out weight by weight; no other process ever holds it whole.

Every process builds the model without values, on torch's device "meta", splits it, and only then takes memory: for its
own share. Process 0 lets go of each weight as it is dealt. So a machine's memory holds about one model while it is
loaded, however many processes it has, and a GPU never more than its share and one weight.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from accelerate import init_empty_weights
from torch import Tensor
from torch.distributed.checkpoint.state_dict import get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from alpaca_nb.errors import ModelError
from alpaca_nb.finetuning.attention import use_packed_attention
from alpaca_nb.finetuning.loop import compile_layers, recompute_activations, shard_model
from alpaca_nb.finetuning.lora import add_adapters
from alpaca_nb.finetuning.settings import TrainingSettings
from alpaca_nb.finetuning.vocabulary import add_pad_row
from alpaca_nb.models import load_model
from alpaca_nb.models.loading import Dtype

if TYPE_CHECKING:
    from alpaca_nb.finetuning.loop import ShardedModel


def build_model(
    base: Path,
    settings: TrainingSettings,
    device: torch.device,
    compute_dtype: torch.dtype,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> "ShardedModel":
    """This process's share of the base model, with float32 master weights for what is trained.

    Every process must call this; `base` is read by process 0 alone, but for its configuration. `tokenizer` gets the pad
    token that `settings.add_pad_row` asks for.
    """
    frozen = settings.lora_rank > 0 and settings.precision != "float32"
    dtype: Dtype = "bfloat16" if frozen else "float32"
    weights: dict[str, Tensor] = {}
    if dist.get_rank() == 0:
        weights = dict(_extended(load_model(base, dtype), settings, tokenizer).state_dict())
    model = _extended(without_values(base, dtype), settings, tokenizer)
    use_packed_attention(model)
    if settings.activation_checkpointing:
        recompute_activations(model)
    if settings.compile_layers:
        compile_layers(model)
    share = shard_model(model, init_device_mesh(device.type, (dist.get_world_size(),)), compute_dtype)
    take_memory(share, device)
    deal(weights, share)
    return share


def without_values(base: Path, dtype: Dtype) -> PreTrainedModel:
    """The model of the folder `base` in evaluation mode: its weights have shapes only, its buffers are real."""
    config = AutoConfig.from_pretrained(base, local_files_only=True, trust_remote_code=False)
    with init_empty_weights(include_buffers=False):  # rotary angles are no weights, and no file holds them
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype))  # type: ignore[no-untyped-call]
    model.tie_weights()  # building without values has parted head and embedding
    return model.eval()  # type: ignore[no-untyped-call, no-any-return]


def take_memory(model: PreTrainedModel, device: torch.device) -> None:
    """Put a split model without values on `device`: its share uninitialised, its buffers as they are."""
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model.to_empty(device=device)
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])


def deal(weights: dict[str, Tensor], model: PreTrainedModel) -> None:
    """Fill every process's share with process 0's `weights`, by name, which empties them; the others have none.

    Raises `ModelError` on process 0 for a weight that is not among them.
    """
    for name, share in get_model_state_dict(model).items():
        assert isinstance(share, Tensor)
        if dist.get_rank() == 0:
            if name not in weights:
                raise ModelError(f"the base model has no weight {name}: its configuration and its files differ")
            whole = weights.pop(name).to(share.device)
        else:
            whole = torch.empty(share.shape, dtype=share.dtype, device=share.device)
        if isinstance(share, DTensor):
            share.copy_(distribute_tensor(whole, share.device_mesh, share.placements))
        else:
            dist.broadcast(whole, src=0)
            share.copy_(whole)


def _extended(
    model: PreTrainedModel, settings: TrainingSettings, tokenizer: PreTrainedTokenizerBase | None
) -> PreTrainedModel:
    """`model` with what the settings add to it: the original's pad row, adapters."""
    if settings.add_pad_row and tokenizer is not None:
        add_pad_row(model, tokenizer)
    if settings.lora_rank:
        add_adapters(model, settings)
    return model
