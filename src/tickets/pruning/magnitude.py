"""Global magnitude pruning: remove the weights of smallest |w|, all tensors ranked together.

The count rule is that of `torch.nn.utils.prune.global_unstructured` (spec lth oracles O1, O6). The ranking
reads the weights it is given and the mask, nothing else, so it cannot be stale as torch's can (O5). Selection
is exact: a non-negative float32 orders like its bit pattern, so two histograms, of the high and of the low 16
bits, give the threshold in one pass each, on any device, without sorting or joining the tensors
(`benchmarks/bench_prune_global.py` compares it with the alternatives).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.pruning.mask import Mask

ROUNDS = 10
_HIGH_BINS = 1 << 15
_LOW_BINS = 1 << 16
_NON_FINITE = 0x7F80  # high half of the bit pattern of infinity; NaN lies above
_DEAD = -1


def prune_global(weights: Mapping[str, Tensor], mask: Mask | None, fraction: float) -> Mask:
    """Remove `round(fraction * alive)` of the surviving weights (half to even), those of smallest |w|.

    weights   float32, any device; only entries that `mask` keeps are looked at
    mask      the survivors so far, or None for all; the result is nested in it and has its order
    fraction  of the survivors, a float in [0, 1]; an int is refused, because torch reads it as a count (O7)

    Without ties this is bit for bit what torch selects; equal magnitudes at the threshold go first to last in
    the order of the mask. Raises `TicketsError` on other dtypes (16-bit floats tie by the thousand, O8), on
    survivors that are NaN or infinite, and on a mask for other tensors.
    """
    alive = sum(weight.numel() for weight in weights.values()) if mask is None else mask.kept
    return prune_count(weights, mask, removals(fraction, alive))


def prune_count(weights: Mapping[str, Tensor], mask: Mask | None, count: int) -> Mask:
    """Remove exactly `count` survivors, those of smallest |w|; otherwise like `prune_global`."""
    _check_dtypes(weights)
    if mask is None:
        mask = Mask.dense({name: weight.shape for name, weight in weights.items()})
    mask.check_covers({name: weight.shape for name, weight in weights.items()})
    if not 0 <= count <= mask.kept:
        raise TicketsError(f"pruning: cannot remove {count} weights, {mask.kept} are left. Ask for fewer.")
    if count == 0:
        return mask
    ranks = {name: _ranks(weights[name], kept) for name, kept in mask.items()}
    threshold, ties = _threshold(ranks, count)
    kept_now: dict[str, Tensor] = {}
    for name, rank in ranks.items():
        if ties:
            first = (rank.view(-1) == threshold).nonzero()[:ties, 0]
            rank.view(-1)[first] = _DEAD
            ties -= len(first)
        kept_now[name] = rank >= threshold
    return Mask(kept_now)


def removals(fraction: float, alive: int) -> int:
    """How many of `alive` weights a fraction removes: `round(fraction * alive)`, half to even, as torch."""
    if isinstance(fraction, int) or not 0.0 <= fraction <= 1.0:
        raise TicketsError(f"fraction to prune: {fraction!r} is not a float in [0, 1]. All weights are 1.0.")
    return round(fraction * alive)


def one_shot(weights: Mapping[str, Tensor], sparsity: float) -> Mask:
    """Remove `round(sparsity * N)` weights of smallest |w| at once (O17); `sparsity` is a float in [0, 1]."""
    return prune_global(weights, None, sparsity)


def imp_fraction(round: int) -> float:
    """The fraction of the survivors that round 0..9 of iterative pruning removes: 1/(10 - round).

    That is 10 % of the original weights each time: sparsities .1, .2, ... 1.0 (spec lth section 2).
    """
    if not 0 <= round < ROUNDS:
        raise TicketsError(f"pruning round: {round} is outside 0..{ROUNDS - 1}; nothing is left to prune.")
    return 1 / (ROUNDS - round)


def _check_dtypes(weights: Mapping[str, Tensor]) -> None:
    for name, weight in weights.items():
        if weight.dtype != torch.float32:
            raise TicketsError(
                f"weights: {name} is {weight.dtype}, magnitudes are ranked in float32 only. "
                "Pass the float32 master weights."
            )


def _ranks(weight: Tensor, kept: Tensor) -> Tensor:
    """int32, of the weight's shape: orders like |w|; `_DEAD`, below every magnitude, where already pruned."""
    bits = weight.detach().abs().contiguous().view(torch.int32)
    return bits.masked_fill_(~kept.to(weight.device), _DEAD)


def _threshold(ranks: Mapping[str, Tensor], count: int) -> tuple[int, int]:
    """The `count`-th smallest rank of the living, and how many at that very rank are among the `count`."""
    high = torch.zeros(_HIGH_BINS, dtype=torch.int64)
    for name, rank in ranks.items():
        found = torch.bincount((rank >> 16).view(-1) + 1, minlength=_HIGH_BINS + 1)[1:].cpu()
        if found[_NON_FINITE:].any():
            raise TicketsError(
                f"weights: {name} holds NaN or infinity, so its magnitudes have no order. "
                "The training run that made it diverged; start it again from an earlier checkpoint."
            )
        high += found
    bin, below = _bin_of(high, count)
    low = torch.zeros(_LOW_BINS, dtype=torch.int64)
    for rank in ranks.values():
        inside = rank[(rank >> 16) == bin] & (_LOW_BINS - 1)
        low += torch.bincount(inside, minlength=_LOW_BINS).cpu()
    last, below_last = _bin_of(low, count - below)
    return (bin << 16) | last, count - below - below_last


def _bin_of(histogram: Tensor, count: int) -> tuple[int, int]:
    """The bin that holds the `count`-th item (from 1), and how many items lie in lower bins."""
    sums = histogram.cumsum(0)
    bin = int(torch.searchsorted(sums, count))
    return bin, int(sums[bin] - histogram[bin])
