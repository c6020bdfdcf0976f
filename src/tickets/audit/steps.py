"""The checks in their order: from the end of the pipeline back to its beginning."""

from tickets.audit import (
    artifacts,
    cells,
    certificates,
    completeness,
    frames,
    history,
    inputs,
    masks,
    reruns,
    scores,
    storage,
)
from tickets.audit.check import Check, Options

CHECKS: tuple[Check, ...] = (
    artifacts.CHECK,
    cells.CHECK,
    frames.CHECK,
    scores.CHECK,
    certificates.CHECK,
    masks.CHECK,
    inputs.CHECK,
    completeness.CHECK,
    storage.CHECK,
    history.CHECK,
)


def checks(options: Options) -> tuple[Check, ...]:
    """The checks that the options ask for."""
    return (*CHECKS, reruns.CHECK) if options.rerun else CHECKS
