"""Saving a sharded model as a plain Hugging Face folder that appears whole or not at all."""

import shutil
from pathlib import Path
from typing import cast

import torch
import torch.distributed as dist
from torch.distributed.checkpoint.state_dict import get_model_state_dict
from torch.distributed.tensor import DTensor
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from alpaca_nb.files import sync_folder
from alpaca_nb.finetuning import lora

ADAPTER_FOLDER = "adapter"


def save_model(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    dtype: torch.dtype,
    rehearsal: bool = False,
) -> None:
    """Gather the weights on process 0, which writes them as `dtype` with tokenizer and generation settings.

    A model with adapters is written merged, and the adapters alone into `adapter/` beside it; one without removes what
    an earlier run left there. Every process must call this; all leave together, when the folder is there. Its attention
    is transformers' own.
    """
    adapter = lora.adapter_of(model)
    weights = whole_weights(model, None if adapter else dtype)
    if dist.get_rank() == 0:
        new_model, new_adapter = (folder.with_name(f".{name}.new") for name in (folder.name, ADAPTER_FOLDER))
        shutil.rmtree(new_model, ignore_errors=True)
        if adapter:
            if not rehearsal:
                lora.check_trained(weights)
            lora.write_adapter(weights, adapter, new_adapter)
            weights = lora.merge(weights, adapter, dtype)
        write_folder(model, weights, tokenizer, new_model)
        put_in_place(new_model, folder)
        if rehearsal:
            shutil.rmtree(new_adapter, ignore_errors=True)
        elif adapter:
            put_in_place(new_adapter, folder.with_name(ADAPTER_FOLDER))
        else:
            shutil.rmtree(folder.with_name(ADAPTER_FOLDER), ignore_errors=True)
    dist.barrier()


def rehearse_save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path, dtype: torch.dtype) -> None:
    """Do before the first step all that `save_model` will do after the last, and throw the result away.

    So no run trains for hours only to find that its disk is full or its model cannot be written.
    """
    trial = folder.with_name(f".{folder.name}.rehearsal")
    try:
        save_model(model, tokenizer, trial, dtype, rehearsal=True)
    finally:
        if dist.get_rank() == 0:
            shutil.rmtree(trial, ignore_errors=True)


def whole_weights(model: PreTrainedModel, dtype: torch.dtype | None) -> dict[str, torch.Tensor]:
    """All weights as `dtype` (None: their own) in process 0's memory, put together one by one; empty elsewhere.

    Every process must call this.
    """
    whole: dict[str, torch.Tensor] = {}
    for name, value in get_model_state_dict(model).items():
        tensor = value.full_tensor() if isinstance(value, DTensor) else cast(torch.Tensor, value)
        if dist.get_rank() == 0:
            whole[name] = tensor.detach().to("cpu", dtype)
    return whole


def write_folder(
    model: PreTrainedModel, weights: dict[str, torch.Tensor], tokenizer: PreTrainedTokenizerBase, folder: Path
) -> None:
    """Write weights, configuration, tokenizer and generation settings into a new folder; `weights` may be emptied."""
    attention, master_dtype = model.config._attn_implementation, model.config.dtype
    dtype = next(iter(weights.values())).dtype
    model.config._attn_implementation = "sdpa"
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model.save_pretrained(folder, state_dict=weights)  # empties `weights`
    model.config.dtype = dtype  # save_pretrained wrote the master weights' float32
    model.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    model.config._attn_implementation, model.config.dtype = attention, master_dtype  # for the steps after a rehearsal


def put_in_place(neighbour: Path, folder: Path) -> None:
    """Rename a finished folder to its name; an older one of that name goes only when the new one stands there."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    neighbour.rename(folder)
    sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)
