"""AdamW over one flat parameter vector."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from tickets.models.parameters import Parameters
from tickets.training.decay import decay_vector
from tickets.training.recipe import Recipe


class AdamW:
    """Decoupled Adam on the flat vector: torch's fused kernel, or the release's order of operations.

    The reference adds eps before the bias correction of the second moment (spec lth O14):
    delta = lr * sqrt(1 - b2^k) / (1 - b1^k) * m / (sqrt(v) + eps).
    """

    def __init__(self, parameters: Parameters, recipe: Recipe) -> None:
        self.flat, self.recipe, self.steps = parameters.flat, recipe, 0
        self.m, self.v = torch.zeros_like(parameters.grad), torch.zeros_like(parameters.grad)
        self.decay = decay_vector(parameters, recipe)
        self._counter = torch.zeros((), device=self.flat.device)

    @property
    def moments(self) -> tuple[Tensor, ...]:
        """Per-element state [total] each."""
        return self.m, self.v

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Update the parameters from their gradients."""
        self.steps += 1
        if self.recipe.optimizer == "adamw":
            self._fused(lr)
        else:
            self._reference(lr)

    def _fused(self, lr: float) -> None:
        """torch.optim.AdamW(fused=True) without the class, whose constructor imports a second's worth of torch."""
        grad = self.flat.grad
        assert grad is not None
        rate = self.recipe.weight_decay
        if self.decay is not None:
            self.flat.addcmul_(self.flat, self.decay, value=-lr)
            rate = 0.0
        adamw(
            [self.flat], [grad], [self.m], [self.v], [], [self._counter],
            fused=True, amsgrad=False, beta1=self.recipe.betas[0], beta2=self.recipe.betas[1], lr=lr,
            weight_decay=rate, eps=self.recipe.eps, maximize=False,
        )  # fmt: skip

    def _reference(self, lr: float) -> None:
        (b1, b2), grad = self.recipe.betas, self.flat.grad
        assert grad is not None
        self.m.mul_(b1).add_(grad, alpha=1 - b1)
        self.v.mul_(b2).addcmul_(grad, grad, value=1 - b2)
        size = lr * math.sqrt(1 - b2**self.steps) / (1 - b1**self.steps)
        self.flat.addcdiv_(self.m, self.v.sqrt().add_(self.recipe.eps), value=-size)
        if self.decay is not None:
            self.flat.addcmul_(self.flat, self.decay, value=-lr)
        elif self.recipe.weight_decay:
            self.flat.mul_(1 - lr * self.recipe.weight_decay)

    def state(self) -> dict[str, Tensor]:
        """Moments and the number of updates made, for a checkpoint or a continued run."""
        return {"m": self.m, "v": self.v, "steps": torch.tensor(self.steps)}

    def restore(self, state: Mapping[str, Tensor], steps: int) -> None:
        """Continue after `steps` updates."""
        self.m.copy_(state["m"])
        self.v.copy_(state["v"])
        self.steps = steps
        self._counter.fill_(steps)
