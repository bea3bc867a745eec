"""Which token fills the rows of a batch, where a tokenizer names none."""

import pytest
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from alpaca_nb.errors import ModelError
from alpaca_nb.models import ensure_pad_token


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ({"pad_token": "p", "unk_token": "u", "eos_token": "e"}, "p"),
        ({"unk_token": "u", "eos_token": "e"}, "u"),
        ({"eos_token": "e"}, "e"),
    ],
)
def test_a_pad_token_comes_from_the_vocabulary_and_never_grows_it(given: dict[str, str], chosen: str) -> None:
    words = Tokenizer(models.WordLevel({"p": 0, "u": 1, "e": 2, "word": 3}, unk_token="u"))
    tokenizer = ensure_pad_token(PreTrainedTokenizerFast(tokenizer_object=words, **given))
    assert tokenizer.pad_token == chosen
    assert len(tokenizer) == 4


def test_a_tokenizer_without_any_special_token_is_refused() -> None:
    words = Tokenizer(models.WordLevel({"word": 0}, unk_token="word"))
    with pytest.raises(ModelError, match="pad"):
        ensure_pad_token(PreTrainedTokenizerFast(tokenizer_object=words))
