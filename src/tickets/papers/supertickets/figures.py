"""The paper's figures; each takes (ours, published, facts) and returns the figure with the frame of what it shows."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tickets.papers.supertickets.curves import (
    BASELINES,
    FAMILIES,
    WINNING,
    Panel,
    add_legend,
    draw_curves,
    draw_panel,
    families_of,
    points,
)
from tickets.papers.supertickets.evidence import MODELS, TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.gains import fig3 as fig3
from tickets.papers.supertickets.layout import TITLES, Facts
from tickets.papers.supertickets.pie_figure import fig6 as fig6

Drawn = tuple[Figure, pd.DataFrame]
PAPER_PANELS = ("rte", "sst-2", "mnli")
"""The tasks that the text names; the panels of the printed Figure 4 are not legible (spec section 5)."""
SUBSETS = ("data1", "data10", "data20", "")
SUBSET_TASK = "mnli"


def fig1(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """One panel of Figure 4, and what the schematic speaks of as far as it can be measured."""
    panel = _first(ours)
    measures = (("", "dev score (%)", ""), ("variance", "variance over seeds (points²)", "Variance"),
                ("train_loss", "final training loss", "Training loss"))  # fmt: skip
    figure = Figure(figsize=(11.0, 3.6), layout="constrained")
    axes: Sequence[Axes] = figure.subplots(1, 3)
    frames = []
    scores = points(ours, panel)
    for ax, (measure, label, title) in zip(axes, measures, strict=True):
        drawn = points(ours, panel, "train_loss") if measure == "train_loss" else scores
        if measure == "variance":
            curves = drawn[drawn["series"].isin(FAMILIES) & drawn["std"].notna()]
            drawn = curves.assign(mean=curves["std"] ** 2, std=float("nan"))
        frames.append(drawn.assign(measure=measure or "score"))
        named = Panel(panel.model, panel.task, title=f"{title}: {panel.heading}" if title else "")
        draw_panel(ax, named, drawn, None if drawn.empty or measure else ours.phases(panel.model, panel.task))
        if not drawn.empty:
            ax.set_ylabel(label)
    if len(scores):
        add_legend(figure, [scores])
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    return figure, pd.concat(filled, ignore_index=True)


def _first(ours: Evidence) -> Panel:
    """The panel of Figure 4 with the most families, base before large."""
    return max(_panels(ours), key=lambda panel: len(families_of(ours, panel.model, panel.task)))


def fig4(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Winning, random and losing tickets: the panels that the paper names, and wherever else all were run."""
    return draw_curves(ours, _panels(ours), MODELS)


def _panels(ours: Evidence) -> list[Panel]:
    return [
        Panel(model, task)
        for model in MODELS
        for task in TASKS8
        if task in PAPER_PANELS or set(families_of(ours, model, task)) & set(BASELINES)
    ]


def fig5(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """The same on 1, 10, 20 and 100 % of the training data (MNLI, base)."""
    titles = {v: f"{v.removeprefix('data') or '100'} % of {TITLES[SUBSET_TASK]}" for v in SUBSETS}
    panels = [Panel("base", SUBSET_TASK, variant, title=titles[variant]) for variant in SUBSETS]
    return draw_curves(ours, panels, ("base",), per_row=2)


def fig7(ours: Evidence, published: PublishedEvidence, facts: Facts) -> Drawn:
    """Winning tickets of the tasks that Figure 4 leaves out."""
    shown = {(panel.model, panel.task) for panel in _panels(ours)}
    panels = []
    for model in MODELS:
        rest = [task for task in TASKS8 if (model, task) not in shown]
        panels += [Panel(model, task, families=(WINNING,)) for task in rest or TASKS8]
    return draw_curves(ours, panels, MODELS)
