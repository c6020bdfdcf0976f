"""The predicate of each claim of `paper/lth/claims.yaml`, by name."""

from collections.abc import Mapping

from tickets.papers.claims import Predicate
from tickets.papers.lth import claims_rewinding, claims_tickets, claims_transfer

PREDICATES: Mapping[str, Predicate] = {
    **claims_tickets.PREDICATES,
    **claims_rewinding.PREDICATES,
    **claims_transfer.PREDICATES,
}
