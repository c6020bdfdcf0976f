"""Random masks: the baseline RP of spec lth section 4.1."""

from math import prod

import torch

from tickets.errors import TicketsError
from tickets.pruning.mask import Mask, Shapes


def random_mask(shapes: Shapes, sparsity: float, generator: torch.Generator) -> Mask:
    """Remove exactly `round(sparsity * N)` of the N weights, every such choice equally likely (oracle O16).

    The choice is made over all tensors together, so what a single tensor loses is hypergeometric. `sparsity`
    lies in [0, 1]; the generator must be a CPU one, so that a seed means the same mask on every machine.
    """
    if not 0.0 <= sparsity <= 1.0:
        raise TicketsError(f"sparsity: {sparsity!r} is not in [0, 1]. It is the fraction of weights removed.")
    total = sum(prod(shape) for shape in shapes.values())
    kept = torch.ones(total, dtype=torch.bool)
    kept[torch.randperm(total, generator=generator)[: round(sparsity * total)]] = False
    return Mask.from_flat(kept, shapes)
