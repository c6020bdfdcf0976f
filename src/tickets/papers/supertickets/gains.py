"""Figure 3: what super tickets gain task by task, and how much of the model they keep."""

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tickets.figures.style import BLACK, BLUE, EMPTY, GREY, ORANGE, SKY
from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.evidence import MODELS, TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.layout import TITLES, Facts

_COLOURS = {"base": SKY, "large": BLUE}
_PANELS: tuple[tuple[Selection, str], ...] = (
    ("p10", "Ticket chosen on 10 % of dev"),
    ("full", "Ticket chosen on all of dev (optimistic)"),
)
_WIDTH = 0.38
_PRINTED: dict[str, Any] = {
    "marker": "D", "color": ORANGE, "markersize": 4, "markeredgecolor": "white", "markeredgewidth": 0.6,
}  # fmt: skip
_COLUMNS = ["selection", "model", "task", "series", "value", "error"]
GAIN, NULL, LEFT = "gain", "null gain", "remaining"
PUBLISHED_GAIN, PUBLISHED_LEFT = "published gain", "published remaining"


def fig3(ours: Evidence, published: PublishedEvidence, facts: Facts) -> tuple[Figure, pd.DataFrame]:
    """Bars by task and model: gain with the null on each bar (above), remaining weight (below)."""
    drawn = bars(ours, published)
    figure = Figure(figsize=(11.0, 6.4), layout="constrained")
    grid = figure.subplots(2, len(_PANELS), sharey="row", height_ratios=(3, 2))
    for column, (sel, title) in enumerate(_PANELS):
        part = drawn[drawn["selection"] == sel]
        _draw(grid[0, column], part, (GAIN, PUBLISHED_GAIN, NULL))
        _draw(grid[1, column], part, (LEFT, PUBLISHED_LEFT, ""))
        grid[0, column].set_title(title)
        grid[0, column].axhline(0, color=BLACK, linewidth=0.8)
    low, high = grid[0, 0].get_ylim()
    grid[0, 0].set_ylim(low, high + 0.12 * (high - low))
    grid[0, 0].set_ylabel("SuperT − ST-DNN (points)")
    grid[1, 0].set_ylabel("weight remaining (%)")
    grid[1, 0].set_ylim(0, 105)
    figure.legend(handles=_handles(), loc="outside lower left", ncols=6, handlelength=1.6)
    return figure, drawn


def bars(ours: Evidence, published: PublishedEvidence) -> pd.DataFrame:
    """Every bar and mark: value in points or percent; error is the standard error over replicates."""
    rows: list[tuple[object, ...]] = []
    for sel, _ in _PANELS:
        for model in MODELS:
            for task in TASKS8:
                found = _values(ours, published, sel, model, task)
                rows += [(sel, model, task, series, *pair) for series, pair in found.items()]
    return pd.DataFrame.from_records(rows, columns=_COLUMNS)


def _values(
    ours: Evidence, published: PublishedEvidence, sel: Selection, model: str, task: str
) -> dict[str, tuple[float, float]]:
    """Series -> value and error; what was not run or printed is left out."""
    found: dict[str, tuple[float, float]] = {}
    gain, printed = ours.gain(model, task, sel=sel), published.gain(model, task)
    left, shown = ours.remaining_stat(model, task, sel=sel), published.remaining_stat(model, task)
    if gain is not None:
        # t is the mean over its standard error
        found[GAIN] = gain.mean, gain.mean / gain.t if gain.t and math.isfinite(gain.t) else math.nan
        if gain.null is not None:
            found[NULL] = gain.null, math.nan
    if printed is not None:
        found[PUBLISHED_GAIN] = printed.mean, math.nan
    if left is not None:
        found[LEFT] = 100 * left.mean, 100 * left.std / math.sqrt(left.n)
    if shown is not None:
        found[PUBLISHED_LEFT] = 100 * shown.mean, math.nan
    return found


def _draw(axes: Axes, drawn: pd.DataFrame, series: tuple[str, str, str]) -> None:
    bar, printed, null = series
    axes.grid(axis="y", color="#E4E6EA", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set(xlim=(-0.6, len(TASKS8) - 0.4))
    axes.set_xticks(range(len(TASKS8)), [TITLES[t] for t in TASKS8])
    axes.tick_params(axis="x", length=0)
    for i, task in enumerate(TASKS8):
        for model in MODELS:
            x = i + (_WIDTH / 2 if model == MODELS[1] else -_WIDTH / 2)
            here = drawn[(drawn["task"] == task) & (drawn["model"] == model)]
            values = dict(zip(here["series"], here["value"].astype(float), strict=True))
            errors = dict(zip(here["series"], here["error"].astype(float), strict=True))
            if bar in values:
                axes.bar(x, values[bar], _WIDTH * 0.94, color=_COLOURS[model])
                if errors[bar] > 0:
                    axes.errorbar(x, values[bar], errors[bar], color=GREY, linewidth=1, capsize=2)
            else:
                _mark_absent(axes, x, at_top=bar == GAIN)
            if printed in values:
                axes.plot([x], [values[printed]], **_PRINTED)
            if null in values:
                axes.hlines(values[null], x - 0.44 * _WIDTH, x + 0.44 * _WIDTH, color=BLACK, linewidth=2)


def _mark_absent(axes: Axes, x: float, *, at_top: bool) -> None:
    """Grey where a bar would be, its text clear of the published marks (high in the lower panel)."""
    y, va = (0.97, "top") if at_top else (0.03, "bottom")
    axes.axvspan(x - _WIDTH / 2, x + _WIDTH / 2, color=EMPTY, linewidth=0, zorder=0)
    style: dict[str, Any] = {"rotation": 90, "ha": "center", "va": va, "fontsize": 6.5, "color": GREY}
    axes.text(x, y, "not run", transform=axes.get_xaxis_transform(), **style)


def _handles() -> list[Patch | Line2D]:
    return [
        *(Patch(facecolor=colour, label=model) for model, colour in _COLOURS.items()),
        Line2D([], [], color=GREY, linewidth=1, marker="|", markersize=7, label="± standard error"),
        Line2D([], [], color=BLACK, linewidth=2, label="best of 8 full-model reruns (null)"),
        Line2D([], [], color=ORANGE, marker="D", markersize=4, linestyle="none", label="published"),
        Patch(facecolor=EMPTY, label="not run"),
    ]
