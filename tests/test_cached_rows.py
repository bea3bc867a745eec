"""Rows kept as tokens: equal to those encoded anew, found again, made anew when damaged or when anything changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerBase

from alpaca_nb.errors import InputFileError
from alpaca_nb.finetuning.cached import KEPT, encode_cached, key_of
from alpaca_nb.finetuning.encode import encode_examples
from alpaca_nb.models import load_tokenizer, model_folder
from alpaca_nb.models.cache import CACHE_VARIABLE
from alpaca_nb.records import Example

EXAMPLES = [Example("Count.", "1, 2", "two"), Example("Say nothing.", "", " "), Example("Name a colour.", "", "ü")]
TEXT = st.text(max_size=30)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return load_tokenizer(model_folder("random-llama-1m"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: PreTrainedTokenizerBase) -> Iterator[Path]:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    yield tmp_path / "rows"


def test_the_second_time_comes_from_the_disk(cache: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    first = encode_cached(EXAMPLES, tokenizer)
    (file,) = cache.iterdir()
    inode = file.stat().st_ino
    assert first == encode_examples(EXAMPLES, tokenizer) and [row.number for row in first.dropped] == [2]
    assert encode_cached(EXAMPLES, tokenizer) == first
    assert [(path.name, path.stat().st_ino) for path in cache.iterdir()] == [(file.name, inode)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.builds(Example, TEXT, TEXT, TEXT.map(lambda text: text + "x")), min_size=1, max_size=5))
def test_any_text_comes_back_as_it_was_encoded(
    cache: Path, tokenizer: PreTrainedTokenizerBase, examples: list[Example]
) -> None:
    for _ in range(2):
        assert encode_cached(examples, tokenizer, 200) == encode_examples(examples, tokenizer, 200)


@pytest.mark.parametrize("damage", [b"", b"no arrow file", None])
def test_a_damaged_file_is_made_anew(cache: Path, tokenizer: PreTrainedTokenizerBase, damage: bytes | None) -> None:
    wanted = encode_cached(EXAMPLES, tokenizer)
    (file,) = cache.iterdir()
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2] if damage is None else damage)
    assert encode_cached(EXAMPLES, tokenizer) == wanted
    assert encode_cached(EXAMPLES, tokenizer) == wanted


def test_whatever_decides_the_tokens_decides_the_name(tokenizer: PreTrainedTokenizerBase) -> None:
    names = {
        key_of(EXAMPLES, tokenizer, 512),
        key_of(EXAMPLES, tokenizer, 511),
        key_of(EXAMPLES[:2], tokenizer, 512),
        key_of([Example("Count.", "", "1, 2two"), *EXAMPLES[1:]], tokenizer, 512),
    }
    other = load_tokenizer(model_folder("random-llama-1m"))
    assert key_of(EXAMPLES, other, 512) in names
    other("x", padding="max_length", max_length=9, truncation=True)  # leaves its choice behind in the tokenizer
    assert key_of(EXAMPLES, other, 512) in names
    other.add_tokens(["<new>"])
    assert key_of(EXAMPLES, other, 512) not in names and len(names) == 4


def test_only_the_newest_are_kept(cache: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    for length in range(100, 100 + KEPT + 3):
        encode_cached(EXAMPLES, tokenizer, length)
    assert len(list(cache.glob("*.arrow"))) == KEPT


def test_nothing_to_learn_is_the_same_error(cache: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    with pytest.raises(InputFileError, match="row 1: the prompt alone fills max_length"):
        encode_cached(EXAMPLES, tokenizer, 5)
