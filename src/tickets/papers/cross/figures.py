"""Figures over all papers. Each takes (ours, published, facts) and returns the figure and a frame of what it shows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tickets.data.tasks import TASKS
from tickets.figures.heatmap import HeatMap, draw_panels, legend_handles
from tickets.papers.cross.curves import fig1 as fig1
from tickets.papers.cross.evidence import Evidence, PublishedEvidence
from tickets.papers.cross.methods import OWN, TRANSFERRED, Method
from tickets.papers.cross.overlaps import fig2 as fig2
from tickets.papers.cross.tables import MAIN, Facts, gaps_at, holds
from tickets.papers.tamt.terms import TASKS7

_POINTS = "{:+.1f}"


def fig3(ours: Evidence, published: PublishedEvidence, facts: Facts) -> tuple[Figure, pd.DataFrame]:
    """Task-agnostic masks at 70 %: points over the full model, and over the loss of the task's own mask."""
    gaps = _gaps(ours, (OWN, *TRANSFERRED))
    ahead = gaps.iloc[1:] - gaps.iloc[0]
    panels = [
        _panel("Points over the full model", gaps, _passes(ours, (OWN, *TRANSFERRED), "wins")),
        _panel(
            "The same, minus those of the task's own mask", ahead, _passes(ours, TRANSFERRED, "holds its own")
        ),
    ]
    handles = legend_handles("above: wins (one std); below: zero or more", "does not", "")
    return draw_panels(panels, handles, rows="mask", columns="trained and judged on")


def _panel(title: str, values: pd.DataFrame, passes: pd.DataFrame) -> HeatMap:
    return HeatMap(title, values, passes, -values, _POINTS, own={})  # no mask is of a task here


def _gaps(ours: Evidence, methods: Sequence[Method]) -> pd.DataFrame:
    rows = [gaps_at(ours, method, MAIN) for method in methods]
    return _matrix([[row[t].mean if t in row else np.nan for t in TASKS7] for row in rows], methods, float)


def _passes(ours: Evidence, methods: Sequence[Method], criterion: str) -> pd.DataFrame:
    return _matrix(
        [[bool(holds(ours, method, t, MAIN, criterion)) for t in TASKS7] for method in methods], methods, bool
    )


def _matrix(
    rows: list[list[float]] | list[list[bool]], methods: Sequence[Method], kind: type
) -> pd.DataFrame:
    names = [f"{method.title} ({method.paper})" for method in methods]
    return pd.DataFrame(rows, index=names, columns=[TASKS[task].title for task in TASKS7], dtype=kind)
