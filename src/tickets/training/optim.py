"""Optimizers over one flat parameter vector, chosen by the recipe.

Every element takes part in every step, with a zero gradient where the loss does not reach it (another task's head,
a gated FFN), and one counter of steps serves all. That is the reference's behaviour; per-tensor optimizers of
modern torch skip such parameters (spec supertickets sections 3.3 and 9.B10).
"""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor, nn

from tickets.models.parameters import Parameters
from tickets.training.adamax import Adamax
from tickets.training.adamw import AdamW
from tickets.training.bertadam import BertAdam
from tickets.training.recipe import Recipe


class Optimizer(Protocol):
    """Updates `flat` from its gradient; `m` is the first moment, `moments` all per-element state."""

    flat: nn.Parameter
    m: Tensor
    steps: int

    @property
    def moments(self) -> tuple[Tensor, ...]:
        """Per-element state [total] each."""
        ...

    def step(self, lr: float) -> None:
        """Update the parameters from their gradients."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Moments and the number of updates made, for a checkpoint or a continued run."""
        ...

    def restore(self, state: Mapping[str, Tensor], steps: int) -> None:
        """Continue after `steps` updates."""
        ...


def optimizer_for(parameters: Parameters, recipe: Recipe) -> Optimizer:
    """The optimizer a recipe names."""
    if recipe.optimizer == "adamax":
        return Adamax(parameters, recipe)
    return (BertAdam if recipe.optimizer == "bertadam" else AdamW)(parameters, recipe)
