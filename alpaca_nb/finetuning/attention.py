"""Attention over a pack: several rows in one line of tokens, none of which sees another row.

Registered with transformers under the name "packed". Transformers' own SDPA path keeps packed rows apart only without a
cache and without an attention mask, and mixes them silently otherwise; this one takes the rows' borders as they are.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel

PACKED = "packed"


def packed_attention(
    module: nn.Module,
    query: Tensor,  # (1, heads, tokens, width)
    key: Tensor,  # (1, key_heads, tokens, width); key_heads divides heads
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    borders: Tensor,  # (rows + 1,) int32: where each row begins, and the end of the last
    longest: int,
    scaling: float | None = None,
    **unused: object,
) -> tuple[Tensor, None]:
    """Causal attention within each row; returns ((1, tokens, heads, width), None) as transformers expects."""
    if query.is_cuda:
        return _one_kernel(query, key, value, borders, longest, scaling), None
    return _row_by_row(query, key, value, borders, scaling), None


def use_packed_attention(model: PreTrainedModel) -> None:
    """Let `model` compute with `packed_attention`; each call then needs `borders` and `longest`."""
    model.set_attn_implementation(PACKED)


@torch.compiler.disable  # type: ignore[untyped-decorator]  # a compiled program would be made anew for every number of rows and every length
def _row_by_row(query: Tensor, key: Tensor, value: Tensor, borders: Tensor, scaling: float | None) -> Tensor:
    sizes = borders.diff().tolist()
    rows = zip(*(torch.split(part, sizes, dim=2) for part in (query, key, value)), strict=True)
    answers = [
        F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=True) for q, k, v in rows
    ]
    return torch.cat(answers, dim=2).transpose(1, 2).contiguous()


def _one_kernel(
    query: Tensor, key: Tensor, value: Tensor, borders: Tensor, longest: int, scaling: float | None
) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    groups = query.shape[1] // key.shape[1]
    if groups > 1:  # torch 2.11's kernel wants as many key heads as query heads
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    query, key, value = (part[0].transpose(0, 1) for part in (query, key, value))  # (tokens, heads, width)
    causal = (-1, 0)  # (left, right): all tokens before, none after
    answer = varlen_attn(query, key, value, borders, borders, longest, longest, scale=scaling, window_size=causal)
    assert isinstance(answer, Tensor)
    return answer[None]


AttentionInterface.register(PACKED, packed_attention)
