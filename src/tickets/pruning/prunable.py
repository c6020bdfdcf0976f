"""The prunable set of a BERT or RoBERTa: its weight matrices, by Hugging Face name without model prefix.

Spec lth section 2: six matrices a layer and the pooler's; embeddings, biases, LayerNorms and heads are never
pruned. Spec tamt section 1.2 adds the word embeddings, which lie behind them. Imports nothing heavy.
"""

import re
from collections.abc import Iterable, Mapping
from math import prod
from typing import TypeVar

from tickets.errors import TicketsError

LAYER_MATRICES = (
    "attention.self.query.weight",
    "attention.self.key.weight",
    "attention.self.value.weight",
    "attention.output.dense.weight",
    "intermediate.dense.weight",
    "output.dense.weight",
)
POOLER = "pooler.dense.weight"
WORDS = "embeddings.word_embeddings.weight"
_LAYER = re.compile(r"encoder\.layer\.(\d+)\.")
_Value = TypeVar("_Value")


def layer_names(layer: int) -> tuple[str, ...]:
    """The six matrices of one layer (counted from 0), in the order of spec oracle O4."""
    return tuple(f"encoder.layer.{layer}.{matrix}" for matrix in LAYER_MATRICES)


def prunable_names(n_layers: int, pooler: bool = True, words: bool = False) -> tuple[str, ...]:
    """All prunable matrices, layer by layer, then the pooler (oracle O4), then the words; BERT-base: 73, or 74."""
    names = tuple(name for layer in range(n_layers) for name in layer_names(layer))
    return (*names, *([POOLER] if pooler else []), *([WORDS] if words else []))


def prunable_shapes(
    hidden: int, intermediate: int, n_layers: int, pooler: bool = True, vocab: int | None = None
) -> dict[str, tuple[int, int]]:
    """Name -> [rows, columns] of every prunable matrix, in the order of `prunable_names`; with `vocab` words too."""
    shapes = dict.fromkeys(prunable_names(n_layers, pooler, vocab is not None), (hidden, hidden))
    if vocab is not None:
        shapes[WORDS] = (vocab, hidden)
    for name in shapes:
        if name.endswith("intermediate.dense.weight"):
            shapes[name] = (intermediate, hidden)
        elif name.endswith("output.dense.weight") and "attention" not in name:
            shapes[name] = (hidden, intermediate)
    return shapes


def prunable_count(
    hidden: int, intermediate: int, n_layers: int, pooler: bool = True, vocab: int | None = None
) -> int:
    """Prunable weights N; 85,524,480 for BERT-base (768, 3072, 12), oracle O1; with its words 108,965,376."""
    return sum(
        prod(shape) for shape in prunable_shapes(hidden, intermediate, n_layers, pooler, vocab).values()
    )


def count_layers(names: Iterable[str]) -> int:
    """Encoder layers among the tensor names; 0 if there are none."""
    layers = {int(found[1]) for name in names if (found := _LAYER.match(name))}
    return max(layers, default=-1) + 1


def select_prunable(tensors: Mapping[str, _Value], pooler: bool = True) -> dict[str, _Value]:
    """The prunable entries of a whole model's name -> tensor (or shape), in the order of `prunable_names`.

    Raises `TicketsError` if there is no encoder or one of its matrices, or the wanted pooler, is missing.
    """
    n_layers = count_layers(tensors)
    if n_layers == 0:
        raise TicketsError(
            "weights: no tensor is named `encoder.layer.0...`. Give the weights of a BERT or RoBERTa under "
            "their Hugging Face names, without the `bert.` or `roberta.` prefix."
        )
    names = prunable_names(n_layers, pooler)
    if missing := [name for name in names if name not in tensors]:
        hint = "Build the model with a pooler, or ask for the set without." if missing == [POOLER] else ""
        raise TicketsError(
            f"weights: {len(missing)} of {len(names)} prunable matrices are missing, first {missing[0]}. "
            f"{hint or 'Give a complete checkpoint.'}"
        )
    return {name: tensors[name] for name in names}
