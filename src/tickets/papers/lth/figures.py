"""The paper's heat maps: who transfers to whom, at 70 %, 50 % and s*, after rewinding, from several tasks.

All take (ours, published, facts) like the tables and return the figure with the frame of what it shows.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tickets.figures.heatmap import HeatMap, draw_panels, legend_handles
from tickets.papers.lth.curves import fig11 as fig11
from tickets.papers.lth.evidence import SOURCES, Evidence, PublishedEvidence
from tickets.papers.lth.overlaps import fig10 as fig10
from tickets.papers.lth.tables import TITLES, VARIANTS, Facts, percent
from tickets.papers.lth.tasks import TASKS
from tickets.stats.criteria import SLACK, one_std
from tickets.stats.summary import Stat

Drawn = tuple[Figure, pd.DataFrame]

ROWS = {source: TITLES.get(source, "one-shot θ₀") for source in SOURCES}
# The paper does not name its combinations (spec lth section 4.7): these are ours.
COMBINATIONS = ("mlm+qnli", "mlm+qnli+cola", "mlm+mnli+qnli+sst-2", "mlm+squad+qnli+sst-2")
_POINTS = "{:+.2f}"  # as the paper prints them
_SAME_TASK = legend_handles("at least as good as the task's own mask", "worse")
_WINS = legend_handles("wins against the full model (one std)", "does not win")


def fig2(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """First version: minus dense, dark if at least TRANSFER(T, T); ours above, published below."""
    panels = [_minus_dense("Ours", ours, 0.7), _minus_dense("Published", published, 0.7)]
    return draw_panels(panels, _SAME_TASK)


def fig2a(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Scores at 70 %, dark if winning by the one-std criterion."""
    cells = {(s, t): ours.transfer(s, t, 0.7) for s in SOURCES for t in TASKS}
    return draw_panels([_winners("Ours", ours, cells, ROWS)], _WINS)


def fig2b(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Minus TRANSFER(T, T) at 70 %, dark if zero or more."""
    panels = []
    for title, evidence in (("Ours", ours), ("Published (from the first version's Figure 2)", published)):
        gain = _titled(evidence.transfer_matrix(0.7, "same_task"))
        panels.append(HeatMap(title, gain, gain >= -SLACK, -gain, _POINTS))
    return draw_panels(panels, _SAME_TASK)


def fig4(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Rewinding and standard pruning on SQuAD, against rewinding to theta_0."""
    return _rewinding(ours, "squad")


def fig5(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """As Figure 2 at 50 %."""
    return draw_panels([_minus_dense("Ours", ours, 0.5)], _SAME_TASK)


def fig6(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Every source at its own s*; a source without a winning ticket passes the full network on."""
    stars = {s: ours.s_star(s) for s in TASKS}
    cells: dict[tuple[str, str], Stat | None] = {}
    for source, star in stars.items():
        for task in TASKS:
            found = None if star is None else ours.transfer(source, task, star)
            cells[source, task] = ours.dense(task) if found is None and star == 0.0 else found
    names = {s: TITLES[s] + ("" if star is None else f" {percent(star):.0f} %") for s, star in stars.items()}
    panel = _winners("Ours", ours, cells, names, {names[s]: TITLES[s] for s in TASKS})
    return draw_panels([panel], _WINS)


def fig7(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Rewinding and standard pruning on MLM, against rewinding to theta_0."""
    return _rewinding(ours, "mlm")


def fig8(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Rewinding and standard pruning on MNLI, against rewinding to theta_0."""
    return _rewinding(ours, "mnli")


def fig9(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Masks of several tasks: scores at 70 %, and points gained over the MLM mask."""
    known = {frozenset(s.split("+")): s for s in ours.sources() if "+" in s}
    combined = [known.pop(frozenset(c.split("+")), c) for c in COMBINATIONS] + list(known.values())
    sources = ["mlm", *combined]
    cells = {(s, t): ours.transfer(s, t, 0.7) for s in sources for t in TASKS}
    names = {s: " + ".join(TITLES.get(part, part) for part in s.split("+")) for s in sources}
    scores = _winners("Ours: scores", ours, cells, names)
    gain = scores.values.iloc[1:] - scores.values.iloc[0]
    handles = legend_handles(
        "above: wins against the full model; below: zero or more", "does not", "MLM itself"
    )
    return draw_panels(
        [scores, HeatMap("Ours: gain over the MLM mask", gain, gain >= -SLACK, -gain, _POINTS)], handles
    )


def _titled(matrix: pd.DataFrame) -> pd.DataFrame:
    return matrix.rename(index=ROWS, columns=TITLES)


def _minus_dense(title: str, evidence: Evidence, sparsity: float) -> HeatMap:
    values = _titled(evidence.transfer_matrix(sparsity, "dense"))
    gain = _titled(evidence.transfer_matrix(sparsity, "same_task"))
    return HeatMap(title, values, gain >= -SLACK, -gain, _POINTS)


def _winners(
    title: str,
    evidence: Evidence,
    cells: dict[tuple[str, str], Stat | None],
    names: dict[str, str],
    own: dict[str, str] | None = None,
) -> HeatMap:
    """Scores; dark cells pass the one-std criterion with the transfer runs' own standard deviation."""
    sources = list(dict.fromkeys(source for source, _ in cells))
    index, columns = [names[s] for s in sources], [TITLES[t] for t in TASKS]
    values = pd.DataFrame(np.nan, index=index, columns=columns)
    passes = pd.DataFrame(False, index=index, columns=columns)
    below = values.copy()
    for (source, task), stat in cells.items():
        full = evidence.dense(task)
        if stat is not None:
            at = names[source], TITLES[task]
            values.loc[at] = stat.mean
            passes.loc[at] = full is not None and one_std(full, stat, evidence.ddof)
            below.loc[at] = np.nan if full is None else full.mean - stat.mean
    return HeatMap(title, values, passes, below, own=own)


def _rewinding(ours: Evidence, source: str) -> Drawn:
    columns = [TITLES[t] for t in TASKS]
    rows: dict[str, list[float]] = {}
    for weights in (*VARIANTS, "standard"):
        label = f"rewind to {VARIANTS[weights]} %" if weights in VARIANTS else "standard pruning"
        rows[label] = []
        for task in TASKS:
            rewound = ours.stat(task, weights=weights, method=f"imp-{weights}", source=source, sparsity=0.7)
            base = ours.transfer(source, task, 0.7)
            both = rewound is not None and base is not None
            rows[label].append(rewound.mean - base.mean if both else np.nan)  # type: ignore[union-attr]
    gain = pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=float)
    handles = legend_handles("at least as good as rewinding to θ₀", "worse")
    title = f"Ours: source {TITLES[source]}"
    own = dict.fromkeys(gain.index, TITLES[source])
    panel = HeatMap(title, gain, gain >= -SLACK, -gain, _POINTS, own=own)
    return draw_panels([panel], handles, rows="weights kept")
