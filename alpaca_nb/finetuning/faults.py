"""What goes wrong while a model trains, in words that say what to change."""

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace

import torch

from alpaca_nb.errors import TrainingError
from alpaca_nb.finetuning.settings import TrainingSettings, options_of


def check_health(
    step: int, loss: float, grad_norm: float, highest_loss: float, settings: TrainingSettings, last_good: str
) -> None:
    """Raise `TrainingError` if a step's numbers are not finite, or its loss (nats) is above `highest_loss`.

    Or if nothing moves any more: too big a step can leave a model without gradients; how it ends depends on the
    processor. `last_good` names the last checkpoint, empty where none was written.
    """
    if math.isfinite(loss) and math.isfinite(grad_norm) and loss <= highest_loss and (grad_norm > 0 or loss == 0):
        return
    raise TrainingError(
        f"training diverged: loss {loss:.4g}, gradient norm {grad_norm:.4g} at step {step}. Lower learning_rate "
        f"({settings.learning_rate:g}) or raise warmup_ratio ({settings.warmup_ratio:g}). "
        + (f"The last good checkpoint is {last_good}; unchanged settings go on from it" if last_good else "")
    )


def highest_sane_loss(loss_before: float, vocabulary: int) -> float:
    """The loss in nats above which a run has exploded: the untrained model's and blind guessing's together."""
    return loss_before + math.log(vocabulary)


@contextlib.contextmanager
def out_of_memory_in_words(settings: TrainingSettings, device: torch.device) -> Iterator[None]:
    """Turn a device's "out of memory" inside the block into a `TrainingError` that names the settings to change."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise TrainingError(_out_of_memory(settings, device, str(error))) from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):  # how torch's allocator for the CPU says it
            raise
        raise TrainingError(_out_of_memory(settings, device, str(error))) from error


def _out_of_memory(settings: TrainingSettings, device: torch.device, words: str) -> str:
    advice = [f"lower max_tokens_per_pack ({settings.max_tokens_per_pack})"]
    if not settings.activation_checkpointing:
        recomputing = options_of(replace(settings, activation_checkpointing=True))
        advice.insert(0, f"set training_options to {recomputing}")
    if settings.max_length > settings.max_tokens_per_pack // 2:
        advice.append(f"lower max_length ({settings.max_length})")
    advice.append("use more GPUs" if device.type == "cuda" else "free memory")
    first = next(iter(words.strip().splitlines()), "")[:200]
    return f"{device} is out of memory: {', '.join(advice)}. torch says: {first}"
