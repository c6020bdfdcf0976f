"""What is left of the full model as sparsity grows: Figures 1, 3, 4, 10 and 11."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tickets.papers.tamt.ask import frame_of, record, score_stat, together
from tickets.papers.tamt.evidence import TASKS7, Evidence, PublishedEvidence, Which
from tickets.papers.tamt.looks import RED, Style, add_legend, handles, hollow, look
from tickets.papers.tamt.panels import Drawn, absent, blank, flow, panel_grid, prepare
from tickets.papers.tamt.wording import AVERAGE7, KIND_NAMES, MODEL_NAMES, TASK_NAMES, Facts, percent
from tickets.stats.summary import summarise

COLUMNS = ("model", "task", "series", "sparsity", "mean", "std", "n")
BASELINES = ("full", "random", "omp")
MAIN = ("full", "random", "omp", "imp", "tamt-mlm", "tamt-kd", "tamt-mlm-kd")
GAP = "gap"
_SCORE, _SPARSITY = "score (%)", "sparsity (%)"
_PER_ROW = 4
_BAND = 0.15  # opacity of one standard deviation


def fig1(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Average score and MLM loss of one-shot and random masks."""
    frames = {
        AVERAGE7: points(ours, "base", AVERAGE7, BASELINES),
        "mlm_loss": losses(ours, "base", BASELINES),
    }
    titles = {AVERAGE7: "Downstream, average of 7", "mlm_loss": "Pre-training: MLM loss on held-out text"}
    labels = {AVERAGE7: _SCORE, "mlm_loss": "MLM loss"}
    drawn = together(list(frames.values()), COLUMNS)
    if drawn.empty:
        return blank("OMP and random masks, BERT"), drawn
    grid = panel_grid([[True, True]], width=3.6, height=2.9)
    for axes, (name, frame) in zip(grid.axes[0], frames.items(), strict=True):
        draw(axes, titles[name], frame, y=labels[name])
    add_legend(grid.figure, handles(drawn["series"]))
    return grid.figure, drawn


def fig3(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """All methods on BERT: seven tasks and their average."""
    return _all_tasks(ours, "base")


def fig4(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """The same on RoBERTa."""
    return _all_tasks(ours, "roberta")


def fig10(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """One-shot against random masks, task by task, with the gap between them."""
    frames = {}
    for task in TASKS7:
        frame = points(ours, "base", task, ("random", "omp"))
        frames[task] = together([frame, _gaps(frame)], COLUMNS)
    gap: Style = {"color": RED, "linestyle": "--", "linewidth": 1.3}
    extra = [Line2D([], [], **gap, label="gap: OMP minus random (points)")]
    return _panels(frames, "OMP and random masks by task, BERT", {GAP: gap}, extra)


def fig11(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """One-shot masks of BERT and RoBERTa with the two full models."""
    frames, styles, extra = {}, {}, []
    for task in (*TASKS7, AVERAGE7):
        parts = [points(ours, model, task, ("full", "omp")) for model in MODEL_NAMES]
        parts = [p.assign(series=p["series"] + ":" + p["model"]) for p in parts]
        frames[task] = together(parts, COLUMNS)
    for kind in ("full", "omp"):
        for model, name in MODEL_NAMES.items():
            style = look(kind)[0] if model == "base" else hollow(look(kind)[0])
            style |= {"linestyle": ":"} if (kind, model) == ("full", "roberta") else {}
            styles[f"{kind}:{model}"] = style
            run = any(len(ours.sparsities(k, model)) for k in ("full", "omp"))
            label = f"{KIND_NAMES[kind]}, {name}" + ("" if run else " (not run)")
            extra.append(Line2D([], [], **style, label=label))
    return _panels(frames, "OMP on BERT and RoBERTa", styles, extra, own_legend=True)


def points(ours: Evidence, model: str, task: str, kinds: Sequence[str], lowest: float = 0.0) -> pd.DataFrame:
    """Mean, standard deviation and number of runs at every sparsity that was run; the full model has sparsity 0."""
    rows = []
    for kind in kinds:
        for sparsity in (0.0,) if kind == "full" else ours.sparsities(kind, model):
            if kind == "full" or sparsity >= lowest - 1e-9:
                stat = score_stat(ours, Which(kind, sparsity, model), task)
                rows.append(record((model, task, kind, percent(sparsity)), stat, ours.ddof))
    return frame_of(rows, COLUMNS)


def losses(ours: Evidence, model: str, kinds: Sequence[str], column: str = "mlm_loss") -> pd.DataFrame:
    """The same for a pre-training loss; n counts masks."""
    rows = []
    for kind in kinds:
        for sparsity in (0.0,) if kind == "full" else ours.sparsities(kind, model):
            stat = summarise(ours.losses(Which(kind, sparsity, model), column))
            rows.append(record((model, column, kind, percent(sparsity)), stat, ours.ddof))
    return frame_of(rows, COLUMNS)


def _all_tasks(ours: Evidence, model: str) -> Drawn:
    # the paper's axis begins where its trained masks do; Figures 1 and 10 hold all of OMP and random
    trained = [s for kind in MAIN[3:] for s in ours.sparsities(kind, model)]
    lowest = min(trained, default=0.0)
    frames = {task: points(ours, model, task, MAIN, lowest) for task in (*TASKS7, AVERAGE7)}
    return _panels(frames, f"{MODEL_NAMES[model]}: all methods, tasks and their average")


def _gaps(frame: pd.DataFrame) -> pd.DataFrame:
    """OMP minus random where both ran, in points."""
    wide = frame.pivot(index="sparsity", columns="series", values="mean")
    if not {"omp", "random"} <= set(wide.columns):
        return frame.iloc[:0]
    gap = (wide["omp"] - wide["random"]).dropna()
    same = {"model": frame["model"].iloc[0], "task": frame["task"].iloc[0], "series": GAP}
    return pd.DataFrame({**same, "sparsity": gap.index, "mean": gap.to_numpy(), "std": np.nan, "n": np.nan})


def _panels(
    frames: dict[str, pd.DataFrame],
    title: str,
    styles: dict[str, Style] | None = None,
    extra: Sequence[Line2D] = (),
    own_legend: bool = False,
) -> Drawn:
    drawn = together(list(frames.values()), COLUMNS)
    if drawn.empty:
        return blank(title), drawn
    rows, columns = flow(len(frames), _PER_ROW)
    grid = panel_grid(np.ones((rows, columns), dtype=bool))
    places = list(grid.axes.ravel())
    for i, (axes, (task, frame)) in enumerate(zip(places, frames.items(), strict=False)):
        last = i + columns >= len(frames)
        draw(
            axes,
            TASK_NAMES[task],
            frame,
            styles,
            x=_SPARSITY if last else "",
            y=_SCORE if i % columns == 0 else "",
        )
    for axes in places[len(frames) :]:
        axes.axis("off")
    known = [] if own_legend else handles(s for s in drawn["series"].unique() if s not in (styles or {}))
    add_legend(grid.figure, [*known, *extra], columns=7)
    return grid.figure, drawn


def draw(
    axes: Axes,
    title: str,
    frame: pd.DataFrame,
    styles: dict[str, Style] | None = None,
    *,
    x: str = _SPARSITY,
    y: str = _SCORE,
) -> None:
    """Means as lines with a band of one standard deviation; what has sparsity 0 is a level."""
    if frame.empty:
        absent(axes, title)
        return
    prepare(axes, title, x=x, y=y)
    for series in dict.fromkeys(frame["series"]):
        style = styles[series] if styles and series in styles else look(series)[0]
        part = frame[frame["series"] == series]
        at, mean, std = (part[c].to_numpy(float) for c in ("sparsity", "mean", "std"))
        if at.max() == 0:
            axes.axhline(float(mean[0]), zorder=1.5, **style)
            continue
        axes.plot(at, mean, **style)
        band = np.nan_to_num(std)
        if len(at) == 1:  # no line to put a band around
            axes.errorbar(at, mean, band, color=style["color"], linewidth=1, capsize=2)
        axes.fill_between(at, mean - band, mean + band, color=style["color"], alpha=_BAND, linewidth=0)
    axes.set_xticks(_ticks(frame["sparsity"].to_numpy(float)))


def _ticks(at: Sequence[float] | np.ndarray) -> list[float]:
    """The sparsities that are drawn, every other one where they are many."""
    found = sorted({float(s) for s in at} - {0.0})
    return found if len(found) <= 6 else found[::2]
