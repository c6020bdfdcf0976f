"""Similarity of masks as a matrix: darker cells share more of what they keep."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from tickets.figures.style import DARK_CELL, EMPTY
from tickets.papers.tamt.ask import frame_of
from tickets.papers.tamt.evidence import Evidence, Which
from tickets.papers.tamt.wording import KIND_NAMES, percent

COLUMNS = ("sparsity", "row", "column", "jaccard")
KINDS = ("omp", "imp", "tamt-mlm", "tamt-kd")
SEEDS = (1, 2, 3)
_COLOURS = LinearSegmentedColormap.from_list("shared", ["#F7FAFC", "#A9CBE3", DARK_CELL])
_WHITE_FROM = 0.72  # share of the scale above which black numbers are hard to read

Mask = tuple[str, int]
"""Kind and mask seed."""


def masks(seeds: Sequence[int] = SEEDS) -> list[Mask]:
    """The ten masks of the paper's matrices: OMP is one."""
    return [(kind, seed) for kind in KINDS for seed in ((1,) if kind == "omp" else seeds)]


def name(mask: Mask) -> str:
    """Its row label."""
    kind, seed = mask
    return KIND_NAMES[kind] if kind == "omp" else f"{KIND_NAMES[kind]} {seed}"


def jaccard(ours: Evidence, sparsity: float) -> pd.DataFrame:
    """One row a cell of the matrix, both triangles; a mask with itself only if it is compared with any other."""
    found = {}
    for i, a in enumerate(KINDS):
        for b in KINDS[i:]:
            values = ours.similarity(Which(a, sparsity), Which(b, sparsity))
            first, second = (values.index.get_level_values(level) for level in (0, 1))
            for one, other, value in zip(first, second, values, strict=True):
                found[frozenset([(a, int(one)), (b, int(other))])] = float(value)
    known = {mask for pair in found for mask in pair}
    rows: list[tuple[object, ...] | None] = []
    for row in masks():
        for column in masks():
            same = 1.0 if row == column and row in known else None
            shared = found.get(frozenset([row, column]), same)
            if shared is not None:
                rows.append((percent(sparsity), name(row), name(column), shared))
    return frame_of(rows, COLUMNS)


def draw_matrix(axes: Axes, title: str, frame: pd.DataFrame, number_size: float = 7.0) -> None:
    """Cells with their numbers; what was not run is left grey."""
    names = [name(mask) for mask in masks()]
    # a preset with fewer seeds has no use for the rows of the others
    names = [n for n in names if n in set(frame["row"])]
    values = frame.pivot(index="row", columns="column", values="jaccard").reindex(index=names, columns=names)
    table = values.to_numpy(float)
    low = float(np.floor(10 * np.nanmin(table)) / 10)
    low = min(low, 0.9)
    colours = _COLOURS.with_extremes(bad=EMPTY)
    axes.imshow(np.ma.masked_invalid(table), cmap=colours, vmin=low, vmax=1.0, aspect="equal")
    for i, j in np.argwhere(~np.isnan(table)):
        dark = (table[i, j] - low) / (1 - low) > _WHITE_FROM
        text = "1" if table[i, j] > 1 - 5e-4 else f"{table[i, j]:.2f}".lstrip("0")
        axes.text(
            j, i, text, ha="center", va="center", fontsize=number_size, color="white" if dark else "black"
        )
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=7.5)
    axes.set_yticks(range(len(names)), names, fontsize=7.5)
    axes.tick_params(length=0, pad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(title)
    _separate(axes, names)


def _separate(axes: Axes, names: Sequence[str]) -> None:
    """White lines between the methods."""
    kinds = [n.rsplit(" ", 1)[0] for n in names]
    for i in range(1, len(kinds)):
        width = 2.0 if kinds[i] != kinds[i - 1] else 0.4
        axes.axhline(i - 0.5, color="white", linewidth=width)
        axes.axvline(i - 0.5, color="white", linewidth=width)


def independent(sparsity: float) -> float:
    """Jaccard similarity of two independent random masks, d / (2 - d) with d the fraction kept."""
    kept = 1 - sparsity
    return kept / (2 - kept)
