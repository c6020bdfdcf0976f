"""Which elements of the flat vector weight decay pulls on."""

import torch
from torch import Tensor

from tickets.models.parameters import Parameters
from tickets.training.recipe import Recipe


def is_weight(name: str) -> bool:
    """Whether a parameter is neither a bias nor part of a LayerNorm."""
    return not name.endswith("bias") and "layernorm" not in name.lower().replace("_", "")


def decay_vector(parameters: Parameters, recipe: Recipe) -> Tensor | None:
    """Decay of every element [total], or None where one number serves all (`decay: all`, or no decay).

    `decay: weights` spares biases and LayerNorms, those of the embeddings and of the heads included (spec
    supertickets section 2.1).
    """
    if recipe.decay == "all" or not recipe.weight_decay:
        return None
    decay = torch.zeros_like(parameters.grad)
    for name, span in parameters.spans.items():
        if is_weight(name):
            decay[span.start : span.stop] = recipe.weight_decay
    return decay
