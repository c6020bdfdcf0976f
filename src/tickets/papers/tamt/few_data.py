"""Fine-tuning on a part of the training data under masks of 70 %: Figure 9."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from tickets.papers.tamt.ask import frame_of, together
from tickets.papers.tamt.evidence import Evidence, PublishedEvidence, Which
from tickets.papers.tamt.looks import add_legend, handles, look, order
from tickets.papers.tamt.panels import Drawn, absent, blank, panel_grid, prepare
from tickets.papers.tamt.wording import TASK_NAMES, Facts

COLUMNS = ("task", "series", "n_train", "whole", "mean", "std", "n")
TASKS = ("cola", "sst-2", "mnli", "squad")
SPARSITY = 0.7
_LABEL = 0.16  # width of a tick label as a share of the panel
METHODS = ("full", "omp", "imp", "tamt-mlm", "tamt-kd")


def fig9(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Scores over the number of training examples; the last point is the whole training set."""
    frames = {task: points(ours, task) for task in TASKS}
    drawn = together(list(frames.values()), COLUMNS)
    if drawn.empty:
        return blank("Few data"), drawn
    grid = panel_grid([[len(f) > 0 for f in frames.values()]], height=2.6)
    for i, (axes, (task, frame)) in enumerate(zip(grid.axes[0], frames.items(), strict=True)):
        draw(axes, TASK_NAMES[task], frame, y="score (%)" if i == 0 else "")
    add_legend(grid.figure, handles(drawn["series"]))
    return grid.figure, drawn


def points(ours: Evidence, task: str) -> pd.DataFrame:
    """Mean, standard deviation and number of runs by size; empty if no part of the data was used."""
    sizes = ours.sizes_run(task)
    whole = ours.whole_size(task)
    rows: list[tuple[object, ...] | None] = []
    for kind in METHODS:
        which = Which(kind, 0.0 if kind == "full" else SPARSITY)
        for n in (*sizes, None):
            stat = ours.stat(which, task, n_train=n)
            if stat is None or (n is None and whole is None):
                continue
            spread = stat.std if ours.ddof else stat.std0
            rows.append((task, kind, whole if n is None else n, int(n is None), stat.mean, spread, stat.n))
    frame = frame_of(rows, COLUMNS)
    return frame if (frame["whole"] == 0).any() else frame.iloc[:0]


def draw(axes: Axes, title: str, frame: pd.DataFrame, *, y: str = "") -> None:
    """Means as lines with a standard deviation as bars, over a logarithmic number of examples."""
    if frame.empty:
        absent(axes, title)
        return
    prepare(axes, title, x="training examples", y=y)
    axes.set_xscale("log")
    for series in order(frame["series"]):
        part = frame[frame["series"] == series].sort_values("n_train")
        style, _ = look(series)
        bars = np.nan_to_num(part["std"].to_numpy(float))
        axes.errorbar(part["n_train"], part["mean"], bars, elinewidth=0.8, capsize=1.8, **style)
    sizes = sorted(frame["n_train"].unique())
    axes.set_xticks(_apart(sizes))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n / 1000:.3g}k" if n >= 1000 else f"{n:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)


def _apart(sizes: list[float]) -> list[float]:
    """Sizes of which no two labels would touch."""
    kept: list[float] = []
    apart = (sizes[-1] / sizes[0]) ** _LABEL
    for size in reversed(sizes):
        if not kept or kept[-1] / size >= apart:
            kept.append(size)
    return kept[::-1]
