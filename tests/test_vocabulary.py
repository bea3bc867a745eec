"""Tokenizer, model and length must fit; the original's pad row is added on request, as the mean of all rows."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from alpaca_nb.errors import ModelError, RecipeError
from alpaca_nb.finetuning.vocabulary import PAD_TOKEN, add_pad_row, check_fit
from alpaca_nb.models import load_model, load_tokenizer, model_folder
from alpaca_nb.prompts import alpaca_prompt


@pytest.fixture
def folder() -> Path:
    return model_folder("random-llama-1m")


@pytest.fixture
def tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    return load_tokenizer(folder)


def test_what_belongs_together_passes(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    check_fit(folder, tokenizer, 512)
    tokenizer.add_tokens(["<picture>"])  # beyond the embedding, but no text becomes it unasked
    check_fit(folder, tokenizer, 512)


def test_a_tokenizer_larger_than_the_embedding_is_refused(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    words = {f"word{number}": number for number in range(1 + load_model(folder).config.vocab_size)}
    larger = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel(words, "word0")), eos_token="word1")
    with pytest.raises(ModelError, match=r"does not belong to this model: it has \S+ tokens, .* only \S+ rows"):
        check_fit(folder, larger, 512)
    tokenizer.add_special_tokens({"eos_token": "<new eos>"})  # a token with a task, beyond the embedding
    with pytest.raises(ModelError, match="does not belong to this model"):
        check_fit(folder, tokenizer, 512)


def test_a_tokenizer_without_an_end_is_refused(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    tokenizer.eos_token = None
    with pytest.raises(ModelError, match="never learn to stop"):
        check_fit(folder, tokenizer, 512)


def test_a_length_without_room_or_beyond_the_positions_is_refused(
    folder: Path, tokenizer: PreTrainedTokenizerBase
) -> None:
    template = len(tokenizer(alpaca_prompt("")).input_ids)
    check_fit(folder, tokenizer, template + 2)
    with pytest.raises(RecipeError, match=rf"no room for an answer: .* {template} tokens .* at least {template + 2}"):
        check_fit(folder, tokenizer, template + 1)
    with pytest.raises(RecipeError, match="max_length 1025 is more than the 1024 positions"):
        check_fit(folder, tokenizer, 1025)


@pytest.mark.parametrize("tied", [True, False])
def test_the_pad_row_is_the_mean_of_the_others(tmp_path: Path, tokenizer: PreTrainedTokenizerBase, tied: bool) -> None:
    model = load_model(model_folder("random-llama-1m"), "float32")
    if not tied:
        model.config.tie_word_embeddings = False
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
    before = [part.weight.detach().clone() for part in (model.get_input_embeddings(), model.get_output_embeddings())]
    rows, ids = len(before[0]), torch.tensor([[5, 6, 7]])
    logits = model(input_ids=ids).logits
    add_pad_row(model, tokenizer)
    for part, old in zip((model.get_input_embeddings(), model.get_output_embeddings()), before, strict=True):
        assert part.weight.shape[0] == rows + 1 and torch.equal(part.weight[:rows], old)
        torch.testing.assert_close(part.weight[rows], old.mean(dim=0))
    torch.testing.assert_close(model(input_ids=ids).logits[..., :rows], logits)
    assert tokenizer.pad_token == PAD_TOKEN and tokenizer.pad_token_id == rows == model.config.pad_token_id
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    check_fit(tmp_path, load_tokenizer(tmp_path), 512)
    assert load_tokenizer(tmp_path).pad_token == PAD_TOKEN
    assert load_model(tmp_path).get_output_embeddings().weight.shape[0] == rows + 1


def test_llamas_own_tokenizer_has_32_000_tokens_and_the_originals_32_001() -> None:
    """The shape of the published model, with LLaMA's sizes but for the width."""
    from transformers import LlamaConfig, LlamaForCausalLM

    words = {"<unk>": 0, "<s>": 1, "</s>": 2, **{f"word{number}": number for number in range(3, 32000)}}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel(words, "<unk>")), bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=32000, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
            tie_word_embeddings=False,
        )
    )  # fmt: skip
    add_pad_row(model, tokenizer)
    assert model.get_input_embeddings().weight.shape[0] == len(tokenizer) == 32001
    assert model.config.vocab_size == 32001 and tokenizer.convert_tokens_to_ids("[PAD]") == 32000
