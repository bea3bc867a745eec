"""From rows of text to rows of tokens: which tokens the model reads, and which it is asked to learn.

A row is `prompt tokens + answer tokens + eos`. The prompt is `alpaca_prompt`'s text, tokenised as inference will do it;
the answer is tokenised apart from it, so that the border between the two is exact. A label of -100 means "read it, do
not learn it": torch's cross-entropy skips it. Eos is learned, or the model would never know where to stop.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alpaca_nb.errors import InputFileError
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.records import Example

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NOT_LEARNED = -100  # the `ignore_index` of torch.nn.functional.cross_entropy


@dataclass(frozen=True)
class EncodedRow:
    """One row as tokens: the first `prompt_tokens` of `input_ids` (seq,) are read, the others are learned too."""

    input_ids: tuple[int, ...]
    prompt_tokens: int
    truncated: bool = False

    @property
    def labels(self) -> tuple[int, ...]:
        """What is learned at each place, (seq,): -100 over the prompt, the token itself over the answer."""
        return (NOT_LEARNED,) * self.prompt_tokens + self.input_ids[self.prompt_tokens :]

    @property
    def learned_tokens(self) -> int:
        """Number of labels that are not -100."""
        return len(self.input_ids) - self.prompt_tokens


@dataclass(frozen=True)
class DroppedRow:
    """A row without anything to learn; `number` is its place in the data set, from 1."""

    number: int
    reason: str


@dataclass(frozen=True)
class EncodedData:
    """All rows of a data set as tokens, and what was lost on the way."""

    rows: tuple[EncodedRow, ...]
    truncated: int
    dropped: tuple[DroppedRow, ...]


def encode_example(example: Example, tokenizer: "PreTrainedTokenizerBase", max_length: int = 512) -> EncodedRow:
    """Tokenise prompt and answer apart, join them, and cut at `max_length`; a row cut short learns no eos."""
    prompt_ids = tokenizer(alpaca_prompt(example.instruction, example.input)).input_ids
    answer_ids = tokenizer(example.output, add_special_tokens=False).input_ids
    return _join(prompt_ids, answer_ids, tokenizer.eos_token_id, max_length)


def encode_examples(
    examples: Sequence[Example], tokenizer: "PreTrainedTokenizerBase", max_length: int = 512
) -> EncodedData:
    """Encode a data set; a row with an empty answer, or with none of it inside `max_length`, is dropped and named.

    Raises `InputFileError` where no row is left.
    """
    return keep_what_teaches(examples, encode_each(examples, tokenizer, max_length), max_length)


def encode_each(examples: Sequence[Example], tokenizer: "PreTrainedTokenizerBase", max_length: int) -> list[EncodedRow]:
    """Every row as `encode_example` makes it, tokenised many at a time; one without an answer learns nothing."""
    prompts = tokenizer([alpaca_prompt(e.instruction, e.input) for e in examples]).input_ids
    answers = tokenizer([e.output for e in examples], add_special_tokens=False).input_ids
    return [
        _join(prompt_ids, answer_ids, tokenizer.eos_token_id, max_length)
        for prompt_ids, answer_ids in zip(prompts, answers, strict=True)
    ]


def keep_what_teaches(examples: Sequence[Example], encoded: Sequence[EncodedRow], max_length: int) -> EncodedData:
    """Part the rows that have something to learn from those that have not; raises `InputFileError` if none has."""
    rows: list[EncodedRow] = []
    dropped: list[DroppedRow] = []
    for number, (example, row) in enumerate(zip(examples, encoded, strict=True), start=1):
        if not example.output.strip():
            dropped.append(DroppedRow(number, "the output is empty"))
        elif row.learned_tokens <= 0:
            dropped.append(DroppedRow(number, f"the prompt alone fills max_length ({max_length} tokens)"))
        else:
            rows.append(row)
    if not rows:
        raise InputFileError(f"no row is left to learn from; row {dropped[0].number}: {dropped[0].reason}")
    return EncodedData(tuple(rows), sum(row.truncated for row in rows), tuple(dropped))


def split_held_out(
    rows: Sequence[EncodedRow], held_out_rows: int, seed: int
) -> tuple[list[EncodedRow], list[EncodedRow]]:
    """Return (training rows, held-out rows): `held_out_rows` of them drawn from `seed`, both in the file's order."""
    drawn = set(random.Random(f"{seed}:held-out rows").sample(range(len(rows)), held_out_rows))
    training = [row for index, row in enumerate(rows) if index not in drawn]
    return training, [rows[index] for index in sorted(drawn)]


def write_rows(path: Path, rows: Sequence[EncodedRow]) -> Path:
    """Write rows as three flat arrays (a tenth of the size of JSON, read in milliseconds by every process)."""
    np.savez(
        path,
        tokens=np.array([token for row in rows for token in row.input_ids], dtype=np.int32),
        lengths=np.array([len(row.input_ids) for row in rows], dtype=np.int32),
        prompt_tokens=np.array([row.prompt_tokens for row in rows], dtype=np.int32),
    )
    return path


def read_rows(path: Path) -> list[EncodedRow]:
    """Read what `write_rows` wrote."""
    with np.load(path) as arrays:
        ends = arrays["lengths"].cumsum()
        pieces = np.split(arrays["tokens"], ends[:-1])
        prompts = arrays["prompt_tokens"].tolist()
    return [EncodedRow(tuple(piece.tolist()), prompt) for piece, prompt in zip(pieces, prompts, strict=False)]


def _join(prompt_ids: list[int], answer_ids: list[int], eos: int, max_length: int) -> EncodedRow:
    if prompt_ids[-1:] == [eos]:  # some tokenizers end every text with eos; here the answer follows
        prompt_ids = prompt_ids[:-1]
    whole = (*prompt_ids, *answer_ids, eos)
    return EncodedRow(whole[:max_length], min(len(prompt_ids), max_length), truncated=len(whole) > max_length)
