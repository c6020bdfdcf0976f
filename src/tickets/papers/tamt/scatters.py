"""Does downstream follow pre-training? Scores against dev losses of the same masks: Figures 5, 12 and 13."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from tickets.figures.style import GREY
from tickets.papers.tamt.ask import frame_of, tasks_of, together
from tickets.papers.tamt.evidence import AVG5, Evidence, PublishedEvidence, Which
from tickets.papers.tamt.looks import PUBLISHED, Style, add_legend, look, order
from tickets.papers.tamt.panels import Drawn, absent, blank, panel_grid, prepare
from tickets.papers.tamt.wording import AVERAGE5, TASK_NAMES, Facts, percent, percent_text

RANGES = ("loss_low", "loss_high", "score_low", "score_high")
COLUMNS = ("task", "measure", "series", "sparsity", "step", "mask_seed", "loss", "score", *RANGES)
SPARSITIES = (0.5, 0.6, 0.7, 0.8)
MEASURES = {"mlm_loss": "MLM loss", "kd_loss": "KD loss"}
ZOOMED = 0.5
"""The sparsity with an inset: there the trained masks lie close together, random ones far off."""
Colour = tuple[float, float, float]
_CROWD = 10  # dots from which on an inset is worth its room
_STEPPED = ("tamt-mlm", "tamt-kd")
_SINGLE = ("imp", "omp", "random")


@dataclass(frozen=True)
class Panel:
    """Scores of a task (or average) against one loss at one sparsity."""

    task: str
    measure: str
    sparsity: float
    title: str


def fig5(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Average of five against both losses; published points only where the scales are the paper's."""
    rows = [_row(AVERAGE5, measure, f"{name}") for measure, name in MEASURES.items()]
    return _draw(ours, rows, "average of 5", published if published.comparable(ours) else None)


def fig12(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Each of the five tasks against the MLM loss."""
    return _draw(ours, [_row(task, "mlm_loss", TASK_NAMES[task]) for task in AVG5], "MLM loss by task")


def fig13(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Each of the five tasks against the KD loss."""
    return _draw(ours, [_row(task, "kd_loss", TASK_NAMES[task]) for task in AVG5], "KD loss by task")


def fig5_published(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """The points that were read off the paper's Figure 5, alone."""
    rows = [_row(AVERAGE5, measure, f"{name}") for measure, name in MEASURES.items()]
    frames = {p: digitised(published, p) for row in rows for p in row}
    return _figure(rows, frames, "published points of Figure 5")


def points(ours: Evidence, panel: Panel) -> pd.DataFrame:
    """One row a mask: its loss and its score, the mean over fine-tuning seeds; empty without any pruned mask."""
    sparsity = panel.sparsity
    settings = [Which("full"), *(Which(kind, sparsity) for kind in _SINGLE)]
    settings += [which for kind in _STEPPED for which in ours.settings(kind, sparsity)]
    frame = ours.points(settings, panel.measure, tasks_of(panel.task)).rename(columns={"kind": "series"})
    if not (frame["series"] != "full").any():
        return frame_of([], COLUMNS)
    frame["task"], frame["measure"], frame["sparsity"] = panel.task, panel.measure, percent(sparsity)
    return frame.reindex(columns=list(COLUMNS))


def digitised(published: PublishedEvidence, panel: Panel) -> pd.DataFrame:
    """The same of the paper's Figure 5. Where only a range could be read, the middle of it, and the range.

    Mask seed 0: markers of several seeds lie on each other; step: the last of those that do.
    """
    fig5 = published.tables.fig5
    read = fig5[fig5["sparsity"].isin((0.0, panel.sparsity))]
    frame = pd.DataFrame({"task": panel.task, "measure": panel.measure}, index=read.index)
    frame["series"] = PUBLISHED + read["kind"]
    frame["sparsity"] = percent(panel.sparsity)
    frame["step"] = read["step_high"].astype(int)
    frame["mask_seed"] = read["mask_seed"]
    for name, column in (("loss", panel.measure), ("score", "avg5")):
        low, high = (read[f"{column}_{end}"].astype(float) for end in ("low", "high"))
        frame[name] = read[column].astype(float).fillna((low + high) / 2)
        frame[f"{name}_low"], frame[f"{name}_high"] = low, high
    return frame[list(COLUMNS)].reset_index(drop=True)


def _row(task: str, measure: str, name: str) -> list[Panel]:
    return [Panel(task, measure, s, f"{name}, {percent_text(s)}") for s in SPARSITIES]


def _draw(
    ours: Evidence, rows: Sequence[Sequence[Panel]], title: str, published: PublishedEvidence | None = None
) -> Drawn:
    frames = {panel: points(ours, panel) for row in rows for panel in row}
    if published is not None:
        frames = {p: together([f, digitised(published, p)], COLUMNS) for p, f in frames.items()}
    return _figure(rows, frames, f"Score against loss, {title}")


def _figure(rows: Sequence[Sequence[Panel]], frames: dict[Panel, pd.DataFrame], title: str) -> Drawn:
    drawn = together(list(frames.values()), COLUMNS)
    if drawn.empty:
        return blank(title), drawn
    grid = panel_grid([[len(frames[panel]) > 0 for panel in row] for row in rows])
    for i, row in enumerate(rows):
        first = True
        for j, panel in enumerate(row):
            axes = grid.axes[i, j]
            if frames[panel].empty:
                thin = all(frames[r[j]].empty for r in rows)
                absent(axes, percent_text(panel.sparsity) if thin else panel.title)
                continue
            prepare(axes, panel.title, x=MEASURES[panel.measure], y="score (%)" if first else "")
            scatter(axes, frames[panel])
            if panel.sparsity == ZOOMED:
                _inset(axes, frames[panel])
            first = False
    add_legend(grid.figure, _entries(drawn), columns=8)
    return grid.figure, drawn


def _entries(drawn: pd.DataFrame) -> list[Line2D]:
    kinds = {series.removeprefix(PUBLISHED) for series in drawn["series"]}
    entries = [Line2D([], [], **_dot(kind), label=look(kind)[1]) for kind in order(kinds)]
    if drawn["series"].str.startswith(PUBLISHED).any():
        style = _dot("tamt-mlm") | {"color": GREY, "markerfacecolor": "none"}
        entries.append(Line2D([], [], **style, label="open: published (digitised)"))
    return [*entries, Line2D([], [], linestyle="none", label="paler: fewer steps")]


def _dot(kind: str) -> Style:
    style, _ = look(kind)
    size = 8.0 if kind == "full" else style["markersize"]
    return {
        "linestyle": "none",
        "marker": style.get("marker", "*"),
        "markersize": size,
        "color": style["color"],
    }


def scatter(axes: Axes, frame: pd.DataFrame) -> None:
    """One dot a mask, open if published; of a kind with several steps, the paler the fewer."""
    for series in order(frame["series"]):
        part = frame[frame["series"] == series]
        published = series.startswith(PUBLISHED)
        dot = _dot(series.removeprefix(PUBLISHED))
        shades = _shades(part["step"], dot["color"], 0.3 if published else 0.0)
        face: Style = {"c": shades, "edgecolors": dot["color"], "linewidths": 0.4}
        if published:
            face = {"facecolors": "none", "edgecolors": shades, "linewidths": 1.0}
            _ranges(axes, part, shades)
        axes.scatter(part["loss"], part["score"], dot["markersize"] ** 2, marker=dot["marker"], **face)


def _shades(steps: "pd.Series[int]", colour: str, least: float) -> list[Colour]:
    """A colour a dot, by the rank of its step; the fewest steps get a share `least` of what the most get."""
    ranks = steps.rank(method="dense").to_numpy(float) - 1
    shares = ranks / ranks.max() if ranks.max() else np.ones(len(ranks))
    return [_pale(colour, least + (1 - least) * share) for share in shares]


def _ranges(axes: Axes, frame: pd.DataFrame, shades: Sequence[Colour]) -> None:
    """Bars from the lowest to the highest value that could be read off, where it was a range."""
    for name, at, draw in (("score", "loss", axes.vlines), ("loss", "score", axes.hlines)):
        known = frame[f"{name}_low"].notna().to_numpy()
        if known.any():
            part, colours = frame[known], [c for c, k in zip(shades, known, strict=True) if k]
            draw(
                part[at], part[f"{name}_low"], part[f"{name}_high"], color=colours, linewidth=1.0, zorder=0.9
            )


def _pale(colour: str, share: float) -> Colour:
    """The colour mixed with white: share 0 is a fifth of it, 1 all."""
    weight = 0.2 + 0.8 * share
    red, green, blue = (1 - weight * (1 - c) for c in to_rgb(colour))
    return red, green, blue


def _inset(axes: Axes, frame: pd.DataFrame) -> None:
    """Zoom on the trained masks and IMP, in the emptiest corner, where the panel squeezes them."""
    close = frame[frame["series"].isin((*_STEPPED, "imp"))]
    if len(close) < _CROWD or _span(close["score"]) > _span(frame["score"]) / 3:
        return
    inset = axes.inset_axes(_free_corner(axes, frame))
    scatter(inset, frame)
    for column, limits in (("loss", inset.set_xlim), ("score", inset.set_ylim)):
        margin = 0.12 * max(_span(close[column]), 1e-9)
        limits(close[column].min() - margin, close[column].max() + margin)
    inset.tick_params(labelsize=6.5, length=2, pad=1)
    inset.locator_params(nbins=3)
    for spine in inset.spines.values():
        spine.set(visible=True, color=GREY, linewidth=0.6)
    axes.indicate_inset(inset.viewLim.bounds, edgecolor=GREY, linewidth=0.6, alpha=1.0)


def _span(values: "pd.Series[float]") -> float:
    return float(values.max() - values.min())


def _free_corner(axes: Axes, frame: pd.DataFrame) -> tuple[float, float, float, float]:
    """Of four boxes in the corners of the panel the one that covers the fewest dots."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    x = (frame["loss"].to_numpy(float) - left) / (right - left)
    y = (frame["score"].to_numpy(float) - low) / (high - low)
    width, height = 0.46, 0.42
    boxes = [(a, b, width, height) for b in (0.12, 0.98 - height) for a in (0.99 - width, 0.14)]

    def covered(box: tuple[float, float, float, float]) -> int:
        a, b, w, h = box
        edge = 0.03
        return int(np.sum((x > a - edge) & (x < a + w + edge) & (y > b - 0.1) & (y < b + h + edge)))

    return min(boxes, key=covered)
