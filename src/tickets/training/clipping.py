"""Limits on the length of the gradient."""

import torch
from torch import Tensor

from tickets.models.parameters import Parameters
from tickets.training.recipe import Recipe

# torch's clip_grad_norm_ adds it to the norm.
GUARD = 1e-6


def clip_gradients(parameters: Parameters, recipe: Recipe) -> None:
    """Clip in place as the recipe says: the whole gradient, or each tensor by itself (spec tamt section 1.12)."""
    if recipe.clip_scope == "all":
        clip_(parameters.grad, recipe.clip)
    else:
        spans = parameters.spans.values()
        clip_each_([parameters.grad[span.start : span.stop] for span in spans], recipe.clip)


def clip_(grad: Tensor, limit: float) -> None:
    """Scale the flat gradient to norm `limit` if it is longer, as `clip_grad_norm_` does over all parameters."""
    norm = torch.linalg.vector_norm(grad)
    grad.mul_(torch.clamp(limit / (norm + GUARD), max=1.0))


def clip_each_(grads: list[Tensor], limit: float) -> None:
    """Scale every gradient that is longer than `limit` to that norm, as `clip_grad_norm_` on each by itself does."""
    norms = torch.stack(torch._foreach_norm(grads))
    scales = torch.clamp(limit / (norms + GUARD), max=1.0)
    torch._foreach_mul_(grads, list(scales.unbind()))
