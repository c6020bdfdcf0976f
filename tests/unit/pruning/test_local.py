"""Pruning matrix by matrix: the exact cases of spec tamt section 8."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tickets.errors import TicketsError
from tickets.pruning.local import (
    kth_smallest,
    local_magnitude,
    local_random,
    prune_each,
    prune_local,
    smallest,
    zeros_of,
)
from tickets.pruning.magnitude import imp_fraction
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import prunable_count, prunable_shapes

BERT = (768, 3072, 12)

# n, s, floor(n s): the table of spec tamt section 1.4
COUNTS = [
    (589824, 0.5, 294912),
    (589824, 0.6, 353894),
    (589824, 0.7, 412876),
    (589824, 0.8, 471859),
    (589824, 0.9, 530841),
    (2359296, 0.6, 1415577),
    (2359296, 0.7, 1651507),
    (2359296, 0.8, 1887436),
    (2359296, 0.9, 2123366),
    (23440896, 0.6, 14064537),
    (23440896, 0.7, 16408627),
    (23440896, 0.8, 18752716),
    (38603520, 0.7, 27022464),
]


@pytest.mark.parametrize(("n", "sparsity", "zeros"), COUNTS)
def test_counts_of_section_1(n, sparsity, zeros):
    assert zeros_of(n, sparsity) == zeros


def test_counts_are_of_decimals_not_of_floats():
    # In floats .29 * 100 is 28.999999999999996.
    assert zeros_of(100, 0.29) == 29
    assert [zeros_of(10, s / 10) for s in range(10)] == list(range(10))
    for bad in (-0.1, 1, 1.0, 70):
        with pytest.raises(TicketsError, match=r"is not in \[0, 1\)"):
            zeros_of(10, bad)


def zeros_in(vocab, sparsity, pooler):
    shapes = prunable_shapes(*BERT, pooler, vocab)
    return sum(zeros_of(rows * columns, sparsity) for rows, columns in shapes.values())


def test_o16_exact_sparsities_of_both_models():
    levels = (0.5, 0.6, 0.7, 0.8, 0.9)
    without = [54_187_776, 65_025_297, 75_862_843, 86_700_412, 97_537_958]
    pooled = [54_482_688, 65_379_191, 76_275_719, 87_172_271, 98_068_799]
    assert [zeros_in(30522, s, False) for s in levels] == without
    assert [zeros_in(30522, s, True) for s in levels] == pooled
    assert [zeros_in(50265, s, False) for s in (0.3, 0.7)] == [37_061_424, 86_476_680]
    assert prunable_count(*BERT, False, 30522) == 108_375_552
    assert prunable_count(*BERT, True, 30522) == 108_965_376
    assert prunable_count(*BERT, False, 50265) == 123_538_176
    assert prunable_count(*BERT, True, 50265) == 124_128_000


def test_o6_magnitude():
    mask = local_magnitude({"w": torch.tensor([[0.1, -0.4], [0.3, -0.2]])}, 0.5)
    assert mask["w"].tolist() == [[False, True], [True, False]]


def test_o6_kept_are_those_of_largest_magnitude(tiny_weights):
    mask = local_magnitude(tiny_weights, 0.7)
    for name, weight in tiny_weights.items():
        n = weight.numel()
        top = weight.abs().flatten().topk(n - zeros_of(n, 0.7)).indices
        assert mask[name].sum() == n - zeros_of(n, 0.7)
        assert set(mask[name].flatten().nonzero().flatten().tolist()) == set(top.tolist())


def test_o7_local_not_global():
    weights = {"a": torch.tensor([1.0, 2, 3, 4]), "b": torch.tensor([0.1, 0.2, 0.3, 0.4])}
    assert local_magnitude(weights, 0.5).kept_per_tensor() == {"a": 2, "b": 2}


def test_o10_cumulative_zeros_of_imp(generator):
    wanted = {
        100: [10, 20, 30, 40, 50, 60, 70, 80, 90],
        64: [6, 12, 18, 25, 31, 38, 44, 51, 57],
        589824: [58982, 117964, 176946, 235929, 294911, 353894, 412876, 471859, 530841],
    }
    mask, chain = None, []
    for round in range(9):
        # Weights move between the prunings, as they do in training.
        weights = {str(n): torch.randn(n, generator=generator) for n in wanted}
        mask = prune_local(weights, mask, imp_fraction(round))
        chain.append(mask)
    for n, zeros in wanted.items():
        assert [int((~mask[str(n)]).sum()) for mask in chain] == zeros
    for denser, sparser in pairwise(chain):
        assert sparser.nested_in(denser)


def test_imp_ranks_the_survivors_by_current_magnitude():
    weights = {"w": torch.tensor([5.0, -1.0, 3.0, -2.0])}
    mask = Mask({"w": torch.tensor([True, False, True, True])})
    assert prune_local(weights, mask, 1 / 3)["w"].tolist() == [True, False, True, False]


def test_equal_magnitudes_go_in_order_of_place():
    weights = {"w": torch.tensor([[1.0, -1.0, 1.0], [0.5, 1.0, 1.0]])}
    assert local_magnitude(weights, 0.5)["w"].tolist() == [[False, False, True], [False, True, True]]
    mask = Mask({"w": torch.tensor([[False, True, True], [True, True, True]])})
    assert prune_each(weights, mask, {"w": 3})["w"].tolist() == [[False, False, False], [False, True, True]]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40), st.integers(0, 40))
def test_smallest_is_the_head_of_a_stable_argsort(values, k):
    k, tensor = min(k, len(values)), torch.tensor(values, dtype=torch.float32)
    expected = torch.zeros(len(values), dtype=torch.bool)
    expected[tensor.argsort(stable=True)[:k]] = True
    assert torch.equal(smallest(tensor, k), expected)
    if k:
        assert kth_smallest(tensor, k) == sorted(values)[k - 1]
    else:
        assert kth_smallest(tensor, k) == float("-inf")


def test_smallest_of_a_transposed_view():
    values = torch.arange(6.0).view(2, 3).t()
    assert smallest(values, 2).tolist() == [[True, False], [True, False], [False, False]]


def test_random_masks_have_exact_counts_in_every_matrix(tiny_shapes):
    draw = lambda seed: local_random(tiny_shapes, 0.7, torch.Generator().manual_seed(seed))  # noqa: E731
    mask = draw(1)
    for name, (rows, columns) in tiny_shapes.items():
        assert (~mask[name]).sum() == zeros_of(rows * columns, 0.7)
    assert list(mask) == list(tiny_shapes)
    assert mask == draw(1)
    assert mask != draw(2)


def test_random_masks_hit_every_place_alike():
    generator = torch.Generator().manual_seed(3)
    hits = (
        torch.stack([~local_random({"w": (2, 5)}, 0.3, generator)["w"] for _ in range(2000)]).float().mean(0)
    )
    assert (hits - 0.3).abs().max() < 0.05


def test_what_has_no_order_is_refused():
    with pytest.raises(TicketsError, match="NaN or infinity"):
        local_magnitude({"w": torch.tensor([1.0, float("nan")])}, 0.5)
    with pytest.raises(TicketsError, match="float32 only"):
        local_magnitude({"w": torch.ones(4, dtype=torch.float16)}, 0.5)
    with pytest.raises(TicketsError, match="shape"):
        prune_local({"w": torch.ones(4)}, Mask({"w": torch.ones(5, dtype=torch.bool)}), 0.5)
