"""Do tokenizer, model and length fit together? And the original's pad token, for whoever asks for it.

A tokenizer of another model trains without a word of complaint, or dies deep inside the embedding with an index out of
range. Both cost an hour to find, so they are looked for before anything is loaded.
"""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from alpaca_nb.errors import ModelError, RecipeError
from alpaca_nb.prompts import alpaca_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

PAD_TOKEN = "[PAD]"  # as in `train.py` of tatsu-lab/stanford_alpaca @ 761dc5b
LEAST_ANSWER = 2  # tokens: one word and the end of text


def check_fit(folder: Path, tokenizer: "PreTrainedTokenizerBase", max_length: int) -> None:
    """Refuse a tokenizer whose tokens the model has no row for, and a length without room for an answer.

    Raises `ModelError` where the model folder is at fault and `RecipeError` where `max_length` is.
    """
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder).get_text_config()
    _check_tokens(tokenizer, config.vocab_size)
    positions = getattr(config, "max_position_embeddings", None)
    if positions and max_length > positions:
        raise RecipeError(f"max_length {max_length} is more than the {positions} positions this model knows: lower it")
    shortest = len(tokenizer(alpaca_prompt("")).input_ids)
    if max_length < shortest + LEAST_ANSWER:
        raise RecipeError(
            f"max_length {max_length} leaves no room for an answer: Alpaca's template alone takes {shortest} tokens "
            f"with this tokenizer; give at least {shortest + LEAST_ANSWER}, better 512"
        )


def add_pad_row(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> None:
    """Give tokenizer and model the original's `[PAD]`: a new last row, the mean of all rows, in embedding and head.

    LLaMA's 32,000 rows become 32,001. Nothing here needs it, since packs hold no padding; it is for weights that shall
    have the original's shape.
    """
    tokenizer.add_special_tokens({"pad_token": PAD_TOKEN})
    model.config.pad_token_id = tokenizer.pad_token_id
    embedding: nn.Module = model.get_input_embeddings()
    old = len(cast(Tensor, embedding.weight))
    if len(tokenizer) <= old:
        return  # the embedding had rows to spare, as some have to be a multiple of 64
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    with torch.no_grad():
        for part in (model.get_input_embeddings(), model.get_output_embeddings()):  # type: ignore[no-untyped-call]
            weight = cast(Tensor, part.weight)
            weight[old:] = weight[:old].mean(dim=0)


def _check_tokens(tokenizer: "PreTrainedTokenizerBase", rows: int) -> None:
    """Every token that a text can become, and each that has a task of its own, needs a row of the embedding."""
    if tokenizer.eos_token_id is None:
        raise ModelError("the tokenizer has no end-of-text token, so the model could never learn to stop")
    special = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id} - {None}
    spare = set(tokenizer.get_added_vocab().values()) - special  # marks for pictures and the like, never written
    beyond = [token for token in tokenizer.get_vocab().values() if token >= rows and token not in spare]
    if beyond:
        raise ModelError(
            f"the tokenizer does not belong to this model: it has {len(tokenizer):,} tokens, the embedding only "
            f"{rows:,} rows; use the tokenizer files that came with the model"
        )
