"""Steps: exactly `batch_size` rows each, each row once an epoch, spread evenly over processes."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpaca_nb.finetuning.loop import learning_rate_at
from alpaca_nb.finetuning.plan import number_of_steps, rows_of_step, spread


@given(st.integers(1, 60), st.integers(1, 80), st.integers(1, 4), st.integers(0, 9))
def test_steps_are_full_and_rows_come_once_an_epoch(rows: int, batch_size: int, epochs: int, seed: int) -> None:
    steps = [rows_of_step(k, rows, batch_size, seed) for k in range(number_of_steps(rows, epochs, batch_size))]
    assert all(len(step) == batch_size for step in steps)
    seen = [row for step in steps for row in step]
    assert len(seen) > rows * epochs - batch_size
    for epoch in range(0, len(seen), rows):
        assert max(Counter(seen[epoch : epoch + rows]).values()) == 1


def test_the_order_follows_seed_and_epoch() -> None:
    first, again, other_seed = (rows_of_step(0, 50, 50, seed) for seed in (1, 1, 2))
    assert first == again and first != other_seed and first != rows_of_step(1, 50, 50, 1)


@given(st.integers(1, 60_000), st.integers(1, 200), st.integers(1, 12), st.floats(0.001, 12))
def test_whole_epochs_take_whole_batches_and_fractions_lie_between(
    rows: int, batch_size: int, epochs: int, fraction: float
) -> None:
    assert number_of_steps(rows, epochs, batch_size) == rows * epochs // batch_size
    assert number_of_steps(rows, float(epochs), batch_size) == rows * epochs // batch_size
    between = number_of_steps(rows, fraction, batch_size)
    assert number_of_steps(rows, int(fraction), batch_size) <= between
    assert between <= number_of_steps(rows, int(fraction) + 1, batch_size)


def test_a_fraction_of_an_epoch_is_rounded_up_to_a_step() -> None:
    assert [number_of_steps(100, epochs, 10) for epochs in (0.25, 0.5, 0.51, 1.01)] == [3, 5, 6, 11]
    assert number_of_steps(300, 0.1, 10) == 3  # though 300 x 0.1 is a little more as a float
    assert number_of_steps(768, 0.25, 24) == 8 and number_of_steps(35, 0.99, 10) == 3


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 5), st.integers(10, 120))
def test_spread_places_every_row_once_within_the_limit(lengths: list[int], processes: int, max_tokens: int) -> None:
    plan = spread(range(len(lengths)), lengths, processes, max_tokens)
    assert all(len(micro_batch) == processes for micro_batch in plan)
    bins = [one for micro_batch in plan for one in micro_batch]
    assert sorted(row for one in bins for row in one) == list(range(len(lengths)))
    for one in bins:
        assert sum(lengths[row] for row in one) <= max_tokens or len(one) == 1


def test_spread_balances_and_leaves_a_bin_empty_only_without_rows() -> None:
    assert spread([0, 1, 2, 3], [9, 5, 4, 2], 2, 100) == [[[0, 3], [1, 2]]]  # 11 and 9 tokens
    assert spread([0], [9], 3, 100) == [[[0], [], []]]


def test_the_rate_rises_then_falls_like_a_cosine() -> None:
    rates = [learning_rate_at(step, 12, 2, 1.0) for step in range(12)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[7] == pytest.approx(0.5) and rates[1:] == sorted(rates[1:], reverse=True) and 0 < rates[-1] < 0.03
