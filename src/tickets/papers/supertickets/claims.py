"""The predicate of each claim of `paper/supertickets/claims.yaml`, by name."""

from collections.abc import Mapping

from tickets.papers.claims import Predicate
from tickets.papers.supertickets import (
    claims_controls,
    claims_gain,
    claims_phases,
    claims_sharing,
    claims_size,
    claims_spread,
)

PREDICATES: Mapping[str, Predicate] = {
    **claims_gain.PREDICATES,
    **claims_size.PREDICATES,
    **claims_phases.PREDICATES,
    **claims_sharing.PREDICATES,
    **claims_spread.PREDICATES,
    **claims_controls.PREDICATES,
}
