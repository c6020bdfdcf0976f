"""In which order heads and FFNs go, and how many at a level of sparsity (spec supertickets section 1.3).

Heads and FFNs are ranked in two lists that are never compared with each other.
"""

import torch
from torch import Tensor

from tickets.pruning.counts import FfnRule, Level, count_ffns, count_heads

__all__ = ["FfnRule", "Level", "count_ffns", "count_heads", "ffn_order", "head_order"]


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
