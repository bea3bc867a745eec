"""Rows as tokens, kept in the user's cache: 52,000 rows are tokenised once, not at every change of a learning rate.

`datasets` maps the tokenizer over the rows in batches (its Rust code uses every core) and writes an Arrow file whose
name is a hash of all that decides its content: the rows' text, the templates, the tokenizer, `max_length`, the code.
"""

import contextlib
import hashlib
import inspect
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alpaca_nb import prompts
from alpaca_nb.finetuning import encode
from alpaca_nb.finetuning.encode import EncodedData, EncodedRow, keep_what_teaches
from alpaca_nb.models.cache import cache_folder
from alpaca_nb.records import Example

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

KEPT = 8  # files of tokens; one of 52,000 rows takes 30 MB
ROWS_AT_A_TIME = 1000


def encode_cached(
    examples: Sequence[Example], tokenizer: "PreTrainedTokenizerBase", max_length: int = 512
) -> EncodedData:
    """What `encode_examples` returns, from the cache where it has been made before; raises the same error."""
    path = cache_folder() / "rows" / f"{key_of(examples, tokenizer, max_length)}.arrow"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        rows = list(_rows(_tokenised(examples, tokenizer, max_length, path)))
    except (OSError, ValueError):  # a damaged file: made anew
        path.unlink(missing_ok=True)
        rows = list(_rows(_tokenised(examples, tokenizer, max_length, path)))
    path.touch()
    with contextlib.suppress(FileNotFoundError):  # another run drops the same ones
        for old in sorted(path.parent.glob("*.arrow"), key=lambda file: file.stat().st_mtime)[:-KEPT]:
            old.unlink()
    return keep_what_teaches(examples, rows, max_length)


def key_of(examples: Sequence[Example], tokenizer: "PreTrainedTokenizerBase", max_length: int) -> str:
    """A hash that changes with any row, with the tokenizer, the length, the templates or the code of `encode`."""
    digest = hashlib.sha256(f"{max_length}\0{_words_of(tokenizer)}\0".encode())
    digest.update((inspect.getsource(encode) + inspect.getsource(prompts)).encode())
    for example in examples:
        digest.update(f"{example.instruction}\0{example.input}\0{example.output}\1".encode(errors="surrogatepass"))
    return digest.hexdigest()[:32]


def _words_of(tokenizer: "PreTrainedTokenizerBase") -> str:
    """All that decides how a tokenizer cuts a text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return json.dumps([tokenizer.get_vocab(), str(tokenizer.special_tokens_map)], sort_keys=True)
    whole = json.loads(backend.to_str())
    whole.update(padding=None, truncation=None)  # an earlier call's choice, which no call here makes
    return json.dumps([whole, tokenizer.eos_token_id])


def _tokenised(
    examples: Sequence[Example], tokenizer: "PreTrainedTokenizerBase", max_length: int, path: Path
) -> "Dataset":
    """The data set with columns `tokens` and `prompt_tokens`, read from `path` or written there (whole, or not)."""
    import datasets

    def tokenise(batch: dict[str, list[str]]) -> dict[str, list[object]]:
        some = [Example(*row) for row in zip(batch["instruction"], batch["input"], batch["output"], strict=True)]
        rows = encode.encode_each(some, tokenizer, max_length)
        return {
            "tokens": [list(row.input_ids) for row in rows],
            "prompt_tokens": [row.prompt_tokens for row in rows],
            "truncated": [row.truncated for row in rows],
        }

    text = {name: [getattr(example, name) for example in examples] for name in ("instruction", "input", "output")}
    data = datasets.Dataset.from_dict(text)
    bars = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        return data.map(
            tokenise,
            batched=True,
            batch_size=ROWS_AT_A_TIME,
            remove_columns=data.column_names,
            cache_file_name=str(path),
            new_fingerprint=path.stem,
        )
    finally:
        if not bars:
            datasets.enable_progress_bars()


def _rows(data: "Dataset") -> Iterator[EncodedRow]:
    """The rows out of Arrow's flat arrays: a hundred times as fast as asking for one row after the other."""
    tokens = data.data.column("tokens").combine_chunks()
    ends = np.asarray(tokens.offsets)[1:-1]
    pieces = np.split(np.asarray(tokens.values), ends)
    prompts_of, cut = (data.data.column(name).to_pylist() for name in ("prompt_tokens", "truncated"))
    for piece, prompt_tokens, truncated in zip(pieces, prompts_of, cut, strict=True):
        yield EncodedRow(tuple(piece.tolist()), prompt_tokens, truncated)
