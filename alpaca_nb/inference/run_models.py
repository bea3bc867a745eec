"""The models of a finished run, for the commands that answer: the tuned one, and the one it was made from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from alpaca_nb.errors import InputFileError
from alpaca_nb.inference.generate import answering_dtype
from alpaca_nb.inference.sampling import Sampling
from alpaca_nb.inference.streaming import Stream
from alpaca_nb.models import check_folder, load_tokenizer, model_folder
from alpaca_nb.models.placing import load_placed
from alpaca_nb.runs import read_record

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, WatermarkingConfig

Which = Literal["untuned", "tuned"]


@dataclass(frozen=True)
class Loaded:
    """A model ready to answer; it is loaded once and answers as many questions as one likes."""

    which: Which
    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"

    def stream(
        self,
        instruction: str,
        input: str,
        max_new_tokens: int,
        sampling: Sampling,
        watermark: "WatermarkingConfig | None" = None,
    ) -> Stream:
        """Begin an answer (see `streaming.Stream`)."""
        question = (instruction, input)
        return Stream(self.model, self.tokenizer, question, self.which, max_new_tokens, sampling, watermark)


def folder_of(run_dir: Path, which: Which) -> Path:
    """The folder of a run's model; raises `InputFileError` where the run has not come so far, or `ModelError`."""
    run_dir = run_dir.expanduser()
    if not run_dir.is_dir():
        raise InputFileError(f"{run_dir} is no folder; name a run folder, such as papermill_runs/output/tiny")
    if which == "tuned":
        if not (run_dir / "model").is_dir():
            raise InputFileError(f"{run_dir} holds no model: run the notebooks up to 03 first (alpaca-nb run)")
        return check_folder(run_dir / "model")
    record = read_record(run_dir, "03_finetune_fsdp")
    if record is None:
        raise InputFileError(f"{run_dir} does not say what its model was made from: notebook 03 left no record")
    seed = record.parameters.get("seed", 17)
    return model_folder(str(record.parameters["base_model"]), seed=int(seed))


def load(run_dir: Path, which: Which) -> Loaded:
    """Load one model of a run, in the quickest number format, on the best device."""
    folder = folder_of(run_dir, which)
    return Loaded(which, load_placed(folder, answering_dtype()), load_tokenizer(folder))
