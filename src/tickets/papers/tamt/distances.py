"""How far masks move from where they start, and how alike they are: Figures 8 and 17."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tickets.papers.tamt.ask import frame_of, score_stat, together
from tickets.papers.tamt.evidence import Evidence, PublishedEvidence, Which
from tickets.papers.tamt.looks import add_legend, handles, look, order
from tickets.papers.tamt.matrices import COLUMNS as CELLS
from tickets.papers.tamt.matrices import draw_matrix, independent, jaccard
from tickets.papers.tamt.panels import Drawn, absent, blank, note_single, panel_grid, prepare
from tickets.papers.tamt.wording import AVERAGE5, Facts, percent, percent_text

COLUMNS = ("sparsity", "series", "interval", "step", "distance", "distance_std", "mean", "std", "n")
OBJECTIVES = ("tamt-mlm", "tamt-kd")
_X = "distance to OMP (1 − Jaccard)"


def fig8(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Score over distance from OMP, and the matrix of similarities, at 70 %."""
    return _figure(ours, (0.7,), stacked=False)


def fig17(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """The same at 60, 70 and 80 %, matrices below."""
    return _figure(ours, (0.6, 0.7, 0.8), stacked=True)


def moved(ours: Evidence, sparsity: float) -> pd.DataFrame:
    """Every setting of IMP and of both objectives: mean distance to OMP over seeds, mean score over runs."""
    settings: list[tuple[Which, int, int]] = []
    for interval in ours.intervals(sparsity):
        settings.append((Which("imp", sparsity, interval=interval), interval, 0))
    for kind in OBJECTIVES:
        settings += [(Which(kind, sparsity, step=step), 0, step) for step in ours.steps(kind, sparsity)]
    rows: list[tuple[object, ...] | None] = []
    for which, interval, step in settings:
        far = ours.distance(Which("omp", sparsity), which)
        stat = score_stat(ours, which, AVERAGE5)
        if len(far) and stat is not None:
            x = float(far.mean()), float(far.std(ddof=ours.ddof)) if len(far) > 1 else np.nan
            spread = stat.std if ours.ddof else stat.std0
            rows.append((percent(sparsity), which.kind, interval, step, *x, stat.mean, spread, stat.n))
    return frame_of(rows, COLUMNS)


def _figure(ours: Evidence, sparsities: tuple[float, ...], *, stacked: bool) -> Drawn:
    paths = {s: moved(ours, s) for s in sparsities}
    cells = {s: jaccard(ours, s) for s in sparsities}
    drawn = together(
        [together(list(paths.values()), COLUMNS), together(list(cells.values()), CELLS)],
        (*COLUMNS, *CELLS[1:]),
    ).reindex(columns=[*COLUMNS, *CELLS[1:]])
    if drawn.empty:
        return blank("Distance to OMP and similarity of masks"), drawn
    rows = [[len(f) > 0 for f in frames.values()] for frames in (paths, cells)]
    layout = rows if stacked else [[rows[0][0], rows[1][0]]]
    grid = panel_grid(layout, width=3.9 if stacked else 4.3, height=3.5)
    for i, sparsity in enumerate(sparsities):
        upper, lower = (grid.axes[0, i], grid.axes[1, i]) if stacked else grid.axes[0]
        _draw(upper, sparsity, paths[sparsity], first=i == 0)
        title = f"Overlap, {percent_text(sparsity)} (independent: {independent(sparsity):.2f})"
        if cells[sparsity].empty:
            absent(lower, percent_text(sparsity))
        else:
            draw_matrix(lower, title, cells[sparsity], 6.5 if stacked else 7.0)
    add_legend(grid.figure, handles(drawn["series"].dropna()))
    return grid.figure, drawn


def _draw(axes: Axes, sparsity: float, frame: pd.DataFrame, *, first: bool) -> None:
    if frame.empty:
        absent(axes, percent_text(sparsity))
        return
    prepare(
        axes, f"Score over distance, {percent_text(sparsity)}", x=_X, y="average of 5 (%)" if first else ""
    )
    for series in order(frame["series"]):
        part = frame[frame["series"] == series].sort_values(["step", "interval"])
        style, _ = look(series)
        across, up = (np.nan_to_num(part[c].to_numpy(float)) for c in ("distance_std", "std"))
        axes.errorbar(part["distance"], part["mean"], up, across, elinewidth=0.7, capsize=1.5, **style)
    note_single(axes, frame)
