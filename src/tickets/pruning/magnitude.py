"""Global magnitude pruning: remove the weights of smallest |w|, all tensors ranked together.

Count and selection are those of `torch.nn.utils.prune.global_unstructured` (spec lth oracles O1, O6), ties included:
85 million float32 weights nearly always tie at the threshold, and torch leaves the choice among equals to `topk` over
the survivors, so the same call decides here, on the CPU for every device. The ranking reads the weights it is given and
the mask, nothing else, so it cannot be stale as torch's can (O5).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.pruning.mask import Mask

ROUNDS = 10


def prune_global(weights: Mapping[str, Tensor], mask: Mask | None, fraction: float) -> Mask:
    """Remove `round(fraction * alive)` of the surviving weights (half to even), those of smallest |w|.

    weights   float32, any device; only entries that `mask` keeps are looked at
    mask      the survivors so far, or None for all; the result is nested in it and has its order
    fraction  of the survivors, a float in [0, 1]; an int is refused, because torch reads it as a count (O7)

    Bit for bit what torch selects; among equal magnitudes the choice is `topk`'s, arbitrary but count-exact and the
    same each time (O8). Raises `TicketsError` on other dtypes (16-bit floats tie by the thousand), on survivors that
    are NaN or infinite, and on a mask for other tensors.
    """
    alive = sum(weight.numel() for weight in weights.values()) if mask is None else mask.kept
    return prune_count(weights, mask, removals(fraction, alive))


def prune_count(weights: Mapping[str, Tensor], mask: Mask | None, count: int) -> Mask:
    """Remove exactly `count` survivors, those of smallest |w|; otherwise like `prune_global`."""
    check_dtypes(weights)
    if mask is None:
        mask = Mask.dense({name: weight.shape for name, weight in weights.items()})
    mask.check_covers({name: weight.shape for name, weight in weights.items()})
    if not 0 <= count <= mask.kept:
        raise TicketsError(f"pruning: cannot remove {count} weights, {mask.kept} are left. Ask for fewer.")
    if count == 0:
        return mask
    kept = mask.flat()
    alive = torch.cat([magnitudes(name, weights[name], keep) for name, keep in mask.items()])
    removed = torch.topk(alive, count, largest=False, sorted=False).indices
    kept[kept.nonzero().squeeze(1)[removed]] = False
    return Mask.from_flat(kept, mask.shapes)


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


def check_dtypes(weights: Mapping[str, Tensor]) -> None:
    """Raise `TicketsError` unless all weights are float32."""
    for name, weight in weights.items():
        if weight.dtype != torch.float32:
            raise TicketsError(
                f"weights: {name} is {weight.dtype}, magnitudes are ranked in float32 only. "
                "Pass the float32 master weights."
            )


def magnitudes(name: str, weight: Tensor, kept: Tensor) -> Tensor:
    """|w| of the survivors of one tensor, on the CPU; `TicketsError` if one is NaN or infinite."""
    alive = weight.detach().cpu()[kept].abs()
    if not bool(torch.isfinite(alive).all()):
        raise TicketsError(
            f"weights: {name} holds NaN or infinity, so its magnitudes have no order. "
            "The training run that made it diverged; start it again from an earlier checkpoint."
        )
    return alive
