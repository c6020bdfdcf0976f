"""Do our scores agree with the paper's? Only where models, data and steps are the paper's (spec section 7, end)."""

import pandas as pd

from tickets.papers.tamt.evidence import AVG5, Evidence, PublishedEvidence, Which
from tickets.papers.tamt.terms import TAMT_KINDS
from tickets.stats.criteria import SLACK

TOLERANCE, TRAINED_TOLERANCE = 2.0, 2.5
"""Points; of trained masks, whose published markers are read off where they overlap, a little more."""
RELEASE = "score_release"
SPARSITIES = (0.5, 0.6, 0.7, 0.8)
COLUMNS = ("kind", "sparsity", "ours", "n", "published", "difference", "tolerance", "agrees")


def fidelity(evidence: Evidence, published: PublishedEvidence) -> pd.DataFrame:
    """Average of five tasks of BERT, ours and that of Figure 5, by kind and sparsity (columns `COLUMNS`).

    Ours are scored as the released code does it (MNLI mismatched, spec A13; CoLA's zeros, A32). Trained masks are
    those of the last two checkpoints, which lie on each other in the figure, or of the main step where these were not
    run. `ours`, `difference` and `agrees` are None for what was not run.
    """
    rows = []
    for kind in ("full", "omp", "random", "imp", *TAMT_KINDS):
        for sparsity in (0.0,) if kind == "full" else SPARSITIES:
            printed = published.stat(Which(kind, sparsity), AVG5)
            if printed is None:
                continue
            values = pd.concat(
                [evidence.average(w, AVG5, column=RELEASE) for w in _masks(evidence, kind, sparsity)]
            )
            ours = float(values.mean()) if len(values) else None
            allowed = TRAINED_TOLERANCE if kind in TAMT_KINDS else TOLERANCE
            gap = None if ours is None else ours - printed.mean
            agrees = None if gap is None else abs(gap) <= allowed + SLACK
            rows.append((kind, sparsity, ours, len(values), printed.mean, gap, allowed, agrees))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"agrees": object})


def _masks(evidence: Evidence, kind: str, sparsity: float) -> list[Which]:
    if kind in TAMT_KINDS:
        last = [s for s in evidence.grid.steps[-2:] if s in evidence.steps(kind, sparsity)]
        return [Which(kind, sparsity, step=step) for step in last] or [Which(kind, sparsity)]
    return [Which(kind, sparsity)]
