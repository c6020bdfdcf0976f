"""The pruning methods that `tickets prune` offers.

To add one, write a function of the type `Method` and give it a line in `METHODS`.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.pruning.magnitude import one_shot
from tickets.pruning.mask import Mask
from tickets.pruning.random import random_mask

Method = Callable[[Mapping[str, Tensor], float, torch.Generator], Mask]
"""(prunable weights float32, sparsity in [0, 1], generator) -> mask of that sparsity over these weights."""


def _magnitude(weights: Mapping[str, Tensor], sparsity: float, generator: torch.Generator) -> Mask:
    return one_shot(weights, sparsity)


def _random(weights: Mapping[str, Tensor], sparsity: float, generator: torch.Generator) -> Mask:
    return random_mask({name: weight.shape for name, weight in weights.items()}, sparsity, generator)


METHODS: dict[str, Method] = {
    "magnitude": _magnitude,
    "random": _random,
}


def method(name: str) -> Method:
    """Look a method up by name, or raise a `TicketsError` that lists the methods and suggests the nearest."""
    if name in METHODS:
        return METHODS[name]
    near = get_close_matches(name, METHODS, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "Choose one of them."
    raise TicketsError(f"method: {name!r} is not one of {', '.join(METHODS)}. {hint}")
