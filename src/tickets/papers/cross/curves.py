"""Cross figure 1: score against weights left, all methods of all papers, task by task."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tickets.data.tasks import TASKS
from tickets.figures.style import BLACK, mark_not_run
from tickets.papers.cross.evidence import Evidence, PublishedEvidence
from tickets.papers.cross.looks import GRID, add_legends, draw_lines
from tickets.papers.cross.methods import METHODS
from tickets.papers.cross.tables import Facts

PER_ROW = 3
_COLUMNS = ["task", "paper", "method", "remaining", "gap", "mean", "std", "n", "full"]
LINEAR = 5.0
"""Points up to which the vertical scale is linear; beyond it is logarithmic, so that random tickets find room too."""
_TICKS = (-80, -40, -20, -10, -5, -2, 0, 2, 5, 10, 20)
_PANEL, _LEGEND = (4.1, 3.0), 1.75  # inches


def fig1(ours: Evidence, published: PublishedEvidence, facts: Facts) -> tuple[Figure, pd.DataFrame]:
    """A panel for each task that at least two papers ran; the frame has a line a point."""
    drawn = points(ours)
    tasks = list(dict.fromkeys(drawn["task"])) or [""]
    rows = -(-len(tasks) // PER_ROW)
    width, height = _PANEL
    figure = Figure(figsize=(PER_ROW * width, rows * height + _LEGEND), layout="constrained")
    grid = figure.add_gridspec(rows + 1, PER_ROW, height_ratios=[*[height] * rows, _LEGEND])
    for place, task in enumerate(tasks):
        axes = figure.add_subplot(grid[place // PER_ROW, place % PER_ROW])
        _panel(axes, task, drawn[drawn["task"] == task])
        if place % PER_ROW == 0:
            axes.set_ylabel("points over the full model")
    ran = set(zip(drawn["paper"], drawn["method"], strict=True))
    shown = {method for method in METHODS if (method.paper, method.title) in ran}
    add_legends(figure.add_subplot(grid[rows, :]), shown)
    return figure, drawn


def points(ours: Evidence) -> pd.DataFrame:
    """Every point of the figure: remaining in percent; gap and std in points; mean and full are scores in percent."""
    records: list[tuple[object, ...]] = []
    for task, known in TASKS.items():
        made: list[tuple[object, ...]] = []
        for method in METHODS:
            full = ours.full(method.paper, task)
            for left, stat in sorted(ours.curve(method, task).items(), reverse=True):
                if full is not None:
                    numbers = (stat.mean - full.mean, stat.mean, stat.std, stat.n, full.mean)
                    made.append((known.title, method.paper, method.title, left, *numbers))
        if len({record[1] for record in made}) > 1:
            records += made
    return pd.DataFrame.from_records(records, columns=_COLUMNS)


def _panel(axes: Axes, title: str, drawn: pd.DataFrame) -> None:
    axes.set_title(title)
    if drawn.empty:
        mark_not_run(axes)
        return
    axes.set(xlim=(102, 6), xticks=range(100, 0, -20), xlabel="weights left (%)")
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_yscale("symlog", linthresh=LINEAR, linscale=1.2)
    axes.axhline(0.0, color=BLACK, linewidth=0.9, zorder=1.5)
    draw_lines(axes, drawn, METHODS, "remaining", "gap")
    low, high = axes.get_ylim()
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_yticks(ticks, [f"{tick:+d}".replace("-", "−") if tick else "0" for tick in ticks], minor=False)
    axes.set_yticks([], minor=True)
