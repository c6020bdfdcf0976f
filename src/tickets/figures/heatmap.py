"""The transfer heat map: dark cells pass a test, hatched ones were not run, a column counts the dark ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from tickets.figures.style import BLACK, DARK_CELL, EMPTY, GREY, ORANGE

NOT_RUN = "not run"
_MISSING: dict[str, Any] = {"facecolor": EMPTY, "hatch": "////", "edgecolor": "#C9CDD2"}
_DIAGONAL: dict[str, Any] = {"fill": False, "edgecolor": ORANGE, "linewidth": 1.3}
_CELL_WIDTH, _CELL_HEIGHT = 0.70, 0.37  # inches
_MARGIN_WIDTH, _MARGIN_HEIGHT = 1.9, 1.05


@dataclass(frozen=True)
class HeatMap:
    """One panel. `values` and `passes` have equal shape (rows x columns); NaN in `values` means not run.

    `shortfall` (same shape, points, larger is worse) only tints the cells that do not pass. With `counts` a
    last column shows dark/run over all cells but the row's `own` (column by row; default: the equal name).
    """

    title: str
    values: pd.DataFrame
    passes: pd.DataFrame
    shortfall: pd.DataFrame
    number: str = "{:.1f}"
    counts: bool = True
    own: Mapping[str, str] | None = None

    def own_column(self, row: str) -> str:
        """The column that belongs to the row itself: its cell is outlined and does not count."""
        return row if self.own is None else self.own.get(row, "")

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches that keep the numbers readable."""
        rows, columns = self.values.shape
        width = _MARGIN_WIDTH + _CELL_WIDTH * (columns + 1.2 * self.counts)
        return width, _MARGIN_HEIGHT + _CELL_HEIGHT * rows

    def drawn(self) -> pd.DataFrame:
        """What the panel shows, one line a cell: panel, row, column, value, dark, text."""
        values, passes = self.values.to_numpy(float), self.passes.to_numpy(bool)
        records: list[dict[str, object]] = []
        for i, row in enumerate(self.values.index):
            for j, column in enumerate(self.values.columns):
                value = float(values[i, j])
                known = not np.isnan(value)
                records.append(
                    {
                        "panel": self.title,
                        "row": row,
                        "column": column,
                        "value": value,
                        "dark": bool(passes[i, j]) if known else None,
                        "text": _number(self.number, value) if known else NOT_RUN,
                    }
                )
            if self.counts:
                dark, run = self.count(row)
                text = f"{dark}/{run}" if run else "–"
                cell = {
                    "column": "dark/run",
                    "value": float(dark) if run else np.nan,
                    "dark": None,
                    "text": text,
                }
                records.append({"panel": self.title, "row": row} | cell)
        return pd.DataFrame.from_records(records)

    def count(self, row: str) -> tuple[int, int]:
        """Dark cells and cells that were run in one row, the diagonal left out."""
        run = (self.values.loc[row].notna() & (self.values.columns != self.own_column(row))).to_numpy(bool)
        dark = self.passes.loc[row].to_numpy(bool) & run
        return int(dark.sum()), int(run.sum())


def _number(pattern: str, value: float) -> str:
    text = pattern.format(value)
    # A value that rounds to zero has no sign worth printing.
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")


def draw_heatmap(axes: Axes, panel: HeatMap) -> pd.DataFrame:
    """Draw one panel and return the frame of what was drawn (`HeatMap.drawn`)."""
    rows, columns = list(panel.values.index), list(panel.values.columns)
    drawn = panel.drawn()
    shortfall = panel.shortfall.to_numpy(float)
    for row, column, dark, text in zip(*(drawn[c] for c in ("row", "column", "dark", "text")), strict=True):
        y = rows.index(row)
        if column == "dark/run":
            axes.text(len(columns) + 0.6, y + 0.5, text, ha="center", va="center", fontsize=8.5)
            continue
        x = columns.index(column)
        _draw_cell(axes, (x, y), text, dark, float(shortfall[y, x]))
        if column == panel.own_column(row):
            axes.add_patch(Rectangle((x + 0.05, y + 0.06), 0.9, 0.88, **_DIAGONAL))
    _frame(axes, panel, rows, columns)
    return drawn


def _draw_cell(axes: Axes, at: tuple[int, int], text: str, dark: bool | None, shortfall: float) -> None:
    box = Rectangle(at, 1, 1, edgecolor="white", linewidth=1.2)
    bbox, size, colour = None, 8.5, "white" if dark else BLACK
    if dark is None:
        box.set(**_MISSING, linewidth=0.0)
        bbox, size, colour = {"facecolor": _MISSING["facecolor"], "edgecolor": "none", "pad": 1.0}, 6.5, GREY
    else:
        box.set_facecolor(DARK_CELL if dark else _tint(shortfall))
    axes.add_patch(box)
    x, y = at
    axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=size, color=colour, bbox=bbox)


def _tint(shortfall: float) -> tuple[float, float, float]:
    """White to soft orange over 0 to 10 points: the further below, the warmer; black text stays readable."""
    share = 0.0 if np.isnan(shortfall) else min(max(shortfall, 0.0) / 10.0, 1.0)
    start, end = np.array([0.975, 0.965, 0.945]), np.array([0.96, 0.78, 0.58])
    red, green, blue = start + share * (end - start)
    return float(red), float(green), float(blue)


def _frame(axes: Axes, panel: HeatMap, rows: Sequence[str], columns: Sequence[str]) -> None:
    width = len(columns) + 1.2 * panel.counts
    axes.set(xlim=(0, width), ylim=(len(rows), 0))
    ticks = [i + 0.5 for i in range(len(columns))] + ([len(columns) + 0.6] if panel.counts else [])
    axes.set_xticks(ticks, [*columns, *(["dark/run"] if panel.counts else [])])
    axes.set_yticks([i + 0.5 for i in range(len(rows))], rows)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=3)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(panel.title, pad=10)


def legend_handles(dark: str, light: str, diagonal: str = "source = target") -> list[Patch]:
    """Legend entries that name what dark and light mean in this figure; no diagonal entry if it is empty."""
    handles = [Patch(facecolor=DARK_CELL, label=dark), Patch(facecolor=_tint(5.0), label=light)]
    if diagonal:
        handles.append(Patch(**_DIAGONAL, label=diagonal))
    return [*handles, Patch(**_MISSING, label=NOT_RUN)]


def draw_panels(
    panels: Sequence[HeatMap],
    handles: Sequence[Patch],
    *,
    rows: str = "mask found on",
    columns: str = "evaluated on",
) -> tuple[Figure, pd.DataFrame]:
    """A figure of heat maps below each other with one legend, and the frame of all that is drawn."""
    heights = [panel.size[1] for panel in panels]
    width = max(panel.size[0] for panel in panels)
    figure = Figure(figsize=(width, sum(heights) + 0.4), layout="constrained")
    grid = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    frames = []
    for axes, panel in zip(grid[:, 0], panels, strict=True):
        frames.append(draw_heatmap(axes, panel))
        axes.set_ylabel(rows, color=GREY)
        axes.set_xlabel(columns, color=GREY)
        axes.xaxis.set_label_position("top")
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), handlelength=1.6)
    return figure, pd.concat(frames, ignore_index=True)
