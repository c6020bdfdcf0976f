"""Structured tickets: winning, losing and random ones (spec supertickets section 1.4)."""

from typing import Literal

import torch

from tickets.errors import TicketsError
from tickets.pruning.ranking import ffn_order, head_order
from tickets.pruning.scores import Scores
from tickets.pruning.structured import StructuredMask

Decode = Literal["exact", "release"]


def winning(scores: Scores, n_heads: int, n_ffns: int, *, protect: bool = True) -> StructuredMask:
    """Remove the least important: `n_heads` heads by layer-normalised score, `n_ffns` FFNs by raw score.

    With `protect` (the paper's code, not its text) the best head of each layer stays, so a larger request is capped.
    All tickets of the same scores are nested (oracles O9, O10, O21).
    """
    return _ranked(scores, n_heads, n_ffns, False, protect)


def losing(scores: Scores, n_heads: int, n_ffns: int, *, protect: bool = True) -> StructuredMask:
    """Remove the most important; with `protect` the worst head of each layer stays. Otherwise like `winning`."""
    return _ranked(scores, n_heads, n_ffns, True, protect)


def random_ticket(
    layers: int,
    heads: int,
    n_heads: int,
    n_ffns: int,
    generator: torch.Generator,
    *,
    replacement: bool = False,
    decode: Decode = "exact",
) -> StructuredMask:
    """Remove exactly `n_heads` heads and `n_ffns` FFNs, every choice equally likely, no layer protected (oracle O11).

    The other settings repeat two faults of the paper's code (section 9, B2). `replacement=True` draws with
    replacement, so that fewer are removed than asked. `decode="release"` takes head number i for head i % heads of
    layer i // layers (not i // heads): with 24 layers of 16 heads the last 8 layers are never reached; it has no
    meaning where there are more heads than layers. The generator must be a CPU one. Raises `TicketsError` if more is
    to be removed than there is.
    """
    _check_counts(n_heads, n_ffns)
    if n_heads > layers * heads or n_ffns > layers:
        raise TicketsError(
            f"random ticket: cannot remove {n_heads} heads and {n_ffns} FFNs of {layers * heads} and {layers}."
        )
    chosen = _draw(layers * heads, n_heads, replacement, generator)
    ffns = _draw(layers, n_ffns, replacement, generator)
    if decode == "release":
        if heads > layers:
            raise TicketsError(
                f"random ticket: decode='release' would name layers beyond the {layers} there are, "
                f"with {heads} heads a layer. Use decode='exact'."
            )
        chosen = chosen // layers * heads + chosen % heads
    return StructuredMask.without(layers, heads, chosen, ffns)


def _ranked(scores: Scores, n_heads: int, n_ffns: int, losing: bool, protect: bool) -> StructuredMask:
    _check_counts(n_heads, n_ffns)
    heads = head_order(scores.normalised("head"), losing=losing, protect=protect)[:n_heads]
    ffns = ffn_order(scores.ffns, losing=losing)[:n_ffns]
    return StructuredMask.without(scores.layers, scores.heads_per_layer, heads, ffns)


def _draw(total: int, count: int, replacement: bool, generator: torch.Generator) -> torch.Tensor:
    if replacement:
        return torch.randint(total, (count,), generator=generator)
    return torch.randperm(total, generator=generator)[:count]


def _check_counts(n_heads: int, n_ffns: int) -> None:
    if n_heads < 0 or n_ffns < 0:
        raise TicketsError(f"ticket: cannot remove {n_heads} heads and {n_ffns} FFNs; counts start at 0.")
