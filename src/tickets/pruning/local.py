"""Pruning one matrix at a time, each to the same share (spec tamt sections 1.2, 1.4, 2.2, 2.3).

Nothing is left to the arithmetic of floats or to a sorting kernel: counts are exact in decimals, and among equal values
those that come first in the matrix go first, on every device.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import prod

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.pruning.magnitude import check_dtypes, magnitudes, removals
from tickets.pruning.mask import Mask, Shapes


def zeros_of(n: int, sparsity: float) -> int:
    """How many of `n` weights go at a sparsity in [0, 1): floor(n * s), exact in the decimals of `s`."""
    if not 0 <= sparsity < 1:
        raise TicketsError(
            f"sparsity: {sparsity!r} is not in [0, 1). It is the fraction of each matrix removed."
        )
    return int(n * Fraction(str(sparsity)))


def kth_smallest(values: Tensor, k: int) -> Tensor:
    """The k-th smallest of `values` (0-d, k from 1); -inf for k = 0, which nothing lies below."""
    if k == 0:
        return values.new_full((), float("-inf"))
    flat = values.detach().flatten()
    # On a GPU kthvalue has one block of threads for the whole vector, and no deterministic mode.
    return flat.sort().values[k - 1] if flat.is_cuda else flat.kthvalue(k).values


def smallest(values: Tensor, k: int) -> Tensor:
    """Which are the k smallest, equal ones by their place in the flattened tensor: bool, of the shape of `values`.

    The first k of a stable argsort (spec tamt O5), without sorting.
    """
    flat = values.detach().flatten()
    threshold = kth_smallest(flat, k)
    chosen = flat < threshold
    equal = (flat == threshold).nonzero().squeeze(1)
    chosen[equal[: k - int(chosen.sum())]] = True
    return chosen.view(values.shape)


def local_magnitude(weights: Mapping[str, Tensor], sparsity: float) -> Mask:
    """Remove the floor(n * s) weights of smallest |w| from each matrix of n: the baseline OMP (spec tamt 1.4, O6, O16).

    Raises `TicketsError` on dtypes other than float32 and on weights without order (NaN, infinity).
    """
    return prune_each(weights, None, {n: zeros_of(w.numel(), sparsity) for n, w in weights.items()})


def local_random(shapes: Shapes, sparsity: float, generator: torch.Generator) -> Mask:
    """Remove floor(n * s) weights of each matrix of n, every such choice equally likely (spec tamt 1.5, 2.2).

    The generator must be a CPU one, so that a seed means the same mask on every machine.
    """
    kept: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        flat = torch.ones(prod(shape), dtype=torch.bool)
        flat[torch.randperm(len(flat), generator=generator)[: zeros_of(len(flat), sparsity)]] = False
        kept[name] = flat.view(tuple(shape))
    return Mask(kept)


def prune_local(weights: Mapping[str, Tensor], mask: Mask | None, fraction: float) -> Mask:
    """Remove a fraction of what is left of each matrix, the smallest |w|: a step of IMP (spec tamt 2.3, O10).

    The count is `round(fraction * alive)`, half to even, as `magnitude.removals` has it. `mask` holds the survivors
    so far, or None for all; the result is nested in it. Raises `TicketsError` as `prune_global` does.
    """
    alive = {n: w.numel() for n, w in weights.items()} if mask is None else mask.kept_per_tensor()
    return prune_each(weights, mask, {name: removals(fraction, count) for name, count in alive.items()})


def prune_each(weights: Mapping[str, Tensor], mask: Mask | None, counts: Mapping[str, int]) -> Mask:
    """Remove exactly `counts[name]` survivors of each matrix, those of smallest |w|."""
    check_dtypes(weights)
    if mask is None:
        mask = Mask.dense({name: weight.shape for name, weight in weights.items()})
    mask.check_covers({name: weight.shape for name, weight in weights.items()})
    smaller: dict[str, Tensor] = {}
    for name, kept in mask.items():
        places = kept.flatten().nonzero().squeeze(1)
        gone = smallest(magnitudes(name, weights[name], kept), counts[name])
        kept.view(-1)[places[gone]] = False
        smaller[name] = kept
    return Mask(smaller)
