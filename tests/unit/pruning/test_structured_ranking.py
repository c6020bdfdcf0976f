"""Ranking, counts and protection: exact sets (spec supertickets oracles O2, O9, O10, O21)."""

import itertools

import pytest
import torch

from tickets.errors import TicketsError
from tickets.pruning.families import losing, winning
from tickets.pruning.ranking import count_ffns, count_heads, ffn_order, head_order
from tickets.pruning.scores import Scores

BASE, LARGE = (12, 12), (24, 16)
O9_SCORES = torch.tensor([[1, 2, 2, 4], [60, 80, 0, 0], [6 / 1024, 0, 8 / 1024, 0]], dtype=torch.float64)


def removed(mask):
    return {tuple(pair) for pair in (~mask.heads).nonzero().tolist()}


def o9(family, n_heads):
    return removed(family(Scores(O9_SCORES, torch.ones(3)), n_heads, 0))


WINNING = {
    3: {(1, 2), (1, 3), (2, 1)},
    4: {(1, 2), (1, 3), (2, 1), (2, 3)},
    6: {(1, 2), (1, 3), (2, 1), (2, 3), (0, 0), (0, 1)},
    9: {(1, 2), (1, 3), (2, 1), (2, 3), (0, 0), (0, 1), (0, 2), (1, 0), (2, 0)},
}
LOSING = {
    3: {(0, 3), (1, 1), (2, 2)},
    4: {(0, 3), (1, 1), (2, 2), (1, 0)},
    6: {(0, 3), (1, 1), (2, 2), (1, 0), (0, 1), (2, 0)},
    9: {(0, 3), (1, 1), (2, 2), (1, 0), (0, 1), (2, 0), (0, 2), (1, 2), (2, 1)},
}


@pytest.mark.parametrize("n_heads", [3, 4, 6, 9])
def test_o9_exact_sets(n_heads):
    assert o9(winning, n_heads) == WINNING[n_heads]
    assert o9(losing, n_heads) == LOSING[n_heads]


@pytest.mark.parametrize("n_heads", [10, 12, 99])
def test_o9_larger_requests_are_capped(n_heads):
    assert o9(winning, n_heads) == WINNING[9]
    assert o9(losing, n_heads) == LOSING[9]


def test_o9_without_layer_normalisation_the_set_differs():
    raw = [divmod(i, 4) for i in head_order(O9_SCORES)[:6].tolist()]
    assert set(raw) == WINNING[4] | {(0, 0), (2, 0)}
    assert set(raw) != WINNING[6]


def test_o10_ffns():
    scores = torch.tensor([0.5, 0.1, 0.3, 0.1])
    assert ffn_order(scores).tolist() == [1, 3, 2, 0]
    found = Scores(torch.ones(4, 2), scores)
    assert winning(found, 0, 2).ffns.tolist() == [True, False, True, False]
    assert losing(found, 0, 2).ffns.tolist() == [False, True, False, True]
    assert losing(found, 0, 3).ffns.tolist() == [False, True, False, False], "of equals the last goes first"
    assert winning(found, 0, 4).removed_ffns == 4, "no FFN is protected"


def test_of_equal_heads_the_last_is_protected():
    equal = torch.ones(2, 3)
    assert head_order(equal).tolist() == [0, 1, 3, 4]
    assert head_order(equal, losing=True).tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize("family", [winning, losing])
def test_o21_levels_are_nested(family):
    generator = torch.Generator().manual_seed(3)
    scores = Scores(torch.rand(12, 12, generator=generator), torch.rand(12, generator=generator))
    tickets = [family(scores, count_heads(*BASE, k), count_ffns(12, k)) for k in range(9)]
    for larger, smaller in itertools.pairwise(tickets):
        assert smaller.mask().nested_in(larger.mask())
        assert smaller.removed_heads > larger.removed_heads


def test_o2_counts_of_the_levels():
    levels = range(1, 9)
    assert [count_heads(*BASE, k) for k in levels] == [14, 28, 43, 57, 72, 86, 100, 115]
    assert [count_ffns(12, k) for k in levels] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [count_ffns(12, k, "floor") for k in levels] == [1, 2, 3, 4, 6, 7, 8, 9]
    assert [count_heads(*LARGE, k) for k in levels] == [38, 76, 115, 153, 192, 230, 268, 307]
    assert [count_ffns(24, k) for k in levels] == [2, 4, 6, 8, 10, 12, 14, 16]
    assert [count_ffns(24, k, "floor") for k in levels] == [2, 4, 7, 9, 12, 14, 16, 19]
    assert count_heads(*BASE, 0) == count_ffns(12, 0) == 0


def test_o2_base_grid_of_5_percent_and_its_cap():
    grid = [count_heads(*BASE, percent / 10) for percent in range(5, 100, 5)]
    assert grid == [7, 14, 21, 28, 36, 43, 50, 57, 64, 72, 79, 86, 93, 100, 108, 115, 122, 129, 132]
    assert count_heads(*BASE, 10) == 132


def test_o2_large_grids_and_their_cap():
    assert [count_heads(*LARGE, k) for k in (0.5, 3.5, 4)] == [19, 134, 153]
    assert [count_ffns(24, k) for k in (0.5, 3.5, 4)] == [1, 7, 8]
    assert [count_heads(*LARGE, percent / 10) for percent in (90, 92.5, 95, 97.5)] == [345, 355, 360, 360]


def test_levels_are_meant_in_decimal():
    """1000 heads at 2.3 percent are 23; .23 in binary is a little less than 23 hundredths."""
    assert all(count_heads(10, 100, tenths / 100) == tenths for tenths in range(900))


def test_bad_levels_and_rules():
    with pytest.raises(TicketsError, match=r"level: -1 .*0\.\.10"):
        count_heads(12, 12, -1)
    with pytest.raises(TicketsError, match="level: 80"):
        count_ffns(12, 80)
    with pytest.raises(TicketsError, match="release, floor"):
        count_ffns(12, 3, "paper")
    with pytest.raises(TicketsError, match="counts start at 0"):
        winning(Scores(O9_SCORES, torch.ones(3)), -1, 0)
