"""What happens while masks are trained: loss, realised sparsity and the size of gradients, over steps."""

import math

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from tickets.figures.style import GREY
from tickets.papers.tamt.ask import together
from tickets.papers.tamt.evidence import Evidence, PublishedEvidence, Which
from tickets.papers.tamt.looks import add_legend
from tickets.papers.tamt.panels import Drawn, absent, blank, panel_grid, prepare, without
from tickets.papers.tamt.terms import IMP_KINDS
from tickets.papers.tamt.wording import KIND_NAMES, Facts, percent

COLUMNS = ("model", "kind", "measure", "sparsity", "mask_seed", "step", "value")
KINDS = ("tamt-mlm", "tamt-kd", "tamt-mlm-kd", "imp", "imp-rewind")
MEASURES = {
    "loss": "training loss",
    "removed": "realised − target\nsparsity (points)",
    "grad_ratio": "rms(gradient) / eps",
}
_DIGITS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))
"""Of the labels of a logarithmic axis, as few as will do."""
_MAP = colormaps["plasma_r"]
Shades = dict[float, tuple[float, float, float, float]]


def training(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """One column a method, one row a measure; thin lines are mask seeds, thick ones their mean."""
    model = "base"
    frames = {(m, k): points(ours, k, m, model) for m in MEASURES for k in KINDS}
    drawn = together(list(frames.values()), COLUMNS)
    if drawn.empty:
        return blank("Mask training over its steps"), drawn
    kinds = [k for k in KINDS if k != "imp-rewind" or any(len(frames[m, k]) for m in MEASURES)]
    shades = _shades(drawn)
    grid = panel_grid([[len(frames[m, k]) > 0 for k in kinds] for m in MEASURES], height=1.95)
    for i, (measure, label) in enumerate(MEASURES.items()):
        for j, kind in enumerate(kinds):
            title = KIND_NAMES[kind] if i == 0 else ""
            if not _kept(measure, kind):
                without(grid.axes[i, j], "IMP trains no scores")
                continue
            last = measure == ("removed" if kind in IMP_KINDS else "grad_ratio")
            x, y = "optimizer steps" if last else "", label if j == 0 else ""
            _draw(grid.axes[i, j], title, frames[measure, kind], measure, shades, x, y)
    _legend(grid.figure, shades)
    return grid.figure, drawn


def points(ours: Evidence, kind: str, measure: str, model: str) -> pd.DataFrame:
    """Logged values by sparsity, mask seed and step. IMP is one run, whose sparsity is the one at that step."""
    sparsities = ours.sparsities(kind, model) if _kept(measure, kind) else ()
    frames = []
    for sparsity in sparsities[-1:] if kind.startswith("imp") else sparsities:
        which = Which(kind, sparsity, model)
        curve, target = ours.curve(which, measure), ours.curve(which, "sparsity")
        if curve.empty:
            continue
        values = [_long(frame, name) for frame, name in ((curve, "value"), (target, "sparsity"))]
        long = values[0].merge(values[1], on=["step", "mask_seed"])
        if measure == "removed":
            long["value"] = 100 * (long["value"] - long["sparsity"])
        long["sparsity"] = [percent(s) for s in long["sparsity"]]
        long["model"], long["kind"], long["measure"] = model, kind, measure
        frames.append(long[list(COLUMNS)])
    return together(frames, COLUMNS)


def _kept(measure: str, kind: str) -> bool:
    """Gradients are those of scores, of which IMP has none."""
    return measure != "grad_ratio" or kind not in IMP_KINDS


def _long(wide: pd.DataFrame, name: str) -> pd.DataFrame:
    """Step x mask seed as one row a value; none for what was not logged."""
    return wide.rename_axis(index="step").reset_index().melt("step", value_name=name).dropna()


def _draw(axes: Axes, title: str, frame: pd.DataFrame, measure: str, shades: Shades, x: str, y: str) -> None:
    if frame.empty:
        absent(axes, title)
        return
    prepare(axes, title, x=x, y=y)
    for sparsity in sorted(frame["sparsity"].unique()):
        part, colour = frame[frame["sparsity"] == sparsity], shades[sparsity]
        wide = part.pivot(index="step", columns="mask_seed", values="value")
        axes.plot(wide.index, wide.to_numpy(), color=colour, linewidth=0.4, alpha=0.5)
        axes.plot(wide.index, wide.mean(axis=1), color=colour, linewidth=1.3)
    if measure == "grad_ratio" and (frame["value"] > 0).all():
        log_scale(axes)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))


def log_scale(axes: Axes) -> None:
    """A logarithmic axis with some labels; linear where the values lie too close together for that."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)))
    for digits in _DIGITS:
        ticks = [t for decade in decades for digit in digits if low <= (t := digit * 10.0**decade) <= high]
        if len(ticks) >= (3 if digits is not _DIGITS[-1] else 2):
            axes.set_yticks(ticks, [f"{t / 1000:g}k" if t >= 10_000 else f"{t:g}" for t in ticks])
            axes.minorticks_off()
            return
    axes.set_yscale("linear")


def _shades(drawn: pd.DataFrame) -> Shades:
    """A colour a sparsity, darker the sparser; the palest of the map cannot be seen on white."""
    found = sorted(drawn["sparsity"].unique())
    return {s: _MAP(0.12 + 0.88 * (i + 1) / len(found)) for i, s in enumerate(found)}


def _legend(figure: Figure, shades: Shades) -> None:
    entries = [Line2D([], [], color=colour, label=f"{s:g} %") for s, colour in shades.items()]
    thin = Line2D([], [], color=GREY, linewidth=0.5, label="one mask seed (thick: mean)")
    add_legend(figure, [*entries, thin], columns=10)
