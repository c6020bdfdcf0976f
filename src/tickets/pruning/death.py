"""A whole chain of nested masks in one byte a weight: the round in which each weight died (oracle O9)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.pruning.mask import Mask

NEVER = 255


def encode_chain(masks: Sequence[Mask]) -> dict[str, Tensor]:
    """uint8 tensors of the masks' shapes: k where `masks[k-1]` is the first to remove a weight, 255 if none.

    `masks[k-1]` is the mask after round k = 1, 2, ...; round 0, the dense network, is implied. Raises
    `TicketsError` if the chain is empty, longer than 254 rounds, or not nested.
    """
    if not 0 < len(masks) < NEVER:
        raise TicketsError(f"mask chain: {len(masks)} rounds; it must have 1 to {NEVER - 1}.")
    death = {name: torch.full_like(kept, NEVER, dtype=torch.uint8) for name, kept in masks[0].items()}
    for round in range(len(masks), 0, -1):
        mask = masks[round - 1]
        if round > 1 and not mask.nested_in(masks[round - 2]):
            raise TicketsError(
                f"mask chain: round {round} keeps weights that round {round - 1} had removed. "
                "Give the masks of one chain, sparsest last."
            )
        for name, kept in mask.items():
            death[name].masked_fill_(~kept, round)
    return death


def decode_round(death: Mapping[str, Tensor], round: int) -> Mask:
    """The mask after round `round` >= 0: what has not died by then."""
    if not 0 <= round < NEVER:
        raise TicketsError(f"mask chain: there is no round {round}; rounds run from 0 to {NEVER - 1}.")
    return Mask({name: when > round for name, when in death.items()})
