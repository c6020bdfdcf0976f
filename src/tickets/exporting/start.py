"""The weights that a ticket's runs start from, where these are not the pre-trained ones."""

from pathlib import Path

from tickets.errors import TicketsError
from tickets.exporting.ticket import Ticket
from tickets.papers.lth.addresses import weights_file as lth_weights
from tickets.papers.supertickets.addresses import weights_file as shared_weights

_DRAWN = ("reinit", "shuffled", "shuffled-elements")


def start_of(ticket: Ticket, weights: str) -> Path | None:
    """Their file; None for θ₀. Raises `TicketsError` where they are not stored or not there."""
    use, root, address = ticket.use, ticket.root, ticket.address
    if weights == "pretrained" or use is None or use.weights == "pretrained" or address is None:
        return None
    if use.weights in _DRAWN:
        raise TicketsError(
            f"the run's weights ('{use.weights}') are drawn when it starts and not stored. "
            "--weights pretrained exports the mask on the pre-trained ones."
        )
    if use.paper == "lth":
        file = lth_weights(use.weights, address.source, address.replicate)
    else:
        file = shared_weights(use.weights, 1, use.model)
    if root is None or not (root / file).exists():
        place = file if root is None else root / file
        raise TicketsError(
            f"{place}: the weights that the ticket is rewound to are not there. `dvc pull` brings them; "
            "or --weights pretrained for θ₀ under the same mask."
        )
    return root / file
