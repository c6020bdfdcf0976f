"""Figure 11: how each task's score falls with sparsity."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tickets.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, mark_not_run
from tickets.papers.lth.evidence import Evidence, PublishedEvidence
from tickets.papers.lth.tables import TITLES, Facts
from tickets.papers.lth.tasks import TASKS
from tickets.stats.summary import Stat

_STYLES: dict[str, dict[str, Any]] = {
    "IMP": {"color": BLUE, "marker": "o", "markersize": 3.5},
    "one-shot θ₀": {"color": GREEN, "marker": "s", "markersize": 4, "linestyle": "none"},
    "random mask": {"color": ORANGE, "marker": "x", "markersize": 5, "linestyle": "none"},
    "published IMP": {"color": PURPLE, "marker": "D", "markersize": 4, "linestyle": "none"},
    "s*": {"color": BLUE, "marker": "*", "markersize": 13, "markeredgecolor": BLACK, "linestyle": "none"},
    "full model": {"color": GREY, "linestyle": "--"},
}


def fig11(ours: Evidence, published: PublishedEvidence, facts: Facts) -> tuple[Figure, pd.DataFrame]:
    """One panel a task; the frame has a line a point: task, series, sparsity (%), mean, std, n."""
    drawn = points(ours, published)
    figure = Figure(figsize=(11.0, 7.6), layout="constrained")
    grid = figure.subplots(3, 4).ravel()
    for axes, task in zip(grid, TASKS, strict=False):
        _panel(axes, TITLES[task], drawn[drawn["task"] == TITLES[task]])
    handles = [grid[0].plot([], [], **style, label=name)[0] for name, style in _STYLES.items()]
    grid[-1].axis("off")
    grid[-1].legend(handles=handles, loc="center", fontsize=9.5, labelspacing=0.9)
    return figure, drawn


def points(ours: Evidence, published: PublishedEvidence) -> pd.DataFrame:
    """Every point and line of the figure, as drawn."""
    records: list[dict[str, object]] = []

    def add(task: str, series: str, sparsity: float, stat: Stat | None) -> None:
        if stat is not None:
            where = {"task": TITLES[task], "series": series, "sparsity": round(100 * sparsity, 6)}
            records.append(where | {"mean": stat.mean, "std": stat.std, "n": stat.n})

    for task in TASKS:
        add(task, "full model", 0.0, ours.dense(task))
        for sparsity in ours.sparsities:
            add(task, "IMP", sparsity, ours.imp(task, sparsity))
            add(task, "one-shot θ₀", sparsity, ours.transfer("oneshot", task, sparsity))
            add(task, "random mask", sparsity, ours.stat(task, method="random", sparsity=sparsity))
            add(task, "published IMP", sparsity, published.stat(task, sparsity=sparsity))
        star = ours.s_star(task)
        if star:
            add(task, "s*", star, ours.imp(task, star))
    return pd.DataFrame.from_records(records, columns=["task", "series", "sparsity", "mean", "std", "n"])


def _panel(axes: Axes, title: str, drawn: pd.DataFrame) -> None:
    axes.set_title(title)
    axes.set(xlim=(4, 96), xticks=range(10, 100, 20), xlabel="sparsity (%)")
    axes.grid(axis="y", color="#E4E6EA", linewidth=0.7)
    axes.set_axisbelow(True)
    ours = drawn[drawn["series"] != "published IMP"]
    if ours.empty:
        mark_not_run(axes)
    for series, style in _STYLES.items():
        part = drawn[drawn["series"] == series]
        if part.empty or ours.empty:
            continue
        if series == "full model":
            axes.axhline(float(part["mean"].iloc[0]), **style)
            continue
        x, mean = part["sparsity"].to_numpy(float), part["mean"].to_numpy(float)
        axes.plot(x, mean, **style)
        if series == "IMP":
            std = np.nan_to_num(part["std"].to_numpy(float))
            axes.fill_between(x, mean - std, mean + std, color=BLUE, alpha=0.18, linewidth=0)
