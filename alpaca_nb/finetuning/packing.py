"""Packs: the rows of one bin laid end to end, so that no time goes into padding.

Shapes: `tokens` is the pack's length, `learned` the number of labels in it that are not -100.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel

from alpaca_nb.finetuning.encode import NOT_LEARNED, EncodedRow

ROUND_UP_TO = 32  # tokens: the CPU's matrix library keeps some 7 MB of code for every length of pack it has met
_NOTHING = EncodedRow((0, 0), prompt_tokens=2)  # what a process computes that has no row in a micro-batch


@dataclass(frozen=True)
class Pack:
    """One forward pass of one process."""

    input_ids: Tensor  # (1, tokens)
    position_ids: Tensor  # (1, tokens), from 0 in each row
    borders: Tensor  # (rows + 1,) int32
    longest: int
    predict_at: Tensor  # (learned,): the places whose next token is learned
    targets: Tensor  # (learned,): those next tokens


def pack(rows: Sequence[EncodedRow], device: torch.device | str = "cpu") -> Pack:
    """Lay rows end to end. No rows give a pack of two tokens and nothing to learn: every process must take part."""
    rows = rows or [_NOTHING]
    filler = (0,) * (-sum(len(row.input_ids) for row in rows) % ROUND_UP_TO)  # ends the last row; nothing there sees it
    tokens = [token for row in rows for token in row.input_ids] + [*filler]
    sizes = [len(row.input_ids) for row in rows]
    sizes[-1] += len(filler)
    labels = torch.tensor([label for row in rows for label in (NOT_LEARNED, *row.labels[1:])])
    learned_at = (labels != NOT_LEARNED).nonzero()[:, 0]
    if not len(learned_at):
        learned_at = torch.tensor([1])  # one place with the target -100 keeps the shapes ordinary; its loss is 0
    return Pack(
        input_ids=torch.tensor([tokens], device=device),
        position_ids=torch.tensor([[place for size in sizes for place in range(size)]], device=device),
        borders=torch.tensor([0, *sizes]).cumsum(0).int().to(device),
        longest=max(sizes),
        predict_at=(learned_at - 1).to(device),
        targets=labels[learned_at].to(device),
    )


def answer_logits(model: PreTrainedModel, pack: Pack) -> Tensor:
    """The model's scores (learned, vocabulary) at the places whose next token is learned, and only there.

    Most of a pack is prompt: not multiplying those places by the vocabulary is exact and saves a fifth of the work.
    """
    output = model(
        input_ids=pack.input_ids,
        position_ids=pack.position_ids,
        borders=pack.borders,
        longest=pack.longest,
        logits_to_keep=pack.predict_at,
        use_cache=False,
    )
    return output.logits[0]  # type: ignore[no-any-return]


def summed_loss(model: PreTrainedModel, pack: Pack) -> Tensor:
    """Cross-entropy in nats, summed over the pack's learned tokens, in float32."""
    logits = answer_logits(model, pack).float()
    return F.cross_entropy(logits, pack.targets, ignore_index=NOT_LEARNED, reduction="sum")
