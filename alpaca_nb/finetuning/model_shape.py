"""A model's sizes, read from its configuration alone: how many weights, and how much arithmetic a token costs."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

FORWARD_AND_BACKWARD = 6  # operations a weight and token: two forward, two for the inputs' gradients, two for its own
FROZEN = 4  # the same for a weight that is not trained


@dataclass(frozen=True)
class ModelShape:
    """Sizes of a LLaMA-like decoder; `linear` counts weights in matrix products, of one layer."""

    parameters: int  # all, those shared by embedding and head once
    layers: int
    layer_parameters: int
    linear: int
    hidden: int
    mlp: int
    heads: int
    head_width: int
    key_width: int  # of all key heads together
    vocabulary: int
    positions: int

    @property
    def outside_layers(self) -> int:
        """Weights of embedding, last norm and head."""
        return self.parameters - self.layers * self.layer_parameters

    def training_flops(self, tokens: float, learned_tokens: float, adapter_parameters: int = 0) -> float:
        """Operations that training on so many tokens needs; the head works only where something is learned.

        Adapters (LoRA) leave the weights frozen, which saves a third. Attention is left out: for rows of Alpaca's
        length it adds 0.3 % to a 7B model.
        """
        products = self.layers * self.linear * tokens + self.vocabulary * self.hidden * learned_tokens
        if adapter_parameters:
            return FROZEN * products + FORWARD_AND_BACKWARD * adapter_parameters * tokens
        return FORWARD_AND_BACKWARD * products


def read_shape(folder: Path) -> ModelShape:
    """The sizes of the model in `folder`; none of its weights is read."""
    from transformers import AutoConfig

    return shape_of(AutoConfig.from_pretrained(folder))


def shape_of(config: "PreTrainedConfig") -> ModelShape:
    """The sizes that a configuration stands for: the model is built on torch's device "meta", where nothing has values.

    Raises `TrainingError` for an architecture of another build.
    """
    import torch
    from transformers import AutoModelForCausalLM

    from alpaca_nb.finetuning.loop import decoder_layers

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    layers = decoder_layers(model)
    biggest = max(layers, key=lambda layer: sum(weight.numel() for weight in layer.parameters()))
    head_width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return ModelShape(
        parameters=sum(weight.numel() for weight in model.parameters()),
        layers=len(layers),
        layer_parameters=sum(weight.numel() for weight in biggest.parameters()),
        linear=sum(weight.numel() for weight in biggest.parameters() if weight.dim() > 1),
        hidden=config.hidden_size,
        mlp=config.intermediate_size,
        heads=config.num_attention_heads,
        head_width=head_width,
        key_width=getattr(config, "num_key_value_heads", config.num_attention_heads) * head_width,
        vocabulary=config.vocab_size,
        positions=config.max_position_embeddings,
    )


# LLaMA-7B, for comparisons: 32 layers of width 4096, from the published configuration (Touvron et al., 2302.13971).
LLAMA_7B = ModelShape(
    parameters=6_738_415_616,
    layers=32,
    layer_parameters=202_383_360,
    linear=202_375_168,
    hidden=4096,
    mlp=11008,
    heads=32,
    head_width=128,
    key_width=4096,
    vocabulary=32000,
    positions=2048,
)
