"""Score against remaining weight, with the three phases (Figures 1, 4, 5 and 7; spec supertickets section 1.8)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tickets.figures.style import BLACK, BLUE, GREY, ORANGE, PURPLE, mark_not_run
from tickets.papers.supertickets.evidence import LEVELS, Evidence
from tickets.papers.supertickets.layout import TITLES
from tickets.papers.supertickets.phases import Phases
from tickets.stats.summary import Stat, summarise

WINNING, RANDOM, LOSING = "winning", "random", "losing"
FAMILIES = (WINNING, RANDOM, LOSING)
BASELINES = (RANDOM, LOSING)
FULL, NULL, SUPER, END_I, START_III = (
    "full model",
    "best of 8 reruns",
    "best ticket",
    "end of I",
    "start of III",
)
STYLES: dict[str, dict[str, Any]] = {
    WINNING: {"color": BLUE, "marker": "o", "markersize": 3.5},
    RANDOM: {"color": ORANGE, "marker": "s", "markersize": 3.5, "linestyle": "--"},
    LOSING: {"color": PURPLE, "marker": "v", "markersize": 4, "linestyle": "-."},
    FULL: {"color": GREY, "linestyle": "--", "linewidth": 1.2},
    NULL: {"color": BLACK, "linestyle": ":", "linewidth": 1.4},
    SUPER: {"color": BLUE, "marker": "*", "markersize": 12, "markeredgecolor": BLACK, "linestyle": "none"},
}
_LABELS = {
    **{family: f"{family} tickets" for family in FAMILIES},
    FULL: "full model (ST-DNN)",
    NULL: "best of 8 full-model reruns (null)",
    SUPER: "best winning ticket",
}
_SHADES = {"I": "#DCEBF5", "II": "#FBF3D9", "III": "#EFE3EC", "II–III": "#F2EFE6"}
_COLUMNS = ["model", "task", "variant", "series", "level", "remaining", "mean", "std", "n"]
_WIDTH, _PANEL, _STRIP = (
    3.6,
    2.75,
    0.75,
)  # inches: a panel's width and height, the height of a "not run" strip
PER_ROW = 3


@dataclass(frozen=True)
class Panel:
    """One task's curves: which families belong in it, and its title."""

    model: str
    task: str
    variant: str = ""
    families: tuple[str, ...] = FAMILIES
    title: str = ""

    @property
    def heading(self) -> str:
        """Title of the panel."""
        return self.title or f"{TITLES[self.task]}, {self.model}"


def points(ours: Evidence, panel: Panel, metric: str | None = None) -> pd.DataFrame:
    """Every point, line and phase boundary of a panel: remaining in percent; mean, std and n over replicates.

    A horizontal line has no level and no remaining weight; a boundary has no mean. Empty if nothing was run.
    """
    records: list[tuple[object, ...]] = []

    def add(series: str, level: float, remaining: float | None, stat: Stat | None) -> None:
        if stat is not None or (remaining is not None and series in (END_I, START_III)):
            numbers = (stat.mean, stat.std, stat.n) if stat is not None else (np.nan, np.nan, 0)
            left = np.nan if remaining is None else round(100 * remaining, 6)
            records.append((panel.model, panel.task, panel.variant, series, level, left, *numbers))

    where = (panel.model, panel.task)
    for family in panel.families:
        for level in LEVELS:
            # all three curves start at the full model
            own = family if level else WINNING
            scores = ours.scores(*where, family=own, level=level, variant=panel.variant, metric=metric)
            left = ours.remaining(*where, level, family=own, variant=panel.variant)
            add(family, level, left, summarise(scores))
    if metric is None and records:
        _references(ours, panel, add)
    frame = pd.DataFrame.from_records(records, columns=_COLUMNS)
    lonely = frame.groupby("series")["level"].transform("max") == 0  # a start without a curve
    return frame[~(lonely & frame["series"].isin(BASELINES))].reset_index(drop=True)


def _references(ours: Evidence, panel: Panel, add: Any) -> None:
    where = (panel.model, panel.task)
    add(FULL, np.nan, None, summarise(ours.scores(*where, variant=panel.variant)))
    if not panel.variant:
        add(NULL, np.nan, None, summarise(ours.null(*where)))
    phases = ours.phases(*where, panel.variant)
    if phases is None:
        return
    if phases.exists:
        best = summarise(ours.scores(*where, level=phases.peak, variant=panel.variant))
        add(SUPER, phases.peak, phases.threshold, best)
    add(END_I, phases.peak, phases.threshold, None)
    if phases.boundary is not None:
        add(START_III, np.nan if phases.crossing is None else phases.crossing, phases.boundary, None)


def draw_panel(axes: Axes, panel: Panel, drawn: pd.DataFrame, phases: Phases | None = None) -> None:
    """Draw the points of a panel; remaining weight falls to the right, as in the paper."""
    axes.set_title(panel.heading)
    if drawn.empty:
        mark_not_run(axes)
        return
    right = float(drawn["remaining"].min())
    margin = 0.04 * (100 - right)
    axes.set(xlim=(100 + margin, right - margin), xlabel="weight remaining (%)")
    axes.grid(axis="y", color="#E4E6EA", linewidth=0.7)
    axes.set_axisbelow(True)
    for series, style in STYLES.items():
        part = drawn[drawn["series"] == series]
        if part.empty:
            continue
        x, mean, std = (part[c].to_numpy(float) for c in ("remaining", "mean", "std"))
        if series in (FULL, NULL):
            axes.axhline(float(mean[0]), zorder=1.5, **style)
            continue
        axes.plot(x, mean, **style)
        if series in FAMILIES:
            band = np.nan_to_num(std)
            axes.fill_between(x, mean - band, mean + band, color=style["color"], alpha=0.16, linewidth=0)
    _shade(axes, drawn)
    if phases is not None:
        axes.set_title(_pronounced(phases), loc="right", fontsize=8, fontweight="normal", color=GREY)


def _pronounced(phases: Phases) -> str:
    text = f"P = {phases.pronounced:+.1f}" if phases.exists else "P = 0"
    if phases.interval is not None:
        low, high = phases.interval
        text += f" [{low:.1f}, {high:.1f}]"
    return text.replace("-", "−")


def spans(drawn: pd.DataFrame) -> list[tuple[str, float, float]]:
    """Phases of a panel that have any width: name, start and end in percent remaining.

    Without random tickets nobody knows where III begins, so that II and III are one.
    """
    ends = {s: drawn.loc[drawn["series"] == s, "remaining"] for s in (END_I, START_III)}
    if ends[END_I].empty:
        return []
    first, last = float(ends[END_I].iloc[0]), float(drawn["remaining"].min())
    third = last if ends[START_III].empty else float(ends[START_III].iloc[0])
    second = "II" if RANDOM in set(drawn["series"]) else "II–III"
    found = [("I", 100.0, first), (second, first, third), ("III", third, last)]
    return [(name, start, end) for name, start, end in found if start - end > 1e-9]


def _shade(axes: Axes, drawn: pd.DataFrame) -> None:
    """The phases as tints with their names on top; the outer ones reach to the edges of the panel."""
    phases, (left, right) = spans(drawn), axes.get_xlim()
    for i, (name, start, end) in enumerate(phases):
        start = left if i == 0 else start
        end = right if i == len(phases) - 1 else end
        axes.axvspan(start, end, color=_SHADES[name], linewidth=0, zorder=0)
        # a sliver of a phase keeps its tint but has no room for its name
        if start - end > 0.05 * (left - right):
            place = axes.get_xaxis_transform()
            axes.text(
                (start + end) / 2, 0.975, name, transform=place, ha="center", va="top", fontsize=8, color=GREY
            )
    if phases:  # room for the names above the curves
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.1 * (high - low))


def add_legend(figure: Figure, panels: Iterable[pd.DataFrame]) -> Legend:
    """A legend below all panels of the series and phases that are drawn."""
    frames = [frame for frame in panels if len(frame)]
    series = {name for frame in frames for name in frame["series"]}
    phases = {name for frame in frames for name, _, _ in spans(frame)}
    handles: list[Line2D | Patch] = [
        Line2D([], [], **style, label=_LABELS[name]) for name, style in STYLES.items() if name in series
    ]
    handles += [Patch(facecolor=c, label=f"Phase {name}") for name, c in _SHADES.items() if name in phases]
    columns = len(handles) if len(handles) <= 5 else (len(handles) + 1) // 2
    return figure.legend(handles=handles, loc="outside lower left", ncols=columns, handlelength=2.2)


def draw_curves(
    ours: Evidence, panels: Sequence[Panel], models: Sequence[str], per_row: int = PER_ROW
) -> tuple[Figure, pd.DataFrame]:
    """Panels by model, `per_row` a row, and one legend; a model without any run is a flat strip that says so."""
    frames = {panel: points(ours, panel) for panel in panels}
    rows: list[list[Panel]] = []
    for model in models:
        mine = [panel for panel in panels if panel.model == model]
        if all(frames[panel].empty for panel in mine):
            tasks = ", ".join(dict.fromkeys(TITLES[panel.task] for panel in mine))
            rows.append([Panel(model, "", title=f"{model}: {tasks}")])
        else:
            rows += [mine[i : i + per_row] for i in range(0, len(mine), per_row)]
    heights = [_PANEL if row[0].task else _STRIP for row in rows]
    figure = Figure(figsize=(_WIDTH * per_row, sum(heights) + 0.5), layout="constrained")
    grid = figure.add_gridspec(len(rows), per_row, height_ratios=heights)
    for i, row in enumerate(rows):
        if not row[0].task:
            draw_panel(figure.add_subplot(grid[i, :]), row[0], pd.DataFrame())
            continue
        for j, panel in enumerate(row):
            axes = figure.add_subplot(grid[i, j])
            phases = None if frames[panel].empty else ours.phases(panel.model, panel.task, panel.variant)
            draw_panel(axes, panel, frames[panel], phases)
            if j == 0 and len(frames[panel]):
                axes.set_ylabel("dev score (%)")
    drawn = pd.concat([f for f in frames.values() if len(f)] or [pd.DataFrame(columns=_COLUMNS)])
    if len(drawn):
        add_legend(figure, frames.values())
    return figure, drawn.reset_index(drop=True)


def families_of(ours: Evidence, model: str, task: str) -> tuple[str, ...]:
    """The families that were run for a task beyond the full model."""
    return tuple(
        family
        for family in FAMILIES
        if any(len(ours.scores(model, task, family=family, level=k)) for k in LEVELS[1:])
    )
