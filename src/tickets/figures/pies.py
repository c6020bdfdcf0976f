"""A grid of pies: how several parties share each cell, the area of a pie showing how much there is to share."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from tickets.figures.style import GREY, PALETTE

_LARGEST = 0.47  # radius of the largest pie; cells are 1 x 1
_GAP = 0.6  # before the separate columns
_ARC = np.pi / 32  # longest chord of a slice's edge


@dataclass(frozen=True)
class PieGrid:
    """One panel. `shares` [rows, columns, parties] sum to 1 in each cell, `sizes` [rows, columns] set the areas.

    A cell with a NaN or zero size stays empty. The last `apart` columns stand off by a gap. `scale` is the size
    whose pie fills a cell; panels with one scale compare.
    """

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    parties: Sequence[str]
    shares: NDArray[np.float64]
    sizes: NDArray[np.float64]
    scale: float
    apart: int = 0

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height of the grid in cells, the gap included."""
        return len(self.columns) + _GAP * (self.apart > 0), float(len(self.rows))

    def x(self, column: int) -> float:
        """Horizontal centre of a column."""
        return column + 0.5 + _GAP * (column >= len(self.columns) - self.apart)

    def drawn(self) -> pd.DataFrame:
        """What the panel shows, one line a slice: panel, row, column, size, party, share."""
        records = [
            {"panel": self.title, "row": row, "column": column, "size": float(self.sizes[i, j])}
            | {"party": party, "share": float(self.shares[i, j, k])}
            for i, row in enumerate(self.rows)
            for j, column in enumerate(self.columns)
            if self.sizes[i, j] > 0
            for k, party in enumerate(self.parties)
        ]
        return pd.DataFrame.from_records(
            records, columns=["panel", "row", "column", "size", "party", "share"]
        )


def draw_pies(axes: Axes, grid: PieGrid, colours: Sequence[str] = PALETTE) -> pd.DataFrame:
    """Draw one panel, first row at the bottom, and return the frame of what was drawn (`PieGrid.drawn`)."""
    polygons: list[NDArray[np.float64]] = []
    fills: list[tuple[float, float, float, float]] = []
    for i in range(len(grid.rows)):
        for j in range(len(grid.columns)):
            if not grid.sizes[i, j] > 0:
                continue
            radius = _LARGEST * float(np.sqrt(grid.sizes[i, j] / grid.scale))
            centre = np.array([grid.x(j), i + 0.5])
            for k, outline in _slices(grid.shares[i, j]):
                polygons.append(centre + radius * outline)
                fills.append(to_rgba(colours[k]))
    axes.add_collection(PolyCollection(polygons, facecolors=fills, linewidths=0))
    _frame(axes, grid)
    return grid.drawn()


def _slices(shares: NDArray[np.float64]) -> list[tuple[int, NDArray[np.float64]]]:
    """Party and outline [points, 2] of each slice of a unit pie, clockwise from the top."""
    edges = 2 * np.pi * np.concatenate([[0.0], np.cumsum(shares)])
    found = []
    for k, (start, end) in enumerate(pairwise(edges)):
        if end > start:
            angles = np.linspace(start, end, max(2, int(np.ceil((end - start) / _ARC)) + 1))
            rim = np.stack([np.sin(angles), np.cos(angles)], axis=1)
            found.append((k, np.concatenate([[[0.0, 0.0]], rim])))
    return found


def _frame(axes: Axes, grid: PieGrid) -> None:
    width, height = grid.extent
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal", anchor="N")
    axes.set_title(grid.title)
    axes.set_xticks([grid.x(j) for j in range(len(grid.columns))], grid.columns)
    axes.set_yticks([i + 0.5 for i in range(len(grid.rows))], grid.rows)
    axes.tick_params(length=0, labelsize=7, colors=GREY)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if grid.apart:
        axes.axvline(len(grid.columns) - grid.apart + _GAP / 2, color=GREY, linewidth=0.6)
