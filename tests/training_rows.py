"""Rows and settings of the small trainings in several test files."""

from alpaca_nb.finetuning.encode import EncodedRow, encode_examples
from alpaca_nb.finetuning.settings import TrainingSettings
from alpaca_nb.models import load_tokenizer, model_folder
from alpaca_nb.records import Example

BASE = "random-llama-1m"
SETTINGS = TrainingSettings(
    base_model=BASE,
    seed=17,
    number_of_processes=2,
    epochs=3,
    batch_size=6,
    learning_rate=1e-3,
    warmup_ratio=0.2,
    max_tokens_per_pack=150,  # so that a step takes several micro-batches
    precision="bfloat16",
    checkpoint_every=2,
)
STEPS = 6  # 12 training rows, 3 times, in batches of 6


def with_settings(**changed: object) -> TrainingSettings:
    """`SETTINGS` with some of them changed."""
    return TrainingSettings(**{**vars(SETTINGS), **changed})  # type: ignore[arg-type]


def make_rows(number: int = 16) -> list[EncodedRow]:
    """Short rows of different lengths."""
    examples = [Example("Count.", ", ".join(map(str, range(n))), "one " * (1 + n % 5)) for n in range(number)]
    return list(encode_examples(examples, load_tokenizer(model_folder(BASE))).rows)
