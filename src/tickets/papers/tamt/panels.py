"""Grids of panels in which nothing is left blank: what was not run says so, and takes little room."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tickets.figures.style import GREY, mark_not_run
from tickets.papers.tamt.looks import GRID

Drawn = tuple[Figure, pd.DataFrame]

WIDTH, HEIGHT = 2.75, 2.35  # inches of a panel
_THIN, _FLAT = 0.85, 0.6  # of a column or row without any run
_LEGEND = 0.55


@dataclass(frozen=True)
class Grid:
    """A figure and its axes [rows, columns]."""

    figure: Figure
    axes: NDArray[np.object_]


def panel_grid(
    filled: Sequence[Sequence[bool]] | NDArray[np.bool_],
    *,
    width: float = WIDTH,
    height: float = HEIGHT,
    legend: bool = True,
) -> Grid:
    """A grid of panels; rows and columns of which no panel is filled are thin."""
    full = np.asarray(filled, dtype=bool)
    widths = [width if column.any() else _THIN for column in full.T]
    heights = [height if row.any() else _FLAT for row in full]
    figure = Figure(figsize=(sum(widths) + 0.3, sum(heights) + _LEGEND * legend), layout="constrained")
    axes = figure.subplots(*full.shape, squeeze=False, width_ratios=widths, height_ratios=heights)
    return Grid(figure, axes)


def blank(title: str) -> Figure:
    """A flat strip in place of a figure of which nothing was run."""
    figure = Figure(figsize=(7.0, 0.9), layout="constrained")
    absent(figure.subplots(), title)
    return figure


def absent(axes: Axes, title: str) -> None:
    """A panel without any run."""
    axes.set_title(title, fontsize=9)
    mark_not_run(axes)


def without(axes: Axes, why: str) -> None:
    """A place of the grid for which there is nothing to run."""
    axes.axis("off")
    axes.text(0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=GREY)


def note_single(axes: Axes, drawn: pd.DataFrame) -> None:
    """Say so in the line of the title, where nothing is drawn, if no series has more than its main setting."""
    if drawn.groupby("series").size().max() == 1:
        axes.set_title("main setting only", loc="right", fontsize=8, fontweight="normal", color=GREY)


def prepare(axes: Axes, title: str, *, x: str = "", y: str = "") -> None:
    """Title, axis labels and the light horizontal lines of every panel that has data."""
    axes.set_title(title)
    axes.set(xlabel=x, ylabel=y)
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)


def flow(count: int, columns: int) -> tuple[int, int]:
    """Rows and columns of `count` panels, at most `columns` beside each other."""
    across = min(count, columns)
    return -(-count // across), across
