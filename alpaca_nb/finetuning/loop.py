"""Sharding a model over processes, and the optimizer step: the same code for one CPU process and for eight GPUs.

Each process holds its part of the float32 master weights and of AdamW's state. For a layer's forward and backward pass
the parts are gathered as bfloat16; its gradients are averaged in float32 and handed back as parts.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import apply_activation_checkpointing
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.utils import clip_grad_norm_
from transformers import PreTrainedModel

from alpaca_nb.errors import TrainingError
from alpaca_nb.finetuning.collectives import use_gloo_reduce_scatter
from alpaca_nb.finetuning.encode import EncodedRow
from alpaca_nb.finetuning.packing import Pack, pack, summed_loss
from alpaca_nb.finetuning.plan import spread

if TYPE_CHECKING:

    class ShardedModel(PreTrainedModel, FSDPModule):  # type: ignore[no-untyped-call]
        """What `fully_shard` makes of a model: it changes the object's class to one like this."""


def shard_model(model: PreTrainedModel, mesh: DeviceMesh, compute_dtype: torch.dtype) -> "ShardedModel":
    """Turn `model` into its share on this process: one group of parameters a layer, one for all the rest."""
    policy = MixedPrecisionPolicy(param_dtype=compute_dtype, reduce_dtype=torch.float32)
    for layer in decoder_layers(model):
        fully_shard(layer, mesh=mesh, mp_policy=policy, reshard_after_forward=True)
    fully_shard(model, mesh=mesh, mp_policy=policy, reshard_after_forward=False)  # embedding, last norm, head
    if mesh.device_type == "cpu" and mesh.size() > 1:
        use_gloo_reduce_scatter(model)
    return cast("ShardedModel", model)


def recompute_activations(model: PreTrainedModel) -> None:
    """Keep only each layer's input for the backward pass, which then computes the layer again: "checkpointing"."""
    layers = decoder_layers(model)
    apply_activation_checkpointing(model, check_fn=lambda module: any(module is layer for layer in layers))


def compile_layers(model: PreTrainedModel, backend: str = "inductor") -> None:
    """Let torch compile each layer, one program for all lengths of pack; call it before `shard_model`."""
    for layer in decoder_layers(model):
        layer.compile(dynamic=True, backend=backend)


def take_step(
    model: "ShardedModel",
    optimizer: torch.optim.Optimizer,
    packs: Sequence[Pack],
    learned_tokens: int,
    max_norm: float = 1.0,
) -> tuple[float, float]:
    """One optimizer step over this process's `packs`; returns (loss, gradient norm) of the whole batch.

    The loss is the mean over all `learned_tokens` of the batch, on whichever process they are: every token counts the
    same, and the number of processes changes nothing.
    """
    loss = torch.zeros((), device=packs[0].input_ids.device)
    for number, one in enumerate(packs, start=1):
        model.set_requires_gradient_sync(number == len(packs))  # exchange gradients once a step
        share = summed_loss(model, one) / learned_tokens
        torch.autograd.backward(share * dist.get_world_size())  # FSDP averages over processes; a sum is wanted
        loss += share.detach()
    norm = whole(clip_grad_norm_(model.parameters(), max_norm))
    optimizer.step()
    optimizer.zero_grad()
    dist.all_reduce(loss)
    return loss.item(), norm.item()


def learning_rate_at(step: int, steps: int, warmup: int, peak: float) -> float:
    """The rate of step `step` (from 0): a straight rise over `warmup` steps to `peak`, then half a cosine towards 0."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def packs_of(
    chosen: Sequence[int], rows: Sequence[EncodedRow], lengths: Sequence[int], max_tokens: int, device: torch.device
) -> list[Pack]:
    """This process's packs for the rows `chosen`; every process gets the same number of them."""
    plan = spread(chosen, lengths, dist.get_world_size(), max_tokens)
    return [pack([rows[row] for row in bins[dist.get_rank()]], device) for bins in plan]


def mean_loss(model: "ShardedModel", rows: Sequence[EncodedRow], max_tokens: int, device: torch.device) -> float:
    """Cross-entropy (nats) a learned token over `rows`, computed by all processes together."""
    lengths = [len(row.input_ids) for row in rows]
    total = torch.zeros((), device=device)
    training = model.training
    model.eval()  # type: ignore[no-untyped-call]  # a measurement leaves nothing out at random
    with torch.no_grad():
        for one in packs_of(range(len(rows)), rows, lengths, max_tokens, device):
            total += summed_loss(model, one)
    for module in sharded_modules(model):  # without a backward pass nobody frees the gathered weights, and the next
        module.reshard()  # forward pass would take them for current ones, even after an optimizer step
    model.train(training)
    dist.all_reduce(total)
    return total.item() / sum(row.learned_tokens for row in rows)


def whole(value: Tensor) -> Tensor:
    """A number that the processes hold in parts, put together."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def sharded_modules(model: nn.Module) -> Iterator[FSDPModule]:
    """The parts of the model that `shard_model` made."""
    return (module for module in model.modules() if isinstance(module, FSDPModule))


def decoder_layers(model: PreTrainedModel) -> list[nn.Module]:
    """The transformer's layers, first to last; raises `TrainingError` for an architecture of another build."""
    layers = getattr(getattr(model, "model", None), "layers", None)
    if not isinstance(layers, nn.ModuleList):
        raise TrainingError(f"{type(model).__name__} has no model.layers: choose a model of LLaMA's architecture")
    return list(layers)
