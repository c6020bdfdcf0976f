"""Names and shapes of every parameter, in the order in which they lie in one flat vector.

Names are Hugging Face's, without the model prefix. The prunable matrices come first, in the order of spec lth
oracle O4, so that a mask over them is a prefix of the vector; query, key and value of a layer are neighbours, so
that one view of the vector is the fused projection. What a structured mask removes is left out: matrices become
narrower, and those of which nothing is left have no name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.pruning import prunable
from tickets.pruning.structured import StructuredMask

Shape = tuple[int, ...]


def prunable_shapes(
    config: EncoderConfig,
    pooler: bool = True,
    structure: StructuredMask | None = None,
    *,
    words: bool = False,
) -> dict[str, Shape]:
    """The 6 L + 1 weight matrices of spec lth section 2; BERT-base: 73 tensors, 85,524,480 weights.

    With `words` the table of word embeddings follows (spec tamt section 1.2). In a model's flat vector it does so too.
    With a `structure`, a layer of n heads has [n d_h, d] for query, key and value and [d, n d_h] behind them (none
    of the four without heads), and a removed FFN has no matrix. Raises `TicketsError` if it is of another shape.
    """
    vocab = config.vocab_size if words else None
    sizes = (config.hidden_size, config.intermediate_size, config.layers)
    full = prunable.prunable_shapes(*sizes, pooler, vocab)
    if structure is None:
        return dict(full)
    check_structure(config, structure)
    shapes: dict[str, Shape] = dict(full)
    for layer in range(config.layers):
        *inputs, output, up, down = prunable.layer_names(layer)
        width = int(structure.heads[layer].sum()) * config.head_size
        shapes |= dict.fromkeys(inputs, (width, config.hidden_size))
        shapes[output] = (config.hidden_size, width)
        gone = ([] if width else [*inputs, output]) + ([] if structure.ffns[layer] else [up, down])
        for name in gone:
            del shapes[name]
    return shapes


def check_structure(config: EncoderConfig, structure: StructuredMask) -> None:
    """Raise `TicketsError` unless the mask is over this model's layers and heads."""
    if tuple(structure.heads.shape) != (config.layers, config.heads):
        raise TicketsError(
            f"structured mask: it is over {list(structure.heads.shape)} [layers, heads], the model has "
            f"[{config.layers}, {config.heads}]. Use a mask that was made for this model."
        )


def encoder_shapes(config: EncoderConfig, structure: StructuredMask | None = None) -> dict[str, Shape]:
    """Every parameter of the encoder with its pooler, prunable ones first; `structure` as in `prunable_shapes`.

    The attention output's bias and the LayerNorms stay whatever is removed (spec supertickets section 1.1).
    """
    d = config.hidden_size
    shapes = prunable_shapes(config, structure=structure, words=True)
    shapes["embeddings.position_embeddings.weight"] = (config.max_positions, d)
    shapes["embeddings.token_type_embeddings.weight"] = (config.segment_types, d)
    shapes["embeddings.LayerNorm.weight"] = (d,)
    shapes["embeddings.LayerNorm.bias"] = (d,)
    for layer in range(config.layers):
        for name in prunable.layer_names(layer):
            if name in shapes:
                shapes[name.replace(".weight", ".bias")] = shapes[name][:1]
        shapes[f"encoder.layer.{layer}.attention.output.dense.bias"] = (d,)
        for norm in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"encoder.layer.{layer}.{norm}.weight"] = (d,)
            shapes[f"encoder.layer.{layer}.{norm}.bias"] = (d,)
    shapes["pooler.dense.bias"] = (d,)
    return shapes


def check_fit(
    values: Mapping[str, Tensor], shapes: Mapping[str, Shape], known: Mapping[str, object] | None = None
) -> None:
    """Raise `TicketsError` unless `values` hold all of `shapes`, and nothing beside what is `known` (or `shapes`)."""
    missing, extra = shapes.keys() - values.keys(), values.keys() - (known or shapes).keys()
    if missing or extra:
        which = f"'{min(missing)}' is missing" if missing else f"'{min(extra)}' is not part of this model"
        raise TicketsError(f"weights do not fit the model: {which}.")
    for name, shape in shapes.items():
        if values[name].shape != torch.Size(shape):
            found = tuple(values[name].shape)
            raise TicketsError(f"weights do not fit the model: '{name}' is {found}, expected {shape}.")


@dataclass(frozen=True)
class Span:
    """Where a parameter lies in the flat vector."""

    start: int
    shape: Shape

    @property
    def stop(self) -> int:
        """One past the last element."""
        return self.start + prod(self.shape)


def place(shapes: dict[str, Shape]) -> dict[str, Span]:
    """Lay the parameters end to end."""
    spans: dict[str, Span] = {}
    start = 0
    for name, shape in shapes.items():
        spans[name] = Span(start, shape)
        start = spans[name].stop
    return spans
