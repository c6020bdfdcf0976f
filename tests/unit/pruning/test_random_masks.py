from math import sqrt

import pytest
import torch

from tickets.errors import TicketsError
from tickets.pruning.overlap import null_jaccard, overlap
from tickets.pruning.prunable import prunable_shapes
from tickets.pruning.random import random_mask


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 0.12345])
def test_o16_exactly_that_many_zeros(tiny_shapes, generator, sparsity):
    mask = random_mask(tiny_shapes, sparsity, generator)
    assert mask.total - mask.kept == round(sparsity * 8800)
    assert mask.shapes == tiny_shapes


@pytest.mark.parametrize("sparsity", [0.3, 0.7])
def test_o16_tensors_lose_hypergeometric_shares(generator, sparsity):
    shapes = prunable_shapes(64, 256, 4)
    mask = random_mask(shapes, sparsity, generator)
    for name, kept in mask.kept_per_tensor().items():
        size = shapes[name][0] * shapes[name][1]
        sigma = sqrt(size * sparsity * (1 - sparsity) * (mask.total - size) / (mask.total - 1))
        assert abs((size - kept) - sparsity * size) < 5 * sigma
    lost = {size - kept for size, kept in zip([64 * 64] * 4, mask.kept_per_tensor().values(), strict=False)}
    assert len(lost) > 1, "equal shares would be pruning per tensor, not global"


@pytest.mark.parametrize("sparsity", [0.5, 0.7])
def test_o16_two_draws_overlap_by_chance(generator, sparsity):
    shapes = prunable_shapes(64, 256, 4)
    a, b = (random_mask(shapes, sparsity, generator) for _ in range(2))
    assert overlap(a, b).kept_jaccard == pytest.approx(null_jaccard(1 - sparsity), abs=0.01)


def test_every_position_is_hit_equally_often(generator):
    hits = sum(random_mask({"a": (2, 3), "b": (4,)}, 0.3, generator).flat().int() for _ in range(4000))
    expected, sigma = 2800, sqrt(4000 * 0.7 * 0.3)
    assert bool(((hits - expected).abs() < 5 * sigma).all())


def test_the_seed_decides(tiny_shapes):
    first, again, other = (
        random_mask(tiny_shapes, 0.5, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize("sparsity", [-0.1, 1.01, float("nan")])
def test_sparsity_outside_the_unit_interval(tiny_shapes, generator, sparsity):
    with pytest.raises(TicketsError, match="fraction of weights removed"):
        random_mask(tiny_shapes, sparsity, generator)
