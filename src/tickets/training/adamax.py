"""Adamax without bias correction over one flat parameter vector."""

from collections.abc import Mapping

import torch
from torch import Tensor

from tickets.models.parameters import Parameters
from tickets.training.decay import decay_vector
from tickets.training.recipe import Recipe


class Adamax:
    """Adam with the maximum norm, as MT-DNN has it (spec supertickets section 2.2, O12):

    m <- b1 m + (1 - b1) g;  u <- max(b2 u, |g| + eps);  p <- p - lr (m / (u + eps) + decay p).

    torch.optim.Adamax divides by 1 - b1^k as well, which makes its first step ten times as large.
    """

    def __init__(self, parameters: Parameters, recipe: Recipe) -> None:
        self.flat, self.recipe, self.steps = parameters.flat, recipe, 0
        self.m, self.u = torch.zeros_like(parameters.grad), torch.zeros_like(parameters.grad)
        self.decay = decay_vector(parameters, recipe)
        self._work = torch.empty_like(self.m)

    @property
    def moments(self) -> tuple[Tensor, ...]:
        """Per-element state [total] each."""
        return self.m, self.u

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Update the parameters from their gradients."""
        self.steps += 1
        (b1, b2), eps, grad, work = self.recipe.betas, self.recipe.eps, self.flat.grad, self._work
        assert grad is not None
        self.m.mul_(b1).add_(grad, alpha=1 - b1)
        torch.abs(grad, out=work).add_(eps)
        torch.maximum(self.u.mul_(b2), work, out=self.u)
        torch.div(self.m, torch.add(self.u, eps, out=work), out=work)
        if self.decay is not None:
            work.addcmul_(self.flat, self.decay)
        elif self.recipe.weight_decay:
            work.add_(self.flat, alpha=self.recipe.weight_decay)
        self.flat.add_(work, alpha=-lr)

    def state(self) -> dict[str, Tensor]:
        """Moments and the number of updates made, for a checkpoint or a continued run."""
        return {"m": self.m, "u": self.u, "steps": torch.tensor(self.steps)}

    def restore(self, state: Mapping[str, Tensor], steps: int) -> None:
        """Continue after `steps` updates."""
        self.m.copy_(state["m"])
        self.u.copy_(state["u"])
        self.steps = steps
