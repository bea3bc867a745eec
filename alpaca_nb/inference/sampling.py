"""Drawing the next token: how chance comes in, where it is bounded, and how a seed repeats it.

The defaults are those of Stanford's web demo, as one of its authors gave them on 2023-03-15: temperature 0.7, top_p
0.9, one beam, at most 600 new tokens (tatsu-lab/stanford_alpaca, issue 35).

Chance is added as Gumbel noise to the scores, after which the highest score wins. That draws exactly as
`torch.multinomial` does from the softmax (Gumbel's "max trick"), and each row can have a random generator of its own:
a question's answer then depends on the seed and the question, not on what else is in the batch.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alpaca_nb.errors import InputFileError

if TYPE_CHECKING:
    import torch
    from transformers import LogitsProcessorList

DEMO_NEW_TOKENS = 600
HIGHEST_TEMPERATURE = 2.0  # above it every model writes noise


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen; temperature 0 is greedy, and then nothing else here matters."""

    temperature: float = 0.7
    top_p: float = 0.9  # keep the likeliest tokens whose shares together reach this
    top_k: int = 0  # keep only so many of the likeliest; 0: no such limit
    seed: int = 17

    def checked(self) -> "Sampling":
        """Return itself; raises `InputFileError` naming a value outside its range."""
        ranges = {"temperature": (0.0, HIGHEST_TEMPERATURE), "top_p": (0.0, 1.0), "top_k": (0, math.inf)}
        for name, (lowest, highest) in ranges.items():
            value = getattr(self, name)
            if not lowest <= value <= highest or (name == "top_p" and value == 0):
                raise InputFileError(f"{name}={value} is outside its range: {lowest} to {highest}")
        return self


GREEDY = Sampling(temperature=0.0)


def processors(sampling: Sampling, names: Sequence[str]) -> "LogitsProcessorList":
    """What `generate` does to the scores before it takes the highest; `names` identify the rows of the batch."""
    from transformers import LogitsProcessorList

    found = LogitsProcessorList(bounds(sampling))
    if sampling.temperature > 0:
        found.append(_noise(sampling.seed, names))
    return found


def bounds(sampling: Sampling) -> "LogitsProcessorList":
    """Temperature, top_k and top_p as transformers has them; empty for greedy."""
    from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    found = LogitsProcessorList()
    if sampling.temperature > 0:
        found.append(TemperatureLogitsWarper(float(sampling.temperature)))
        if sampling.top_k > 0:
            found.append(TopKLogitsWarper(sampling.top_k))
        if sampling.top_p < 1:
            found.append(TopPLogitsWarper(sampling.top_p))
    return found


def shares(logits: "torch.Tensor", sampling: Sampling) -> "torch.Tensor":
    """The chance of each next token, (vocabulary,), from its scores `logits`, (vocabulary,)."""
    import torch

    if sampling.temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), logits.shape[-1]).float()
    scores = bounds(sampling)(torch.LongTensor([[]]), logits.float()[None])
    return torch.softmax(scores[0], dim=-1)


def _noise(seed: int, names: Sequence[str]) -> object:
    import torch
    from transformers import LogitsProcessor

    class Noise(LogitsProcessor):
        """Adds -log(-log(u)) with u uniform, drawn by one generator for each row."""

        def __init__(self) -> None:
            self.generators = [torch.Generator().manual_seed(_number(seed, name)) for name in names]

        def __call__(self, input_ids: "torch.LongTensor", scores: "torch.Tensor") -> "torch.Tensor":
            size = (scores.shape[-1],)
            drawn = torch.stack([torch.rand(size, dtype=torch.float64, generator=one) for one in self.generators])
            gumbel = -torch.log(-torch.log(drawn.clamp_(1e-300, 1 - 1e-16)))
            return (scores.double() + gumbel.to(scores.device)).float()

    return Noise()


def _number(seed: int, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:7])
