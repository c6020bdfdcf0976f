"""What part of a model's weights is left without some heads and FFNs (spec supertickets section 1.7)."""

from math import prod

from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.models.layout import encoder_shapes


def total_parameters(config: EncoderConfig) -> int:
    """Every parameter of the encoder, embeddings and pooler included (oracle O1)."""
    return sum(prod(shape) for shape in encoder_shapes(config).values())


def remaining(config: EncoderConfig, n_heads: float, n_ffns: float, extra: int = 0) -> float:
    """Fraction of all weights that is left when `n_heads` heads and `n_ffns` FFNs are removed.

    A head takes its rows of query, key and value and its columns of the output matrix with it, an FFN its two matrices;
    biases and LayerNorms count as staying. `extra` adds parameters outside the encoder to the whole, e.g. task heads
    and masks (oracle O15). Counts may be means over tasks. Raises `TicketsError` for counts beyond the model.
    """
    if not (0 <= n_heads <= config.layers * config.heads and 0 <= n_ffns <= config.layers):
        raise TicketsError(
            f"remaining: {n_heads} heads and {n_ffns} FFNs are not among the {config.layers * config.heads} and "
            f"{config.layers} of the model."
        )
    head = 4 * config.hidden_size * (config.hidden_size // config.heads)
    ffn = 2 * config.hidden_size * config.intermediate_size
    return 1 - (n_heads * head + n_ffns * ffn) / (total_parameters(config) + extra)
