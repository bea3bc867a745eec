"""Rows as tokens: the border between prompt and answer, what is learned, what is cut, what is dropped."""

from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerBase

from alpaca_nb.errors import InputFileError
from alpaca_nb.finetuning.encode import (
    EncodedRow,
    encode_example,
    encode_examples,
    read_rows,
    split_held_out,
    write_rows,
)
from alpaca_nb.models import load_tokenizer, model_folder
from alpaca_nb.prompts import alpaca_prompt
from alpaca_nb.records import Example

EXAMPLES = [
    Example("Add the numbers.", "12, 30", "42"),
    Example("Name a colour.", "", "Blue.\nOr green."),
    Example("Say ü.", "", " ü"),
]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return load_tokenizer(model_folder("random-llama-1m"))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_prompt_is_masked_and_answer_with_eos_is_learned(
    tokenizer: PreTrainedTokenizerBase, example: Example
) -> None:
    row = encode_example(example, tokenizer)
    prompt = alpaca_prompt(example.instruction, example.input)
    assert list(row.input_ids[: row.prompt_tokens]) == tokenizer(prompt).input_ids
    assert row.labels[: row.prompt_tokens] == (-100,) * row.prompt_tokens
    learned = [label for label in row.labels if label != -100]
    assert tokenizer.decode(learned) == example.output + tokenizer.eos_token
    assert learned.count(tokenizer.eos_token_id) == 1
    assert tokenizer.decode(row.input_ids) == tokenizer.bos_token + prompt + example.output + tokenizer.eos_token
    assert len(row.labels) == len(row.input_ids) and row.learned_tokens == len(learned) and not row.truncated


def test_the_prompts_tokens_are_those_of_inference_whatever_the_answer(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = [encode_example(Example("Name a colour.", "", answer), tokenizer) for answer in ("Blue", "::", "\n\nx")]
    assert len({row.input_ids[: row.prompt_tokens] for row in rows}) == 1


def test_batch_and_single_encoding_agree(tokenizer: PreTrainedTokenizerBase) -> None:
    data = encode_examples(EXAMPLES, tokenizer)
    assert list(data.rows) == [encode_example(example, tokenizer) for example in EXAMPLES]
    assert data.truncated == 0 and data.dropped == ()


def test_a_row_cut_short_is_counted_and_learns_no_eos(tokenizer: PreTrainedTokenizerBase) -> None:
    whole = encode_example(EXAMPLES[1], tokenizer)
    size = len(whole.input_ids)
    assert not encode_example(EXAMPLES[1], tokenizer, size).truncated
    data = encode_examples(EXAMPLES[1:2], tokenizer, size - 1)
    assert data.truncated == 1
    assert data.rows[0].input_ids == whole.input_ids[:-1] and tokenizer.eos_token_id not in data.rows[0].labels


def test_a_row_without_an_answer_inside_the_length_is_dropped_and_named(tokenizer: PreTrainedTokenizerBase) -> None:
    prompt_tokens = encode_example(EXAMPLES[0], tokenizer).prompt_tokens
    examples = [EXAMPLES[0], Example("Be silent.", "", " \n"), EXAMPLES[1]]
    data = encode_examples(examples, tokenizer, prompt_tokens)
    assert [(row.number, row.reason.split(" (")[0]) for row in data.dropped] == [
        (1, "the prompt alone fills max_length"),
        (2, "the output is empty"),
    ]
    assert len(data.rows) == 1


def test_nothing_left_to_learn_is_an_error(tokenizer: PreTrainedTokenizerBase) -> None:
    with pytest.raises(InputFileError, match="row 1: the prompt alone fills max_length"):
        encode_examples(EXAMPLES, tokenizer, 5)


def test_rows_survive_the_disk(tmp_path: Path) -> None:
    rows = [EncodedRow((5, 6, 7), 2), EncodedRow((1,), 0), EncodedRow((9, 9), 1)]
    assert read_rows(write_rows(tmp_path / "rows.npz", rows)) == rows


def test_held_out_rows_are_apart_and_follow_the_seed() -> None:
    rows = [EncodedRow((number, 0), 1) for number in range(40)]
    training, held_out = split_held_out(rows, 10, seed=3)
    assert len(held_out) == 10 and sorted([*training, *held_out], key=lambda row: row.input_ids) == rows
    assert split_held_out(rows, 10, seed=3) == (training, held_out)
    assert split_held_out(rows, 10, seed=4)[1] != held_out
