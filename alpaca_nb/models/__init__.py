"""Where base models come from: the one place that turns a name into a folder that transformers can load.

`model_folder` knows four kinds of name: a random LLaMA built on the spot (`random_llama`), a small real one from the
Python package index (`smollm2`), an id of the Hugging Face hub, and a folder of yours (`sources`). What is built or
converted lies in a per-user cache (`cache`). `load_model` and `load_tokenizer` (`loading`) read safetensors only and
never run a model's own code.
"""

from alpaca_nb.models.loading import ensure_pad_token, load_model, load_tokenizer
from alpaca_nb.models.sources import check_folder, model_folder

__all__ = ["check_folder", "ensure_pad_token", "load_model", "load_tokenizer", "model_folder"]
