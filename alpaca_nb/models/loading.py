"""Loading a model folder: safetensors only, no code from the folder, nothing from the network, no noise."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from alpaca_nb.errors import ModelError
from alpaca_nb.models.quiet import quiet_transformers
from alpaca_nb.models.sources import check_folder

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Dtype = Literal["float32", "bfloat16", "float16"]


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """Load a folder's tokenizer, with a pad token chosen by `ensure_pad_token`; raises `ModelError`."""
    from transformers import AutoTokenizer

    check_folder(folder)
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{folder}: the tokenizer cannot be loaded ({error})") from error
    return ensure_pad_token(tokenizer)


def load_model(
    folder: Path,
    dtype: Dtype = "bfloat16",
    *,
    memory: Mapping[int | str, int] | None = None,
) -> "PreTrainedModel":
    """Load a folder's causal language model with its weights in `dtype`, in evaluation mode.

    Training asks for "float32" (master weights), answering for "bfloat16". It lies on the CPU, unless `memory` says how
    many bytes may be used on which device: then accelerate spreads it, and what fits nowhere is read from the folder
    whenever it is needed. Raises `ModelError`.
    """
    import torch
    from transformers import AutoModelForCausalLM

    check_folder(folder)
    spread = {} if memory is None else {"device_map": "auto", "max_memory": dict(memory)}
    try:
        with quiet_transformers():
            model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                **spread,
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{folder}: the model cannot be loaded ({error})") from error
    model.eval()  # type: ignore[no-untyped-call]
    return model


def ensure_pad_token(tokenizer: "PreTrainedTokenizerBase") -> "PreTrainedTokenizerBase":
    """Give a tokenizer that has no pad token one from its own vocabulary, and return it.

    The unknown token comes first (LLaMA has one and byte fallback never writes it), then eos. Padding is masked in
    attention and in the loss wherever the kit pads, so the choice changes no result; growing the vocabulary, as Alpaca
    did, would change the model's shape. Raises `ModelError` where neither exists.
    """
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.unk_token or tokenizer.eos_token
    if tokenizer.pad_token is None:
        raise ModelError("the tokenizer has neither a pad, an unknown nor an end-of-text token; choose another model")
    return tokenizer
