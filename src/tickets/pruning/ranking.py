"""In which order heads and FFNs go, and how many at a level of sparsity (spec supertickets section 1.3).

Heads and FFNs are ranked in two lists that are never compared with each other.
"""

from fractions import Fraction
from math import floor
from typing import Literal

import torch
from torch import Tensor

from tickets.errors import TicketsError

FfnRule = Literal["release", "floor"]
Level = int | float | Fraction


def head_order(scores: Tensor, *, losing: bool = False, protect: bool = True) -> Tensor:
    """Flat indices (layer * heads + head) int64 in the order in which heads are removed.

    `scores` [layers, heads] are ranked over all layers as they stand: normalise them first. Lowest first, or highest
    first where `losing`; ties fall to the lower layer, then the lower head. In each layer the head that would go last
    (of equals, the one with the highest index) is protected, i.e. not in the list (oracle O9), unless told otherwise.
    """
    width = scores.shape[1]
    order = torch.argsort(scores.flatten(), stable=True, descending=losing)
    if not protect:
        return order
    last = {layer: place for place, layer in enumerate((order // width).tolist())}
    free = torch.ones(len(order), dtype=torch.bool)
    free[list(last.values())] = False
    return order[free]


def ffn_order(scores: Tensor, *, losing: bool = False) -> Tensor:
    """Layers int64 in the order in which their FFNs are removed; none is protected.

    Lowest raw score [layers] first, ties to the lower layer; `losing` is this order backwards (oracle O10).
    """
    order = torch.argsort(scores, stable=True)
    return order.flip(0) if losing else order


def count_heads(layers: int, heads: int, level: Level) -> int:
    """Heads removed at a level, floor(layers * heads * level / 10), at most all but one a layer (oracle O2).

    Level k is 10 k percent; finer grids take fractions, .5 for 5 % and .25 for 2.5 %. Raises `TicketsError` for a
    level outside 0..10.
    """
    wanted = floor(layers * heads * _exact(level) / 10)
    return min(wanted, layers * (heads - 1))


def count_ffns(layers: int, level: Level, rule: FfnRule = "release") -> int:
    """FFNs removed at a level: floor(level * layers / 12) as the paper's code does, or floor(level * layers / 10)."""
    if rule not in ("release", "floor"):
        raise TicketsError(f"FFN rule: {rule!r} is not one of release, floor.")
    return floor(layers * _exact(level) / (12 if rule == "release" else 10))


def _exact(level: Level) -> Fraction:
    """The level as the fraction that was meant: .7 in binary is less, and would lose a head to rounding down."""
    if not 0 <= level <= 10:
        raise TicketsError(f"level: {level} is outside 0..10. Level 3 removes 30 %.")
    return Fraction(level).limit_denominator(1000)
