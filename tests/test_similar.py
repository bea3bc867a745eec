"""The search for similar texts: what it prunes loses no pair that comparing all with all would find."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpaca_nb.quality import set_defects
from alpaca_nb.similarity.rouge_l import rouge_l
from alpaca_nb.similarity.similar import Similar


@given(
    st.lists(st.lists(st.sampled_from("abcdefg"), max_size=9).map(" ".join), max_size=12), st.sampled_from([0.3, 0.7])
)
def test_pruning_loses_no_similar_pair(texts: list[str], threshold: float) -> None:
    similar = Similar(texts, threshold)
    for index, text in enumerate(texts):
        expected = [(other, rouge_l(text, texts[other])) for other in range(index)]
        assert list(similar.above(text, before=index)) == [pair for pair in expected if pair[1] > threshold]


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_near_duplicates_found_are_those_of_comparing_all_pairs(threshold: float) -> None:
    chance = random.Random(f"near duplicates {threshold}")
    words = [f"w{int(chance.paretovariate(0.7))}" for _ in range(3000)]  # few frequent words, many rare ones
    texts = [" ".join(chance.choices(words, k=chance.randint(0, 30))) for _ in range(150)]
    for _ in range(150):
        changed = chance.choice(texts).split()
        for _ in range(chance.randint(0, 4)):
            place = chance.randint(0, len(changed))
            changed[place : place + chance.randint(0, 1)] = chance.choices(words, k=chance.randint(0, 1))
        texts.append(" ".join(changed))
    similar = Similar(texts, threshold)
    found = 0
    for index, text in enumerate(texts):
        scores = [rouge_l(text, other) for other in texts]
        expected = [(other, score) for other, score in enumerate(scores) if score > threshold]
        assert list(similar.above(text)) == expected
        assert list(similar.above(text, before=index)) == [pair for pair in expected if pair[0] < index]
        found += len(expected)
    assert found > len(texts) + 50, "pairs of different texts should be among them"


def test_a_score_that_floats_lift_above_the_threshold_is_found() -> None:
    a, b = "a b c d e f g h i", "a b c d e f g w x y z"  # exactly 0.7, if it were not for the floats
    assert rouge_l(a, b) > set_defects.SIMILAR
    assert list(Similar([b]).above(a)) == [(0, rouge_l(a, b))]
