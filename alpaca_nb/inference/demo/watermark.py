"""The green-list watermark of Kirchenbauer et al. (2023), as transformers has it.

The token before decides, through a hash, which quarter of the vocabulary is "green" next; green scores are raised a
little. Nobody notices, but somebody who knows the hash counts: unmarked text has a quarter of green tokens, marked text
more. z says by how many standard deviations, p how likely chance alone would do it. Stanford's demo marked all answers.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, WatermarkingConfig

GREEN_SHARE, BIAS = 0.25, 2.5
FEWEST_TOKENS = 16  # below, chance decides
MARKED_ABOVE = 4.0  # z; by chance once in 30,000 texts


@dataclass(frozen=True)
class Detection:
    """What the tokens of a text say; `z` and `p` are None where the text is too short to say anything."""

    tokens: int  # counted: pairs of neighbours, each once however often it occurs
    z: float | None = None
    p: float | None = None
    green: float | None = None  # share of green tokens

    def __str__(self) -> str:
        if self.z is None:
            return f"{self.tokens} tokens (repetitions aside) are too few to say anything; {FEWEST_TOKENS} are needed."
        words = "watermarked" if self.z > MARKED_ABOVE else "no watermark found"
        return (
            f"{words}: z = {self.z:.2f}, p = {self.p:.2g}, {self.green:.0%} green of {self.tokens} tokens "
            f"({GREEN_SHARE:.0%} by chance; watermarked means z > {MARKED_ABOVE:g})"
        )


def marking() -> "WatermarkingConfig":
    """What `generate` needs to mark; the same values detect."""
    from transformers import WatermarkingConfig

    return WatermarkingConfig(greenlist_ratio=GREEN_SHARE, bias=BIAS, seeding_scheme="lefthash", context_width=1)


def detect(text: str, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> Detection:
    """Look for the watermark in a text; only its own tokens are counted, no prompt.

    Which tokens are green depends on the device too: `model` must lie where it wrote the text.
    """
    import torch
    from scipy.stats import norm
    from transformers import WatermarkDetector
    from transformers.generation.watermarking import WatermarkDetectorOutput

    ids = tokenizer(text.strip(), add_special_tokens=False).input_ids
    if len(ids) < FEWEST_TOKENS:
        return Detection(len(ids))
    detector = WatermarkDetector(model.config, str(model.device), marking(), ignore_repeated_ngrams=True)
    found = detector(torch.tensor([ids], device=model.device), return_dict=True)  # type: ignore[arg-type]
    assert isinstance(found, WatermarkDetectorOutput) and found.num_tokens_scored is not None
    assert found.z_score is not None and found.green_fraction is not None
    counted, z = int(found.num_tokens_scored[0]), float(found.z_score[0])
    if counted < FEWEST_TOKENS:
        return Detection(counted)
    return Detection(counted, z, float(norm.sf(z)), float(found.green_fraction[0]))
