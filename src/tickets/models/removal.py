"""Attention heads and FFNs that do not exist: the weights of the reduced model, and back (spec supertickets 1.1)."""

from collections.abc import Mapping

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.models.encoder import Gates
from tickets.models.layout import check_fit, check_structure, encoder_shapes
from tickets.pruning.structured import StructuredMask

Kept = tuple[int, Tensor]
"""A dimension, and the indices along it that a structure keeps (int64)."""


def cut(body: Mapping[str, Tensor], config: EncoderConfig, structure: StructuredMask) -> dict[str, Tensor]:
    """Copies of what `structure` keeps of a full θ, for `Model(config, ..., structure=structure)`.

    The reduced model computes what the full one does with `gates(structure)`. Raises `TicketsError` if `body` or
    `structure` is not of this architecture.
    """
    check_fit(body, encoder_shapes(config))
    kept, reduced = _kept(config, structure), {}
    for name in encoder_shapes(config, structure):
        tensor = body[name].detach()
        dim, index = kept.get(name, (0, None))
        reduced[name] = tensor.clone() if index is None else tensor.index_select(dim, index.to(tensor.device))
    return reduced


def restore(
    reduced: Mapping[str, Tensor],
    full: Mapping[str, Tensor],
    config: EncoderConfig,
    structure: StructuredMask,
) -> dict[str, Tensor]:
    """A copy of `full` with the weights of the reduced model in their places; the inverse of `cut`.

    Removed places keep the values of `full`. With zeros there, a plain BERT computes what the reduced model does:
    a head without output columns, and an FFN without output weights and bias, add nothing. Raises `TicketsError`
    if `reduced`, `full` or `structure` is not of this architecture.
    """
    check_fit(full, encoder_shapes(config))
    check_fit(reduced, encoder_shapes(config, structure))
    kept = _kept(config, structure)
    whole = {name: tensor.detach().clone() for name, tensor in full.items()}
    for name, tensor in reduced.items():
        dim, index = kept.get(name, (0, None))
        place, values = whole[name], tensor.detach().to(whole[name])
        if index is None:
            place.copy_(values)
        else:
            place.index_copy_(dim, index.to(place.device), values)
    return whole


def gates(
    structure: StructuredMask,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    within: StructuredMask | None = None,
) -> Gates:
    """0/1 gates under which a full model computes what `structure` keeps; removed FFNs are skipped.

    `within`: for a model from which all but these heads and FFNs were removed (tasks that share the union of their
    tickets). Raises `TicketsError` if that model lacks something that `structure` keeps.
    """
    skipped = frozenset((~structure.ffns).nonzero().flatten().tolist())
    ffns = structure.ffns.to(device, dtype)
    if within is None:
        return Gates(structure.heads.to(device, dtype), ffns, skipped)
    if structure.heads.shape != within.heads.shape or structure | within != within:
        raise TicketsError(
            "structured mask: it keeps heads or FFNs that the model does not have. Reduce the model to the "
            "union of the masks it is used with."
        )
    rows = zip(structure.heads, within.heads, strict=True)
    return Gates([own[there].to(device, dtype) for own, there in rows], ffns, skipped)


def _kept(config: EncoderConfig, structure: StructuredMask) -> dict[str, Kept]:
    """The matrices and biases of which a part goes: rows of query, key and value, columns of the output."""
    check_structure(config, structure)
    kept: dict[str, Kept] = {}
    for layer, heads in enumerate(structure.heads):
        index = heads.cpu().repeat_interleave(config.head_size).nonzero().flatten()
        at = f"encoder.layer.{layer}.attention."
        for part in ("query", "key", "value"):
            kept |= {f"{at}self.{part}.{kind}": (0, index) for kind in ("weight", "bias")}
        kept[f"{at}output.dense.weight"] = (1, index)
    return kept
