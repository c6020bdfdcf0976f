"""How alike the masks are: Figure 10 and the table of kinds of pairs (spec lth section 1, RO)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tickets.figures.tableio import Entry, Row, comparison
from tickets.papers.lth.evidence import SOURCES, Evidence, PublishedEvidence
from tickets.papers.lth.tables import TITLES, Facts
from tickets.papers.lth.tasks import DOWNSTREAM, TASKS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPARSITIES = (0.6, 0.7)
CLAIMED = 90.0  # percent; the paper's statement on pairs of downstream tasks
_NAMES = {source: TITLES.get(source, "one-shot θ₀") for source in SOURCES}
_MEASURES = {
    "kept_jaccard": "Kept: shared / either (RO)",
    "pruned_jaccard": "Pruned: shared / either",
    "shared_pruned": "Pruned weights shared",
    "intersection_kept": "Kept in both, of all",
}


def pairs(ours: Evidence, sparsity: float) -> pd.DataFrame:
    """The rows of overlap.csv at one sparsity, each pair once, a mask never against itself."""
    columns = ["source_a", "source_b", "replicate_a", "replicate_b", "sparsity", *_MEASURES]
    if ours.overlap is None or ours.overlap.empty:
        return pd.DataFrame(columns=columns)
    at = np.isclose(ours.overlap["sparsity"].to_numpy(float), sparsity)
    a = list(zip(ours.overlap["source_a"], ours.overlap["replicate_a"], strict=True))
    b = list(zip(ours.overlap["source_b"], ours.overlap["replicate_b"], strict=True))
    seen: set[frozenset[tuple[str, int]]] = set()
    keep = []
    for inside, *masks in zip(at, a, b, strict=True):
        pair = frozenset(masks)
        keep.append(bool(inside) and len(pair) == 2 and pair not in seen)
        if keep[-1]:
            seen.add(pair)
    return ours.overlap.loc[keep]


def matrix(ours: Evidence, sparsity: float) -> pd.DataFrame:
    """Mean relative overlap in percent, 11 tasks and one-shot; the diagonal: replicates of one task."""
    cells: dict[frozenset[str], list[float]] = {}
    rows = pairs(ours, sparsity)
    for a, b, value in zip(rows["source_a"], rows["source_b"], rows["kept_jaccard"], strict=True):
        cells.setdefault(frozenset((a, b)), []).append(float(value))
    means = [[float(np.mean(cells.get(frozenset((a, b)), [np.nan]))) for b in SOURCES] for a in SOURCES]
    if len(rows):
        means[-1][-1] = 100.0  # magnitude pruning of theta_0 has no replicates: it is one mask
    names = list(_NAMES.values())
    return pd.DataFrame(means, index=names, columns=names, dtype=float)


def fig10(ours: Evidence, published: PublishedEvidence, facts: Facts) -> tuple["Figure", pd.DataFrame]:
    """Relative overlap at 60 and 70 %."""
    from tickets.figures.heatmap import HeatMap, draw_panels, legend_handles  # matplotlib

    panels = []
    for sparsity in SPARSITIES:
        values = matrix(ours, sparsity)
        null = 100 * _null("kept_jaccard", 1 - sparsity)
        title = f"Ours: {100 * sparsity:.0f} % sparsity (independent masks would share {null:.1f} %)"
        panels.append(HeatMap(title, values, values > CLAIMED, CLAIMED - values, counts=False))
    handles = legend_handles("above 90 %", "90 % or less", "replicates of one task")
    return draw_panels(panels, handles, rows="mask found on", columns="and on")


def _null(measure: str, keep: float) -> float:
    """Expected value, as a fraction, for two independent masks that keep a share `keep`."""
    prune = 1 - keep
    return {
        "kept_jaccard": keep / (2 - keep),
        "pruned_jaccard": prune / (2 - prune),
        "shared_pruned": prune,
        "intersection_kept": keep * keep,
    }[measure]


def table(ours: Evidence) -> pd.DataFrame:
    """Kinds of pairs (rows) by measure (columns), in percent, at both sparsities."""
    rows = []
    for sparsity in SPARSITIES:
        frame = pairs(ours, sparsity)
        head = f"{100 * sparsity:.0f} %"
        for label, kind, reduce in _KINDS:
            chosen = [kind(a, b) for a, b in zip(frame["source_a"], frame["source_b"], strict=True)]
            part = frame[np.array(chosen, dtype=bool)]
            rows.append(Row(f"{head}: {label}", _summary(part, reduce)))
        expected = {name: 100 * _null(measure, 1 - sparsity) for measure, name in _MEASURES.items()}
        rows.append(Row(f"{head}: independent masks (expected)", expected))
    return comparison(list(_MEASURES.values()), rows)


def _summary(part: pd.DataFrame, reduce: Callable[[np.ndarray], float]) -> Mapping[str, Entry]:
    if part.empty:
        return {}
    # overlap.csv has this one as a fraction of all prunable weights, the others in percent
    scale = {"intersection_kept": 100.0}
    return {
        name: scale.get(measure, 1.0) * float(reduce(part[measure].to_numpy(float)))
        for measure, name in _MEASURES.items()
    }


def _downstream(a: str, b: str) -> bool:
    return a != b and a in DOWNSTREAM and b in DOWNSTREAM


def _with(one: str) -> Callable[[str, str], bool]:
    return lambda a, b: (a == one and b in DOWNSTREAM) or (b == one and a in DOWNSTREAM)


_KINDS: tuple[tuple[str, Callable[[str, str], bool], Callable[[np.ndarray], float]], ...] = (
    ("two downstream tasks, lowest pair", _downstream, np.min),
    ("two downstream tasks, mean", _downstream, np.mean),
    ("MLM and a downstream task, mean", _with("mlm"), np.mean),
    ("one task, two replicates, mean", lambda a, b: a == b and a in TASKS, np.mean),
    ("one-shot and a downstream task, mean", _with("oneshot"), np.mean),
    ("one-shot and MLM, mean", lambda a, b: {a, b} == {"oneshot", "mlm"}, np.mean),
)
