"""Figure 6: how much each head and FFN matters, and to which task (spec supertickets section 4.4)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tickets.figures.pies import PieGrid, draw_pies
from tickets.figures.style import PALETTE, mark_not_run
from tickets.papers.supertickets.evidence import MODELS, TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.layout import TITLES, Facts
from tickets.papers.supertickets.shares import IMPORTANCE

_CELL = 0.27  # inches
_SMALLEST = 3.4  # inches that a panel gets at least
_WIDTH = 8.0  # inches at least, for the legend and the line below the figure
_ABSENT = (2.2, 1.0)


def fig6(ours: Evidence, published: PublishedEvidence, facts: Facts) -> tuple[Figure, pd.DataFrame]:
    """A pie a structure: area its importance, slices the tasks' shares; one panel a model."""
    shares = {model: ours.shares(model) for model in MODELS}
    largest = max((float(f[IMPORTANCE].max()) for f in shares.values() if f is not None), default=1.0)
    grids = {m: None if f is None else pie_grid(m, f, largest) for m, f in shares.items()}
    sizes = {m: _ABSENT if g is None else _size(g) for m, g in grids.items()}
    height = max(size[1] for size in sizes.values()) + 0.8
    width = max(sum(size[0] for size in sizes.values()) + 1.0, _WIDTH)
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.15)  # type: ignore[union-attr, call-arg]
    panels = figure.subplots(1, len(MODELS), width_ratios=[size[0] for size in sizes.values()])
    frames = []
    for axes, (model, grid) in zip(panels, grids.items(), strict=True):
        if grid is None:
            axes.set_title(model)
            mark_not_run(axes)
            continue
        frames.append(draw_pies(axes, grid))
        axes.set(xlabel="head", ylabel="layer")
    if frames:
        tasks = _tasks(pd.concat([f for f in shares.values() if f is not None]))
        handles = [Patch(facecolor=PALETTE[TASKS8.index(t)], label=TITLES[t]) for t in tasks]
        figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), handlelength=1.0)
        return figure, pd.concat(frames, ignore_index=True)
    return figure, PieGrid("", (), (), (), np.empty((0, 0, 0)), np.empty((0, 0)), 1.0).drawn()


def _tasks(shares: pd.DataFrame) -> list[str]:
    return [task for task in TASKS8 if task in shares.columns]


def _size(grid: PieGrid) -> tuple[float, float]:
    width, height = grid.extent
    cell = max(_CELL, _SMALLEST / width)
    return cell * width + 0.4, cell * height + 0.5


def pie_grid(model: str, shares: pd.DataFrame, scale: float) -> PieGrid:
    """Layers x (heads, then the FFN) from `Evidence.shares`; a pie of importance `scale` fills its cell."""
    index = shares.index.to_frame(index=False)
    layers, heads = int(index["layer"].max()) + 1, int(index["index"].max()) + 1
    parts = np.zeros((layers, heads + 1, len(TASKS8)))
    areas = np.zeros((layers, heads + 1))
    at = index["layer"].to_numpy(), index["index"].mask(index["kind"] == "ffn", heads).to_numpy()
    areas[at] = shares[IMPORTANCE].to_numpy(float)
    for k, task in enumerate(TASKS8):
        if task in shares.columns:
            parts[*at, k] = shares[task].to_numpy(float)
    rows, columns = [str(i + 1) for i in range(layers)], [str(j + 1) for j in range(heads)]
    titles = [TITLES[t] for t in TASKS8]
    return PieGrid(model, rows, [*columns, "FFN"], titles, np.nan_to_num(parts), areas, scale, apart=1)
