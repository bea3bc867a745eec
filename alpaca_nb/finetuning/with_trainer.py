"""The same training as a `transformers.Trainer`, for the appendix of notebook 03 and for the test that they agree."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from alpaca_nb.finetuning.attention import use_packed_attention
from alpaca_nb.finetuning.encode import EncodedRow
from alpaca_nb.finetuning.packing import pack, summed_loss

if TYPE_CHECKING:
    from transformers import Trainer


def trainer_for(
    model: PreTrainedModel,
    rows: Sequence[EncodedRow],
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    learning_rate: float = 2e-5,
    steps: int = 1,
) -> "Trainer":
    """A Trainer whose steps take all `rows`, padded to the longest, on the CPU; it writes nothing and says nothing."""
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=len(rows),
        max_steps=steps,
        learning_rate=learning_rate,
        lr_scheduler_type="constant",
        max_grad_norm=1.0,
        logging_steps=1,
        save_strategy="no",
        disable_tqdm=True,
        report_to="none",
        use_cpu=True,  # in a run of your own leave this out
    )
    return Trainer(
        model=model,
        args=arguments,
        train_dataset=[{"input_ids": list(row.input_ids), "labels": list(row.labels)} for row in rows],
        data_collator=DataCollatorForSeq2Seq(tokenizer),
    )


def packed_loss(model: PreTrainedModel, rows: Sequence[EncodedRow]) -> float:
    """This kit's loss over the same rows, packed: nats a learned token; changes the model's way of attention."""
    use_packed_attention(model)
    return summed_loss(model, pack(rows)).item() / sum(row.learned_tokens for row in rows)
