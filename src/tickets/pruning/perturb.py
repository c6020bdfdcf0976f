"""Other weights under the same mask: random re-initialisation and shuffling (spec lth section 4.2 and 4.3).

All functions take and return name -> tensor, draw from the generator they are given (a CPU one) and leave
their input alone. Tensors that are not touched are passed on, not copied.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.pruning.prunable import count_layers, layer_names

Weights = Mapping[str, Tensor]


def reinitialise(weights: Weights, std: float, generator: torch.Generator) -> dict[str, Tensor]:
    """theta^r_0: everything drawn anew as a fresh model would be, embeddings and heads included.

    Matrices (Linear and Embedding) N(0, `std`), with `std` the config's `initializer_range`; biases 0;
    LayerNorm (1, 0); integer buffers stay. Tensors that share storage (tied embeddings) go on sharing. The
    draw depends on the names, not on the order of the mapping.
    """
    drawn: dict[tuple[int, torch.Size], Tensor] = {}
    for name in sorted(weights):
        old = weights[name]
        key = (old.data_ptr(), old.shape)
        if key not in drawn:
            drawn[key] = _fresh(name, old, std, generator)
    return {name: drawn[old.data_ptr(), old.shape] for name, old in weights.items()}


def layer_order(n_layers: int, generator: torch.Generator) -> tuple[int, ...]:
    """One permutation pi of the layers, uniform over all but the identity.

    The paper's 12 layers draw the identity never; a 2-layer model would every other time, and nothing would then
    be shuffled. A single layer has no other order.
    """
    while True:
        order = tuple(torch.randperm(n_layers, generator=generator).tolist())
        if n_layers < 2 or order != tuple(range(n_layers)):
            return order


def permute_layers(weights: Weights, order: Sequence[int]) -> dict[str, Tensor]:
    """theta^s_0: layer l receives all six weight matrices of layer `order[l]` (oracle O15).

    Biases, LayerNorms, embeddings, pooler and heads stay where they are.
    """
    n_layers = count_layers(weights)
    if sorted(order) != list(range(n_layers)):
        raise TicketsError(f"layer order {tuple(order)}: not a permutation of the model's {n_layers} layers.")
    moved = dict(weights)
    for layer, source in enumerate(order):
        for target_name, source_name in zip(layer_names(layer), layer_names(source), strict=True):
            moved[target_name] = weights[source_name]
    return moved


def shuffle_layers(weights: Weights, generator: torch.Generator) -> dict[str, Tensor]:
    """`permute_layers` with a permutation drawn by `layer_order`."""
    return permute_layers(weights, layer_order(count_layers(weights), generator))


def shuffle_elements(weights: Weights, generator: torch.Generator) -> dict[str, Tensor]:
    """The other reading of "shuffled": the entries of each layer matrix change places within their tensor.

    It touches the same tensors as `permute_layers`; each gets a permutation of its own.
    """
    mixed = dict(weights)
    for layer in range(count_layers(weights)):
        for name in layer_names(layer):
            flat = weights[name].reshape(-1)
            order = torch.randperm(flat.numel(), generator=generator)
            mixed[name] = flat[order.to(flat.device)].view(weights[name].shape)
    return mixed


def _fresh(name: str, old: Tensor, std: float, generator: torch.Generator) -> Tensor:
    if not old.is_floating_point():
        return old
    if name.endswith("LayerNorm.weight") or name.endswith("layer_norm.weight"):
        return torch.ones_like(old)
    if old.dim() < 2:
        return torch.zeros_like(old)
    return (torch.randn(old.shape, generator=generator) * std).to(old)
