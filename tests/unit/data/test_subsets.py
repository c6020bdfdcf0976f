from itertools import pairwise

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from tickets.data.encoded import Split
from tickets.data.sizes import OFFICIAL_ROWS
from tickets.data.subsets import few_rows, subset_rows, training_subset
from tickets.errors import TicketsError

PERCENT = st.decimals(min_value="0.001", max_value=100, places=3).map(float)

# Spec supertickets section 4.1.
SIZES = {"snli": (549, 5_493, 54_936, 549_367), "scitail": (23, 235, 2_359, 23_596)}


@pytest.mark.parametrize("task", SIZES)
def test_subsets_have_the_sizes_of_table_4_and_lie_within_each_other(task):
    parts = [set(subset_rows(OFFICIAL_ROWS[task]["train"], p, task).tolist()) for p in (0.1, 1, 10, 100)]
    assert tuple(map(len, parts)) == SIZES[task]
    assert all(small < large for small, large in pairwise(parts))


@given(st.integers(1, 500), PERCENT, PERCENT, st.integers(0, 5))
@example(1, 0.001, 100.0, 0)
def test_subsets_are_nested_without_repeats_and_in_order(n, one, other, seed):
    small, large = (subset_rows(n, p, "mnli", seed).tolist() for p in sorted((one, other)))
    assert set(small) <= set(large)
    for rows in (small, large):
        assert rows == sorted(set(rows))
        assert 1 <= len(rows) <= n
        assert set(rows) <= set(range(n))


@given(st.integers(1, 10_000).map(lambda k: 1000 * k))
def test_sizes_are_exact_in_decimal_digits(n):
    assert len(subset_rows(n, 0.1, "rte")) == n // 1000
    assert len(subset_rows(n, 0.7, "rte")) == 7 * (n // 1000)


def test_subsets_are_uniform():
    """Over seeds every row is drawn equally often: chi-square of 2,000 draws of 10 from 50 (99.9 % point 85.4)."""
    counts = torch.zeros(50)
    for seed in range(2000):
        counts[subset_rows(50, 20, "rte", seed)] += 1
    # Within a draw rows exclude each other, which narrows the spread by 1 - 10/50.
    assert ((counts - 400) ** 2 / (400 * 0.8)).sum() < 85.4 * 50 / 49


def test_subsets_differ_by_task_and_seed_only():
    assert torch.equal(subset_rows(1000, 10, "mnli"), subset_rows(1000, 10, "mnli"))
    assert not torch.equal(subset_rows(1000, 10, "mnli"), subset_rows(1000, 10, "snli"))
    assert not torch.equal(subset_rows(1000, 10, "mnli"), subset_rows(1000, 10, "mnli", seed=14))


@pytest.mark.parametrize("percent", [0, -1, 100.1, float("nan")])
def test_a_share_that_is_none_is_refused(percent):
    with pytest.raises(TicketsError, match="give a number above 0, up to 100"):
        subset_rows(100, percent, "mnli")


def test_a_training_subset_keeps_rows_whole():
    ids = torch.arange(40, dtype=torch.int32).reshape(20, 2)
    split = Split(ids, torch.zeros(20, 2, dtype=torch.uint8), torch.full((20,), 2), labels=torch.arange(20))
    part = training_subset(split, 25, "mnli")
    assert len(part) == 5
    assert torch.equal(part.ids, ids[part.labels])
    assert torch.equal(part.labels, subset_rows(20, 25, "mnli"))
    assert training_subset(split, 100, "mnli") is split


@given(st.integers(1, 400), st.data(), st.integers(1, 5))
def test_few_examples_are_as_many_as_asked_for_without_repeats(total, data, seed):
    small, large = sorted(data.draw(st.tuples(st.integers(1, total), st.integers(1, total))))
    one, other = (few_rows(total, n, "cola", seed).tolist() for n in (small, large))
    for rows, n in ((one, small), (other, large)):
        assert rows == sorted(set(rows))
        assert len(rows) == n
        assert set(rows) <= set(range(total))
    assert set(one) <= set(other)


def test_few_examples_differ_by_seed_and_task_only():
    assert torch.equal(few_rows(8551, 1000, "cola", 1), few_rows(8551, 1000, "cola", 1))
    draws = {
        tuple(few_rows(8551, 1000, task, seed).tolist()) for task in ("cola", "sst-2") for seed in range(1, 6)
    }
    assert len(draws) == 10
    first, second = (set(few_rows(8551, 1000, "cola", seed).tolist()) for seed in (1, 2))
    assert 60 < len(first & second) < 180  # chance: 117


def test_few_examples_are_uniform():
    """Chi-square of 2,000 draws of 10 from 50, as above."""
    counts = torch.zeros(50)
    for seed in range(2000):
        counts[few_rows(50, 10, "rte", seed)] += 1
    assert ((counts - 400) ** 2 / (400 * 0.8)).sum() < 85.4 * 50 / 49


@pytest.mark.parametrize("n", [0, -1, 101])
def test_more_examples_than_there_are_are_refused(n):
    with pytest.raises(
        TicketsError, match=rf"cola: {n} training examples are asked for, there are 100; give a number"
    ):
        few_rows(100, n, "cola", 1)
