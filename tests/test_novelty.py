"""The novelty filter decides as `rouge_score` does, on every pair, at every float."""

import json
import pickle
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer, scoring
from rouge_score.tokenizers import DefaultTokenizer

from alpaca_nb.generation.novelty import NoveltyFilter, rouge_l, words_of

THRESHOLD = 0.7
TOKENIZER = DefaultTokenizer(use_stemmer=False)


def reference(new: str, old: str) -> float:
    """As the original generator calls it: target is the new instruction, prediction the old one."""
    return float(rouge_scorer._score_lcs(TOKENIZER.tokenize(new), TOKENIZER.tokenize(old)).fmeasure)


def reference_keeps(texts: list[str]) -> list[bool]:
    kept: list[list[str]] = []
    decisions = []
    for text in texts:
        tokens = TOKENIZER.tokenize(text)
        new = all(rouge_scorer._score_lcs(tokens, old).fmeasure <= THRESHOLD for old in kept)
        decisions.append(new)
        if new:
            kept.append(tokens)
    return decisions


def test_by_hand() -> None:
    # "sort the list of numbers" and "sort a list of words": common sequence sort, list, of = 3; P = R = 3/5
    assert rouge_l("Sort the list of numbers.", "Sort a list of words!") == 0.6
    assert rouge_l("", "Sort") == 0.0
    assert words_of("Don't SHOUT, 3x-4!") == ["don", "t", "shout", "3x", "4"]


texts = st.lists(
    st.lists(
        st.sampled_from(["sort", "the", "list", "of", "A", "numbers", "é", "word's", "K", "x-y", "İ"]), max_size=12
    )
    .map(" ".join)
    .flatmap(lambda text: st.sampled_from([text, f"{text}?", f"  {text.upper()}"])),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_decisions_and_scores_equal_the_reference_on_made_up_texts(sequence: list[str]) -> None:
    novelty = NoveltyFilter(THRESHOLD)
    assert [novelty.add(text) for text in sequence] == reference_keeps(sequence)
    everything = NoveltyFilter(1.0)
    for text in sequence:
        everything.keep(text)
    for text in sequence[:3]:
        assert dict(everything.nearest(text, k=99)) == {i: reference(text, old) for i, old in enumerate(sequence)}


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_unicode_scores_like_the_reference(a: str, b: str) -> None:
    assert rouge_l(a, b) == reference(a, b)


def test_every_pair_of_lengths_at_the_boundary() -> None:
    """All (m, n, L) up to 60 words whose F is 7/10 exactly: rouge_score drops some of them and keeps others."""
    dropped = checked = 0
    for m in range(1, 61):
        for n in range(1, 61):
            if 7 * (m + n) % 20 or (common := 7 * (m + n) // 20) > min(m, n):
                continue
            old = " ".join(f"w{i}" for i in range(m))
            new = " ".join([f"w{i}" for i in range(common)] + [f"x{i}" for i in range(n - common)])
            expected = scoring.fmeasure(common / m, common / n)
            novelty = NoveltyFilter(THRESHOLD)
            assert novelty.add(old)
            assert novelty.add(new) is (expected <= THRESHOLD), (m, n, common)
            checked += 1
            dropped += expected > THRESHOLD
    assert checked > 50 and 0 < dropped < checked, "both kinds must occur, or this test shows nothing"


def test_real_instructions(upstream_data: Path) -> None:
    rows = json.loads((upstream_data / "alpaca_sample_4600.json").read_text(encoding="utf-8"))
    instructions = [row["instruction"] for row in rows[:250]]
    chance = random.Random(5)
    for text in instructions[:60]:  # near duplicates, else every decision were "keep"
        words = text.split()
        words[chance.randrange(len(words))] = "something"
        instructions.append(" ".join(words))
    novelty = NoveltyFilter(THRESHOLD)
    decisions = [novelty.add(text) for text in instructions]
    assert decisions == reference_keeps(instructions)
    assert 20 < decisions.count(False) < 80
    for text in instructions[-5:]:
        scores = [reference(text, old) for old, kept in zip(instructions, decisions, strict=True) if kept]
        best = sorted(range(len(scores)), key=lambda index: (-scores[index], index))[:10]
        assert novelty.nearest(text, k=10) == [(index, scores[index]) for index in best]


def test_nearest_and_judge_tell_the_neighbour() -> None:
    novelty = NoveltyFilter(THRESHOLD)
    assert novelty.nearest("anything") == []
    first = novelty.judge("List three primary colours.")
    assert (first.kept, first.nearest_index, first.nearest_score) == (True, -1, 0.0)
    novelty.keep("Name the capital of France.")
    near = novelty.judge("Name the capital of Spain.")
    assert (near.kept, near.nearest_index, near.nearest_score) == (False, 1, pytest.approx(0.8))
    assert len(novelty) == 2, "a dropped text is not remembered"
    assert novelty.nearest("Name the capital of Peru.", k=1) == [(1, pytest.approx(0.8))]


def test_survives_pickling_and_growing() -> None:
    novelty = NoveltyFilter(THRESHOLD)
    for number in range(3000):
        novelty.keep(f"task{number} alpha{number} beta{number}")
    copy = pickle.loads(pickle.dumps(novelty))
    assert len(copy) == 3000
    assert copy.nearest("task2999 alpha2999 beta2999", k=1) == [(2999, 1.0)]
    assert not copy.add("task1023 alpha1023 beta1023")
