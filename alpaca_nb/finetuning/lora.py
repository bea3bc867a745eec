"""LoRA: the base model stays as it is, and two thin matrices beside some of its products are trained instead.

A product W x becomes W x + (alpha / r) B A x, A is (r, in), B is (out, r); B begins at zero, so training begins at the
base model. peft puts the matrices in; sharding, steps and checkpoints are those of a full run. Saved are the adapter
alone, as peft's own folder `adapter/`, and the merged model, W + (alpha / r) B A, which is an ordinary one.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from alpaca_nb.errors import TrainingError
from alpaca_nb.finetuning.loop import decoder_layers
from alpaca_nb.finetuning.settings import TrainingSettings

if TYPE_CHECKING:
    from peft import LoraConfig

ADAPTER = "default"  # peft's name for the only one
INSIDE_PEFT = "base_model.model."  # what peft writes before the names of a model it wraps


def add_adapters(model: PreTrainedModel, settings: TrainingSettings) -> None:
    """Freeze `model` and put trainable float32 matrices beside its `lora_targets`, the same on every process.

    Raises `TrainingError` where the model has no module of such a name, or has it outside its layers.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=settings.lora_targets.split(","),
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(settings.seed)  # A is drawn at random
    try:
        get_peft_model(model, config)  # the wrapper is not needed: the matrices are in `model` itself
    except ValueError as error:
        raise TrainingError(f"lora_targets {settings.lora_targets!r}: {error}") from None
    inside = {id(weight) for layer in decoder_layers(model) for weight in layer.parameters()}
    outside = [name for name, weight in model.named_parameters() if weight.requires_grad and id(weight) not in inside]
    if outside:  # head and embedding often are one matrix, which cannot be merged with an adapter of one of them
        raise TrainingError(f"lora_targets {settings.lora_targets!r}: {outside[0].split('.lora_')[0]} is in no layer")
    config.base_model_name_or_path = settings.base_model  # not the folder on this machine


def adapter_of(model: PreTrainedModel) -> "LoraConfig | None":
    """What `add_adapters` put into `model`; None where it is trained as a whole."""
    return cast("LoraConfig | None", getattr(model, "peft_config", {}).get(ADAPTER))


def merge(weights: dict[str, Tensor], config: "LoraConfig", dtype: torch.dtype) -> dict[str, Tensor]:
    """The weights of a plain model as `dtype`, each added up in float32; `weights` is emptied on the way."""
    scale = config.lora_alpha / config.r
    plain = {}
    for name in [name for name in weights if ".lora_" not in name]:
        value = weights.pop(name)
        if ".base_layer." in name:
            stem = name.partition(".base_layer.")[0]
            a, b = (weights.pop(f"{stem}.lora_{part}.{ADAPTER}.weight") for part in "AB")
            value = value.float() + scale * (b.float() @ a.float())
        plain[name.replace(".base_layer.", ".")] = value.to(dtype)
    return plain


def write_adapter(weights: dict[str, Tensor], config: "LoraConfig", folder: Path) -> None:
    """Write the adapter's part of `weights` as a folder that `PeftModel.from_pretrained` reads."""
    from safetensors.torch import save_file

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    config.inference_mode = True
    config.target_modules = sorted(config.target_modules or ())  # peft's set has another order in each process
    config.save_pretrained(str(folder))
    own = {
        INSIDE_PEFT + name.replace(f".{ADAPTER}.", "."): value.float().contiguous()
        for name, value in weights.items()
        if ".lora_" in name
    }
    save_file(own, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def check_trained(weights: dict[str, Tensor]) -> None:
    """Raise `TrainingError` if a matrix B is still zero, as before training: nothing of it was learned, or gathered."""
    still = [name for name, value in weights.items() if ".lora_B." in name and not bool(value.any())]
    if still:
        raise TrainingError(f"{len(still)} matrices of the adapter are zero after training, {still[0]} for one")
