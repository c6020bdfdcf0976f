"""The predicate of each claim of `paper/tamt/claims.yaml`, by name."""

from collections.abc import Mapping

from tickets.papers.claims import Predicate
from tickets.papers.tamt import (
    claims_baselines,
    claims_cost,
    claims_distance,
    claims_fewdata,
    claims_methods,
    claims_pretraining,
    claims_roberta,
)

PREDICATES: Mapping[str, Predicate] = {
    **claims_baselines.PREDICATES,
    **claims_methods.PREDICATES,
    **claims_roberta.PREDICATES,
    **claims_pretraining.PREDICATES,
    **claims_cost.PREDICATES,
    **claims_distance.PREDICATES,
    **claims_fewdata.PREDICATES,
}
