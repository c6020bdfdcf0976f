"""Does downstream follow pre-training? Rank correlations of dev losses with scores over masks of one sparsity."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from tickets.figures.tableio import NOT_APPLICABLE, Entry, Row, comparison
from tickets.papers.tamt.ask import tasks_of
from tickets.papers.tamt.evidence import AVG5, Evidence, PublishedEvidence
from tickets.papers.tamt.scatters import MEASURES, SPARSITIES
from tickets.papers.tamt.wording import AVERAGE5, TASK_NAMES, Facts, percent_text

GROUPS = {
    "TAMT-MLM": ("tamt-mlm",),
    "TAMT-KD": ("tamt-kd",),
    "TAMT, IMP, OMP": ("tamt-mlm", "tamt-kd", "imp", "omp"),
}
FOLLOWS = "Follows"
DRAWS, SEED, LEAST = 2000, 20220711, 4
"""Bootstrap resamples of masks, their seed, and how many masks a correlation needs."""


def correlations(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Spearman's rho with a bootstrap interval and the number of masks; the last column judges the average of five."""
    columns = (*AVG5, AVERAGE5)
    rows = []
    for sparsity in SPARSITIES:
        for group, kinds in GROUPS.items():
            for measure, name in MEASURES.items():
                found = {task: rank(ours, kinds, sparsity, measure, task) for task in columns}
                values: dict[str, Entry] = {TASK_NAMES[task]: told(r) for task, r in found.items()}
                values[FOLLOWS] = _verdict(found[AVERAGE5])
                rows.append(Row(f"{percent_text(sparsity)}, {group}: {name}", values))
    return comparison([*(TASK_NAMES[task] for task in columns), FOLLOWS], rows)


Numbers = NDArray[np.float64]
Ranked = tuple[float, float, float, int]
"""rho, its interval, and the number of masks."""


def rank(ours: Evidence, kinds: Sequence[str], sparsity: float, measure: str, task: str) -> Ranked | None:
    """Correlation of a loss and a score over all masks of some kinds; None if there are none.

    Each draw resamples masks. Checkpoints of one run are not independent, so the interval is rather too narrow.
    """
    settings = [which for kind in kinds for which in ours.settings(kind, sparsity)]
    points = ours.points(settings, measure, tasks_of(task))
    n = len(points)
    if not n:
        return None
    loss, score = points["loss"].to_numpy(float), points["score"].to_numpy(float)
    rho = float(_rhos(loss[None], score[None])[0]) if n >= LEAST else math.nan
    if math.isnan(rho):
        return math.nan, math.nan, math.nan, n
    picks = np.random.default_rng(SEED).integers(n, size=(DRAWS, n))
    low, high = np.nanquantile(_rhos(loss[picks], score[picks]), [0.025, 0.975])
    return rho, float(low), float(high), n


def _rhos(a: Numbers, b: Numbers) -> Numbers:
    """Spearman's rho of each row [draws, masks]; NaN where one side is constant."""
    x, y = (rankdata(values, axis=1) for values in (a, b))
    x, y = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (x, y))
    spread = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    found: Numbers = np.divide((x * y).sum(axis=1), spread, out=np.full(len(x), np.nan), where=spread > 0)
    return found


def told(found: Ranked | None) -> Entry:
    """'−0.83 [−0.95, −0.60], n 21'."""
    if found is None:
        return None
    rho, low, high, n = found
    if math.isnan(rho):
        return f"{NOT_APPLICABLE} (n {n})"
    return f"{rho:.2f} [{low:.2f}, {high:.2f}], n {n}".replace("-", "−")


def _verdict(found: Ranked | None) -> Entry:
    """Scores follow if they rise as the loss falls: the interval lies below zero."""
    if found is None:
        return None
    _, low, high, _ = found
    if math.isnan(low):
        return NOT_APPLICABLE
    return "yes" if high < 0 else "no, reversed" if low > 0 else "unclear"
