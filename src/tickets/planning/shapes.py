"""Shapes of the preset's models before they are there. Imports no torch."""

from math import prod

from tickets.config import Config
from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.pruning.prunable import prunable_shapes

KNOWN = {
    "bert-base-uncased": EncoderConfig(),
    "bert-large-uncased": EncoderConfig(hidden_size=1024, layers=24, heads=16, intermediate_size=4096),
    "roberta-base": EncoderConfig(
        family="roberta", vocab_size=50265, max_positions=514, segment_types=1, layer_norm_eps=1e-5, pad_id=1
    ),
}
"""Shapes of hub models by the last part of their id."""


def shape_of(config: Config, role: str) -> EncoderConfig:
    """The encoder of a role: as placed in results/, as the config describes it, or as is known of its hub id."""
    preset = config.settings
    model, placed = preset.model_of(role), config.root / preset.model_folder(role)
    if (placed / "config.json").exists():
        return EncoderConfig.from_folder(placed)
    if model.shape is not None:
        from tickets.data.synthetic.vocabulary import words

        return model.shape.encoder(len(words()))
    if model.path is not None:
        return EncoderConfig.from_folder(model.path)
    name = (model.hub or "").rsplit("/", 1)[-1]
    if name not in KNOWN:
        raise TicketsError(
            f"models: the shape of '{model.hub}' is not known here. Run `tickets model {role}` first, then plan."
        )
    return KNOWN[name]


def prunable_weights(shape: EncoderConfig, words: bool) -> int:
    """Weights that masks are over; with `words` the table of word embeddings too."""
    sizes = (shape.hidden_size, shape.intermediate_size, shape.layers)
    return sum(prod(s) for s in prunable_shapes(*sizes, True, shape.vocab_size if words else None).values())


def parameters(shape: EncoderConfig) -> int:
    """Parameters of the encoder with its embeddings and pooler."""
    d, ff = shape.hidden_size, shape.intermediate_size
    layer = 4 * (d * d + d) + 2 * d * ff + ff + d + 4 * d
    embeddings = (shape.vocab_size + shape.max_positions + shape.segment_types) * d + 2 * d
    return shape.layers * layer + embeddings + d * d + d
