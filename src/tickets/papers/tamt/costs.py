"""What a mask costs: scores over iterations and time, Figures 6, 7 and 14 to 16."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from tickets.figures.style import GREY
from tickets.papers.tamt.ask import frame_of, imp_steps, score_stat, together
from tickets.papers.tamt.evidence import AVG5, Evidence, PublishedEvidence, Which
from tickets.papers.tamt.looks import RANDOM_INIT, RED, Style, add_legend, handles, look, order
from tickets.papers.tamt.panels import Drawn, absent, blank, flow, note_single, panel_grid, prepare
from tickets.papers.tamt.speedup import Speedup, speedup
from tickets.papers.tamt.wording import AVERAGE5, TASK_NAMES, Facts, percent, percent_text

COLUMNS = ("task", "series", "sparsity", "interval", "step", "hours", "mean", "std", "n")
OBJECTIVES = ("tamt-mlm", "tamt-kd")
_ITERATIONS = "optimizer steps"
_BEST: Style = {"color": GREY, "linestyle": ":", "linewidth": 1.2, "zorder": 1.2}
_REACHED: Style = {"color": RED, "linestyle": ":", "linewidth": 1.2, "zorder": 1.2}
_CLEARLY: Style = {"color": RED, "linestyle": (0, (1, 4)), "linewidth": 1.2, "zorder": 1.2}
_NOTE: Style = {"fontsize": 8.5, "fontweight": "normal", "color": RED}
_SPENT = {"step": ("iterations", "fewer", "fewer_iterations"), "hours": ("time", "less", "less_time")}
_UNITS = (("hours", 1.0), ("minutes", 60.0), ("seconds", 3600.0))


def fig6(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Average of five at 70 % over iterations and over time, with the ratio behind the paper's 8.4 times."""
    drawn = points(ours, AVERAGE5, 0.7)
    if drawn.empty:
        return blank("Average of 5 at 70 % over iterations and time"), drawn
    grid = panel_grid([[True, True]], width=4.9, height=3.1)
    unit, scale = time_unit(drawn["hours"])
    at = (("step", 1.0, _ITERATIONS, "iterations"), ("hours", scale, unit, "time"))
    found = speedup(ours)
    for axes, (over, factor, label, name) in zip(grid.axes[0], at, strict=True):
        y = "average of 5 (%)" if over == "step" else ""
        draw(axes, f"70 %, over {name}", drawn.assign(**{over: drawn[over] * factor}), over, x=label, y=y)
        if found is not None:
            _mark(axes, [m * factor for m in found.marks(over)], found.level)
        if text := _ratio(found, drawn, over, published):
            axes.set_title(text, loc="right", **_NOTE)
    lines = [] if found is None else _meaning(found)
    add_legend(grid.figure, [*handles(drawn["series"]), *lines], columns=6)
    return grid.figure, together([drawn, _marks(found)], COLUMNS)


def fig7(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Average of five at 70 % over iterations, masks trained from OMP and from random ones; both from step 0."""
    trained = [steps(ours, AVERAGE5, 0.7, kind, init) for kind in OBJECTIVES for init in ("omp", "random")]
    starts = [start(ours, AVERAGE5, 0.7, kind) for kind in OBJECTIVES]
    drawn = together([*starts, *trained], COLUMNS)
    drawn = drawn.sort_values(["series", "step"], kind="stable", ignore_index=True)
    if drawn.empty:
        return blank("OMP and random starts, average of 5 at 70 %"), drawn
    grid = panel_grid([[True]], width=5.9, height=3.3)
    draw(grid.axes[0, 0], "Where mask training starts from, 70 %", drawn, y="average of 5 (%)")
    add_legend(grid.figure, handles(drawn["series"]), columns=2)
    return grid.figure, drawn


def fig14(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Five tasks and their average over iterations, at 60 %."""
    return _by_task(ours, 0.6)


def fig15(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """The same at 70 %."""
    return _by_task(ours, 0.7)


def fig16(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """The same at 80 %."""
    return _by_task(ours, 0.8)


def points(ours: Evidence, task: str, sparsity: float) -> pd.DataFrame:
    """Every checkpoint of both objectives, and every pruning interval of IMP."""
    frames = [imp_points(ours, task, sparsity)]
    frames += [steps(ours, task, sparsity, kind) for kind in OBJECTIVES]
    return together(frames, COLUMNS)


def steps(ours: Evidence, task: str, sparsity: float, kind: str, init: str = "omp") -> pd.DataFrame:
    """Scores after each checkpoint of mask training: mean, standard deviation and number of runs."""
    pace = ours.seconds_per_step(kind, "base")
    rows = []
    for step in ours.steps(kind, sparsity, init=init):
        stat = score_stat(ours, Which(kind, sparsity, init=init, step=step), task)
        series = kind + (RANDOM_INIT if init == "random" else "")
        rows.append(_record(task, series, sparsity, 0, step, pace, stat, ours.ddof))
    return frame_of(rows, COLUMNS)


def start(ours: Evidence, task: str, sparsity: float, kind: str) -> pd.DataFrame:
    """Step 0 of training from OMP: the OMP mask."""
    stat = score_stat(ours, Which("omp", sparsity), task)
    trained = ours.steps(kind, sparsity)
    return frame_of([_record(task, kind, sparsity, 0, 0, 0.0, stat, ours.ddof) if trained else None], COLUMNS)


def imp_points(ours: Evidence, task: str, sparsity: float) -> pd.DataFrame:
    """Scores of IMP with each interval p, after its total of (10 s - 1) p steps."""
    pace = ours.seconds_per_step("imp", "base")
    rows = []
    for interval in ours.intervals(sparsity):
        stat = score_stat(ours, Which("imp", sparsity, interval=interval), task)
        step = imp_steps(sparsity, interval)
        rows.append(_record(task, "imp", sparsity, interval, step, pace, stat, ours.ddof))
    return frame_of(rows, COLUMNS)


def _record(
    task: str,
    series: str,
    sparsity: float,
    interval: int,
    step: int,
    pace: float | None,
    stat: Any,
    ddof: int,
) -> tuple[object, ...] | None:
    if stat is None:
        return None
    hours = np.nan if pace is None else step * pace / 3600
    deviation = stat.std if ddof else stat.std0
    return (task, series, percent(sparsity), interval, step, hours, stat.mean, deviation, stat.n)


def time_unit(hours: "pd.Series[float]") -> tuple[str, float]:
    """The largest unit in which the longest time is at least one, and what hours are multiplied with."""
    longest = float(hours.max()) if hours.notna().any() else 1.0
    return next((unit for unit in _UNITS if longest * unit[1] >= 1), _UNITS[-1])


def draw(
    axes: Axes, title: str, drawn: pd.DataFrame, over: str = "step", *, x: str = _ITERATIONS, y: str = ""
) -> None:
    """Means as lines with a standard deviation as bars."""
    drawn = drawn.dropna(subset=[over])
    if drawn.empty:
        absent(axes, title)
        return
    prepare(axes, title, x=x, y=y)
    for series in order(drawn["series"]):
        style, _ = look(series)
        part = drawn[drawn["series"] == series].sort_values(over)
        at, mean, std = (part[c].to_numpy(float) for c in (over, "mean", "std"))
        axes.errorbar(at, mean, np.nan_to_num(std), elinewidth=0.8, capsize=1.8, **style)
    longest = float(drawn[over].max())
    axes.set_xlim(-0.03 * longest, 1.03 * longest)  # costs compare from zero on
    note_single(axes, drawn)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def _mark(axes: Axes, at: Sequence[float], level: float) -> None:
    """Best of IMP as a level, and where TAMT-MLM reaches it first: at all, and by a standard deviation."""
    axes.axhline(level, **_BEST)
    for x, style in zip(at, (_REACHED, _CLEARLY), strict=False):
        if not np.isnan(x):
            axes.axvline(x, **style)


def _ratio(found: Speedup | None, drawn: pd.DataFrame, over: str, published: PublishedEvidence) -> str:
    """The ratio in words beside the published one."""
    if found is None:
        both = {"imp", "tamt-mlm"} <= set(drawn["series"])
        return "TAMT-MLM never reaches the best IMP" if both else ""
    if (reading := found.reading(over)) is None:
        return ""
    noun, saving, anchor = _SPENT[over]
    ratio, words = reading
    return f"{ratio:.1f}× {words} {noun} (published {published.text(anchor):.1f}× {saving})"


def _meaning(found: Speedup) -> list[Line2D]:
    styles = {"best IMP": _BEST, "TAMT-MLM reaches it": _REACHED}
    if found.strict is not None:
        styles["by one std"] = _CLEARLY
    return [Line2D([], [], **style, label=label) for label, style in styles.items()]


def _marks(found: Speedup | None) -> pd.DataFrame:
    """The marks as rows of the frame: series "t*" and "t* by one std"."""
    if found is None:
        return frame_of([], COLUMNS)
    rows: list[tuple[object, ...] | None] = []
    names = ("t*", "t* by one std")
    for name, step, hours in zip(names, found.marks("step"), found.marks("hours"), strict=True):
        if not np.isnan(step):
            rows.append((AVERAGE5, name, 70.0, 0, int(step), hours, found.level, np.nan, np.nan))
    return frame_of(rows, COLUMNS)


def _by_task(ours: Evidence, sparsity: float) -> Drawn:
    frames = {task: points(ours, task, sparsity) for task in (*AVG5, AVERAGE5)}
    drawn = together(list(frames.values()), COLUMNS)
    if drawn.empty:
        return blank(f"Tasks over iterations, {percent_text(sparsity)}"), drawn
    rows, columns = flow(len(frames), 3)
    grid = panel_grid(np.ones((rows, columns), dtype=bool), width=3.05)  # room for a note beside each title
    for i, (axes, (task, frame)) in enumerate(zip(grid.axes.ravel(), frames.items(), strict=True)):
        below, side = i + columns >= len(frames), i % columns == 0
        title = f"{TASK_NAMES[task]}, {percent_text(sparsity)}"
        draw(axes, title, frame, x=_ITERATIONS if below else "", y="score (%)" if side else "")
    add_legend(grid.figure, handles(drawn["series"]))
    return grid.figure, drawn
