"""The novelty filter decides as `rouge_score` does, on every pair, at every float."""

import json
import pickle
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist
from rouge_score import rouge_scorer, scoring
from rouge_score.tokenizers import DefaultTokenizer

from alpaca_nb.errors import RecipeError
from alpaca_nb.generation.novelty import NoveltyFilter
from alpaca_nb.similarity.bounds import IMPOSSIBLE, bounds_of
from alpaca_nb.similarity.rouge_l import rouge_l, words_of
from alpaca_nb.similarity.shared_words import SharedWords

THRESHOLD = 0.7
TOKENIZER = DefaultTokenizer(use_stemmer=False)


def reference(new: str, old: str) -> float:
    """As the original generator calls it: target is the new instruction, prediction the old one."""
    return float(rouge_scorer._score_lcs(TOKENIZER.tokenize(new), TOKENIZER.tokenize(old)).fmeasure)


def reference_keeps(texts: list[str], threshold: float = THRESHOLD) -> list[bool]:
    kept: list[list[str]] = []
    decisions = []
    for text in texts:
        tokens = TOKENIZER.tokenize(text)
        new = all(rouge_scorer._score_lcs(tokens, old).fmeasure <= threshold for old in kept)
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


# The words shared


def test_shared_words_are_counted_as_counters_do() -> None:
    """Common words and rare ones, repeated, and more of them than a byte can count."""
    chance = random.Random("shared words")
    for vocabulary, most in ((3, 9), (90, 12), (4000, 30), (50, 700)):
        shared, kept = SharedWords(), list[Counter[int]]()
        for _ in range(1200):
            words = [int(vocabulary * chance.random() ** 3) for _ in range(chance.randrange(most))]
            if len(kept) % 100 == 99:
                expected = [(Counter(words) & old).total() for old in kept]
                assert shared.counts(words).tolist() == expected
            shared.append(words)
            kept.append(Counter(words))


def test_the_filter_may_be_asked_in_any_order_what_it_is_asked() -> None:
    chance = random.Random("in any order")
    stream = [text for _ in range(120) for text in near_threshold(chance)]
    mixed, judged = NoveltyFilter(THRESHOLD), NoveltyFilter(THRESHOLD)
    for text in stream:
        pairs, near = mixed.pairs_left(text), mixed.nearest(text, 3)
        kept = mixed.add(text) if chance.random() < 0.5 else mixed.judge(text).kept
        assert near == judged.nearest(text, 3)
        assert kept == judged.judge(text).kept == (pairs["score above"] == 0)


# The bounds


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.7, 0.85, 1.0])
def test_bounds_are_those_of_the_reference_for_all_lengths_up_to_60(threshold: float) -> None:
    """For every pair of lengths: the least common subsequence that rouge_score's own F puts above the threshold."""
    for new in range(1, 61):
        bounds = bounds_of(new, 60, threshold)
        last = len(bounds.needed) - 1
        for old in range(1, 61):
            at = min(old, last)
            above = [c for c in range(1, min(old, new) + 1) if scoring.fmeasure(c / old, c / new) > threshold]
            if not above:
                assert bounds.most_different[at] == IMPOSSIBLE, (new, old)
                continue
            least = above[0]
            assert (bounds.needed[at], bounds.most_different[at]) == (least, new + old - 2 * least), (new, old)
            assert bounds.prefix >= new - least + 1, "too few words would be posted"
            looked_at = [rarer for rarer, (low, high) in enumerate(bounds.partners) if low <= old <= high]
            assert looked_at[: new - least + 1] == list(range(new - least + 1)), "too few words would be looked up"


# Against the reference: 20,000 pairs, other thresholds, long texts


def near_threshold(chance: random.Random) -> tuple[str, str]:
    """Two texts made to be hard: near the threshold, with repeated words, permuted, empty, or not in ASCII."""
    size = chance.choice([2, 3, 6, 30, 1000])  # small ones force repetitions
    vocabulary = ["the", "a", "of", "K", "İ", "ß", "don't", "x-y", *(f"w{i}" for i in range(size))][-max(size, 3) :]
    old = [chance.choice(vocabulary) for _ in range(chance.choice([0, 1, 2, 3, 5, 9, 10, 11, 14, 20, 33]))]
    new = list(old)
    for _ in range(round(len(new) * chance.uniform(0.15, 0.45))):
        place = chance.randrange(len(new) + 1)
        match chance.randrange(4):
            case 0:
                new.insert(place, chance.choice(vocabulary))
            case 1:
                new[place : place + 1] = [chance.choice(["é", "novel", *vocabulary])]
            case 2:
                del new[place : place + 1]
            case _:
                other = chance.randrange(len(new) + 1)
                new[min(place, other) : max(place, other)] = new[min(place, other) : max(place, other)][::-1]
    if chance.random() < 0.1:
        chance.shuffle(new)
    return " ".join(old), chance.choice([" ", "  ", ", ", "\n", "…"]).join(new).upper()


def test_twenty_thousand_hard_pairs() -> None:
    chance = random.Random("hard pairs")
    close = dropped = 0
    for _ in range(10_000):
        one, other = near_threshold(chance)
        for old, new in ((one, other), (other, one)):
            score = reference(new, old)
            novelty = NoveltyFilter(THRESHOLD)
            novelty.keep(old)
            assert novelty.nearest(new) == [(0, score)]
            assert novelty.add(new) is not (score > THRESHOLD), (old, new, score)
            close += abs(score - THRESHOLD) < 0.06
            dropped += score > THRESHOLD
    assert close > 3000 and 5000 < dropped < 15_000, "the pairs are not hard"


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 0.7, 0.9, 1.0])
def test_streams_at_any_threshold(threshold: float) -> None:
    chance = random.Random(f"stream {threshold}")
    stream = [text for _ in range(150) for text in near_threshold(chance)]
    novelty, judged = NoveltyFilter(threshold), NoveltyFilter(threshold)
    decisions = [novelty.add(text) for text in stream]
    assert decisions == reference_keeps(stream, threshold)
    assert [judged.judge(text).kept for text in stream] == decisions


def test_texts_of_hundreds_of_words() -> None:
    chance = random.Random("long")
    stream = []
    for length in (3, 260, 300, 520, 260, 40, 700, 300):
        words = [f"w{chance.randrange(400)}" for _ in range(length)]
        changed = [word if chance.random() < 0.72 else "other" for word in words]
        stream += [" ".join(words), " ".join(changed), " ".join(words[: int(length * 0.6)])]
    novelty = NoveltyFilter(THRESHOLD)
    decisions = [novelty.add(text) for text in stream]
    assert decisions == reference_keeps(stream)
    assert False in decisions[3:] and True in decisions[3:]


# Against the reference: the whole greedy filter on real rows


def brute_force(texts: list[str], threshold: float) -> list[tuple[bool, int, float]]:
    """(kept, nearest, its score) with rapidfuzz against every kept text; scores as rouge_score computes them."""
    letters: dict[str, str] = {}
    encoded = ["".join(letters.setdefault(w, chr(len(letters))) for w in TOKENIZER.tokenize(text)) for text in texts]
    kept: list[str] = []
    verdicts = []
    for text in encoded:
        common = cdist([text], kept, scorer=LCSseq.similarity, dtype=np.int32)[0].tolist() if kept else []
        # The score grows with the common length at fixed lengths, so one candidate for each length is enough.
        best_of: dict[int, tuple[int, int]] = {}
        for index, (old, length) in enumerate(zip(kept, common, strict=True)):
            if length > best_of.get(len(old), (-1, 0))[0]:
                best_of[len(old)] = (length, index)
        scores = [(f_of(length, size, len(text)), -index) for size, (length, index) in best_of.items()]
        score, index = max(scores, default=(0.0, 1))
        verdicts.append((not score > threshold, -index, score))
        if verdicts[-1][0]:
            kept.append(text)
    return verdicts


def f_of(common: int, old: int, new: int) -> float:
    return float(scoring.fmeasure(common / old, common / new)) if common else 0.0


@pytest.fixture
def real_stream(upstream_data: Path) -> list[str]:
    """4,600 published instructions with 1,400 changed copies among them, which are near the threshold."""
    rows = json.loads((upstream_data / "alpaca_sample_4600.json").read_text(encoding="utf-8"))
    instructions = [row["instruction"] for row in rows]
    chance = random.Random("real")
    vocabulary = [word for text in instructions for word in text.split()]
    for _ in range(1400):
        words = chance.choice(instructions).split()
        for _ in range(max(1, round(len(words) * chance.uniform(0.1, 0.4)))):
            words[chance.randrange(len(words))] = chance.choice(vocabulary)
        instructions.insert(chance.randrange(len(instructions)), " ".join(words))
    return instructions


def test_the_brute_force_scores_like_the_reference(real_stream: list[str]) -> None:
    chance = random.Random("pairs")
    for _ in range(5000):
        old, new = chance.choice(real_stream), chance.choice(real_stream)
        (_, _, _), (kept, _, score) = brute_force([old, new], THRESHOLD)
        assert score == reference(new, old) and kept is (score <= THRESHOLD)


def test_all_decisions_and_nearest_scores_on_real_rows(real_stream: list[str]) -> None:
    expected = brute_force(real_stream, THRESHOLD)
    judged, added = NoveltyFilter(THRESHOLD), NoveltyFilter(THRESHOLD)
    verdicts = [judged.judge(text) for text in real_stream]
    assert [(v.kept, v.nearest_index, v.nearest_score) for v in verdicts] == expected
    assert [added.add(text) for text in real_stream] == [kept for kept, _, _ in expected]
    assert 300 < sum(not kept for kept, _, _ in expected) < 1400


def test_resuming_from_the_accepted_list_or_a_pickle_changes_no_decision(real_stream: list[str]) -> None:
    stream = real_stream[:2500]
    whole = NoveltyFilter(THRESHOLD)
    decisions = [whole.add(text) for text in stream]
    half = NoveltyFilter(THRESHOLD)
    accepted = [text for text in stream[:1200] if half.add(text)]
    resumed, pickled = NoveltyFilter(THRESHOLD), pickle.loads(pickle.dumps(half))
    for text in accepted:
        resumed.keep(text)
    for novelty in (resumed, pickled):
        assert [novelty.add(text) for text in stream[1200:]] == decisions[1200:]
        assert novelty.nearest(stream[7]) == whole.nearest(stream[7])


# What the pruning leaves


def made_up(count: int) -> list[str]:
    chance = random.Random("made up")
    words = [f"w{int(chance.paretovariate(0.7) * 8) % 5000}" for _ in range(50_000)]
    return [" ".join(chance.choice(words) for _ in range(chance.randrange(6, 15))) for _ in range(count)]


def test_few_pairs_are_left_to_compare() -> None:
    novelty, left = NoveltyFilter(THRESHOLD), Counter[str]()
    for text in made_up(1500):
        row = novelty.pairs_left(text)
        assert list(row.values()) == sorted(row.values(), reverse=True), "each bound leaves fewer"
        assert (row["score above"] == 0) is novelty.add(text)
        left.update(row)
    assert left["share a rare word"] < left["all pairs"] / 5
    assert left["bitmaps allow it"] < left["all pairs"] / 1000


def test_a_threshold_outside_0_to_1_is_refused() -> None:
    for threshold in (-0.1, 1.5, float("nan")):
        with pytest.raises(RecipeError, match="novelty_threshold"):
            NoveltyFilter(threshold)
