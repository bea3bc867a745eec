"""The verb of an instruction and its object: by simple rules, and by a real parser where one is installed."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpaca_nb.quality.reading import read_any
from alpaca_nb.quality.verb_rules import singular, verb_and_object
from alpaca_nb.quality.verbs import VerbCounts, count_verbs, load_parser


@pytest.mark.parametrize(
    ("instruction", "pair"),
    [
        ("Write a short story about a cat.", ("write", "story")),
        ("Given a list of numbers, find the largest one.", ("find", "one")),
        ("Re-write the sentence using the passive voice.", ("rewrite", "sentence")),
        ("Come up with a list of ten ideas", ("come", "list")),
        ("Compare and contrast the benefits of tea and coffee.", ("compare", "benefit")),
        ("Name three challenges faced by nurses.", ("name", "challenge")),
        ("Explain how photosynthesis works.", ("explain", "")),
        ("Can you please briefly describe the process of melting?", ("describe", "process")),
        ("Can fish drown?", ("can", "")),
        ("What is the capital of France?", ("what", "capital")),
        ("Which two countries border Spain?", ("which", "country")),
        ("I have an exam next week. Translate the phrase into German.", ("translate", "phrase")),
        ("Generate 3 to 5 questions.", ("generate", "question")),
        ("Comfort a friend before her exam.", ("comfort", "friend")),
        ("Photosynthesis", None),
        ("", None),
    ],
)
def test_verb_and_object_by_rules(instruction: str, pair: tuple[str, str] | None) -> None:
    assert verb_and_object(instruction) == pair


@given(st.text(max_size=80))
def test_rules_take_any_text(text: str) -> None:
    verb_and_object(text)


def test_singular() -> None:
    assert [singular(word) for word in ("stories", "boxes", "houses", "analysis", "class", "gas", "movies")] == [
        *("story", "box", "house", "analysis", "class", "ga", "movie"),
    ]


def test_top_is_ordered_by_count_then_name() -> None:
    counted = VerbCounts({("b", "x"): 2, ("a", "y"): 1, ("a", "x"): 1, ("c", ""): 9, ("d", "z"): 1}, 14, "by hand")
    assert counted.top(2, 1) == [("a", 2, [("x", 1)]), ("b", 2, [("x", 2)])]
    assert (counted.with_object, counted.distinct) == (5, 4)


@pytest.mark.skipif(importlib.util.find_spec("spacy") is None, reason="spaCy is not installed (extra `parser`)")
def test_a_parser_finds_verbs_and_objects_and_the_rules_mostly_agree(upstream_data: Path) -> None:
    parser = load_parser()
    if parser is None:
        pytest.skip("no English model for spaCy is installed; alpaca_nb/quality/verbs.py names one")
    sentences = ["Write a short story about a cat.", "Given a list of numbers, find the largest one."]
    counted = count_verbs(sentences, parser)
    assert counted.pairs == {("write", "story"): 1, ("find", "one"): 1}
    assert counted.method.startswith("spaCy's parser, en_core_web")
    instructions = [each.instruction for each in read_any(upstream_data / "alpaca_sample_4600.json")[:600]]
    parsed, guessed = count_verbs(instructions, parser), count_verbs(instructions)
    shared = sum(min(count, guessed.pairs.get(pair, 0)) for pair, count in parsed.pairs.items() if pair[1])
    assert shared / parsed.with_object > 0.8
