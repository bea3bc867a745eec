"""The hyper-parameters that the original and alpaca-lora published, to stand beside a run's own.

Sources: tatsu-lab/stanford_alpaca @ 761dc5b, README.md ("Fine-tuning") and train.py; tloen/alpaca-lora, the defaults of
finetune.py, and README.md for its official adapter of 26 March 2023.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from alpaca_nb.finetuning.settings import TrainingSettings


@dataclass(frozen=True)
class Published:
    """One set of hyper-parameters, in the words of a table; the fields' order is the rows' order."""

    name: str
    base_model: str
    trained: str
    batch: str
    learning_rate: str
    schedule: str
    epochs: str
    length: str
    weight_decay: str
    learns: str
    layout: str
    numbers: str
    devices: str


STANFORD = Published(
    name="Alpaca 7B (README)",
    base_model="LLaMA-7B",
    trained="all weights",
    batch="128 (4 GPUs x 4 x 8)",
    learning_rate="2e-5",
    schedule="cosine, warm-up 3 %",
    epochs="3",
    length="512",
    weight_decay="0",
    learns="the answer",
    layout="padded to the longest of 4",
    numbers="bf16, tf32",
    devices="4 A100 80 GB in the command, 8 in the blog",
)
ALPACA_LORA = Published(
    name="alpaca-lora (defaults)",
    base_model="LLaMA-7B in 8 bits",
    trained="LoRA r 8, alpha 16, dropout 0.05, on q, v",
    batch="128 (micro 4)",
    learning_rate="3e-4",
    schedule="linear, warm-up 100 steps",
    epochs="3",
    length="256",
    weight_decay="0",
    learns="prompt and answer",
    layout="padded",
    numbers="fp16",
    devices="one RTX 4090",
)
ALPACA_LORA_OFFICIAL = Published(
    name="alpaca-lora (official adapter)",
    base_model="LLaMA-7B in 8 bits",
    trained="LoRA r 16, alpha 16, dropout 0.05, on q, k, v, o",
    batch="128 (micro 8)",
    learning_rate="3e-4",
    schedule="linear, warm-up 100 steps",
    epochs="10",
    length="512",
    weight_decay="0",
    learns="prompt and answer",
    layout="padded, grouped by length",
    numbers="fp16",
    devices="one RTX 3090, 88 hours",
)


def ours(settings: TrainingSettings, device: str) -> Published:
    """A run's settings in the same words."""
    rank, targets = settings.lora_rank, settings.lora_targets.replace(",", ", ").replace("_proj", "")
    adapters = f"LoRA r {rank}, alpha {settings.lora_alpha}, dropout {settings.lora_dropout:g}, on {targets}"
    return Published(
        name="this run",
        base_model=settings.base_model,
        trained=adapters if rank else "all weights",
        batch=str(settings.batch_size),
        learning_rate=f"{settings.learning_rate:.0e}".replace("e-0", "e-"),
        schedule=f"cosine, warm-up {settings.warmup_ratio:.0%}",
        epochs=f"{settings.epochs:g}",
        length=str(settings.max_length),
        weight_decay="0",
        learns="the answer",
        layout=f"packed, at most {settings.max_tokens_per_pack} tokens",
        numbers="bf16 where fast, sums and masters fp32" if settings.precision == "auto" else settings.precision,
        devices=device,
    )


def side_by_side(*columns: Published) -> Iterator[tuple[str, ...]]:
    """Rows of a table: what a setting is called, then its value in each column."""
    for field in fields(Published)[1:]:
        yield field.name.replace("_", " "), *(str(getattr(column, field.name)) for column in columns)
