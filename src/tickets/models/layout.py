"""Names and shapes of every parameter, in the order in which they lie in one flat vector.

Names are Hugging Face's, without the model prefix. The prunable matrices come first, in the order of spec lth
oracle O4, so that a mask over them is a prefix of the vector; query, key and value of a layer are neighbours, so
that one view of the vector is the fused projection.
"""

from dataclasses import dataclass
from math import prod

from tickets.models.config import EncoderConfig
from tickets.pruning import prunable

Shape = tuple[int, ...]


def prunable_shapes(config: EncoderConfig, pooler: bool = True) -> dict[str, Shape]:
    """The 6 L + 1 weight matrices of spec lth section 2; BERT-base: 73 tensors, 85,524,480 weights."""
    return dict(prunable.prunable_shapes(config.hidden_size, config.intermediate_size, config.layers, pooler))


def encoder_shapes(config: EncoderConfig) -> dict[str, Shape]:
    """Every parameter of the encoder with its pooler, prunable ones first."""
    d = config.hidden_size
    shapes = prunable_shapes(config)
    shapes["embeddings.word_embeddings.weight"] = (config.vocab_size, d)
    shapes["embeddings.position_embeddings.weight"] = (config.max_positions, d)
    shapes["embeddings.token_type_embeddings.weight"] = (config.segment_types, d)
    shapes["embeddings.LayerNorm.weight"] = (d,)
    shapes["embeddings.LayerNorm.bias"] = (d,)
    for layer in range(config.layers):
        for name in prunable.layer_names(layer):
            shapes[name.replace(".weight", ".bias")] = shapes[name][:1]
        for norm in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"encoder.layer.{layer}.{norm}.weight"] = (d,)
            shapes[f"encoder.layer.{layer}.{norm}.bias"] = (d,)
    shapes["pooler.dense.bias"] = (d,)
    return shapes


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
