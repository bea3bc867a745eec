"""What a run shows while it trains: a line of words after each step, and curves for TensorBoard on request."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from transformers import PreTrainedModel

from alpaca_nb.finetuning.devices import dtype_for
from alpaca_nb.finetuning.machines import cpu_flops, peak_flops
from alpaca_nb.finetuning.model_shape import shape_of
from alpaca_nb.finetuning.preflight import adapter_parameters
from alpaca_nb.finetuning.results import StepMetrics
from alpaca_nb.finetuning.settings import TrainingSettings

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

TENSORBOARD_FOLDER = "tensorboard"


class Watcher:
    """Turns a step's numbers into words and curves. Every process makes one, process 0 asks it."""

    def __init__(
        self, model: PreTrainedModel, settings: TrainingSettings, device: torch.device, folder: Path, first_step: int
    ) -> None:
        self._shape = shape_of(model.config)
        self._adapters = adapter_parameters(self._shape, settings)
        wanted = settings.tensorboard and dist.get_rank() == 0
        self._writer = _writer(folder / TENSORBOARD_FOLDER, first_step) if wanted else None
        if device.type == "cuda":
            peak = peak_flops(torch.cuda.get_device_name(device))
        else:
            peak = cpu_flops(torch.get_num_threads(), dtype_for(settings.precision, device))
        self.peak_flops = peak * dist.get_world_size()  # 0 for a GPU that is not in the table

    def mfu(self, tokens: int, learned_tokens: int, seconds: float) -> float:
        """Model FLOPs utilisation: needed operations a second, as a share of the peak of all processes; 0: unknown."""
        needed = self._shape.training_flops(tokens, learned_tokens, self._adapters)
        return needed / seconds / self.peak_flops if self.peak_flops else 0.0

    def after(self, line: StepMetrics) -> str:
        """The words for a step that has just ended; its curves are written too."""
        speed, share = line.tokens / line.seconds, self.mfu(line.tokens, line.learned_tokens, line.seconds)
        if self._writer is not None:
            curves = {"loss": line.loss, "gradient norm": line.grad_norm, "learning rate": line.learning_rate}
            for name, value in {**curves, "tokens per second": speed, "MFU": share}.items():
                self._writer.add_scalar(name, value, line.step)
            self._writer.flush()
        words = f"loss {line.loss:.3f} · gradient norm {line.grad_norm:.2f} · {speed:,.0f} tokens/s"
        return f"{words} · MFU {share:.0%}" if share else words


def _writer(folder: Path, first_step: int) -> "SummaryWriter":
    """Writes event files; what an earlier, broken-off run wrote from `first_step` on is not shown."""
    from torch.utils.tensorboard.writer import SummaryWriter

    return SummaryWriter(str(folder), purge_step=first_step)
