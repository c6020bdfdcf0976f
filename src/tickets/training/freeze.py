"""Steps that must not touch part of the model: tickets that share weights, updated strictly."""

import torch
from torch import Tensor

from tickets.models.layout import encoder_shapes
from tickets.models.model import Model
from tickets.models.removal import cut, restore
from tickets.pruning.structured import StructuredMask
from tickets.training.optim import Optimizer


def structure_keep(model: Model, structure: StructuredMask) -> Tensor:
    """Which elements of the model's flat vector a ticket has: bool [total] on its device, heads γ included.

    What `structure` removes are the query, key and value rows (weights and biases) of a head, its columns of the
    output projection, and both matrices and biases of an FFN: the elements that get no gradient under its gates
    (spec supertickets section 1.1, O8). The model may itself be reduced, e.g. to the union of several tickets.
    Raises `TicketsError` for a structure of another architecture.
    """
    own = {n: torch.ones(s, dtype=torch.bool) for n, s in encoder_shapes(model.config, structure).items()}
    none = {n: torch.zeros(s, dtype=torch.bool) for n, s in encoder_shapes(model.config).items()}
    kept = restore(own, none, model.config, structure)
    if model.structure is not None:
        kept = cut(kept, model.config, model.structure)
    parts = [
        kept[name].flatten() if name in kept else torch.ones(span.stop - span.start, dtype=torch.bool)
        for name, span in model.parameters.spans.items()
    ]
    return torch.cat(parts).to(model.device)


class StepWithin:
    """Steps that leave parameters and moments as they are, bit for bit, outside a ticket.

    Without it momentum and weight decay move elements whose gradient is zero (spec supertickets section 3.3,
    `strict` against `ref`).
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self._tensors = (optimizer.flat.data, *optimizer.moments)
        self._before = tuple(torch.empty_like(tensor) for tensor in self._tensors)

    @torch.no_grad()
    def step(self, lr: float, keep: Tensor | None) -> None:
        """One step of the optimizer that writes only where `keep` (bool [total]) is True; None: everywhere."""
        if keep is None:
            self.optimizer.step(lr)
            return
        pairs = tuple(zip(self._tensors, self._before, strict=True))
        for now, then in pairs:
            then.copy_(now)
        self.optimizer.step(lr)
        for now, then in pairs:
            torch.where(keep, now, then, out=now)
