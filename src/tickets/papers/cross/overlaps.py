"""Cross figure 2: overlap of every method's masks with global and local magnitude pruning of θ₀."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tickets.figures.style import BLACK, mark_not_run
from tickets.papers.cross.evidence import Evidence, PublishedEvidence
from tickets.papers.cross.looks import GRID, add_legends, draw_lines
from tickets.papers.cross.methods import METHODS, Method, of_paper
from tickets.papers.cross.tables import REFERENCES, UNSTRUCTURED, Facts, masks_of
from tickets.pruning.overlap import null_jaccard
from tickets.stats.summary import summarise

_COLUMNS = ["panel", "paper", "method", "level", "kept", "value", "std", "n"]
_TITLES = {"global": "Global: one-shot of Chen et al.", "local": "Local: OMP of Liu et al."}
_TICKETS = "Super tickets and the global mask"


def fig2(ours: Evidence, published: PublishedEvidence, facts: Facts) -> tuple[Figure, pd.DataFrame]:
    """Overlap by weights left with both references, and what super tickets hold of the global one; all in percent."""
    drawn = points(ours)
    figure = Figure(figsize=(12.3, 5.2), layout="constrained")
    grid = figure.add_gridspec(2, 3, height_ratios=[3.4, 1.7])
    for place, title in enumerate((*_TITLES.values(), _TICKETS)):
        axes = figure.add_subplot(grid[0, place])
        part = drawn[drawn["panel"] == title]
        tickets = title == _TICKETS
        _panel(axes, title, part, of_paper("supertickets") if tickets else UNSTRUCTURED)
        if len(part):
            axes.set_ylabel(
                "its weights held, over those by size (points)" if tickets else "overlap with it (%)"
            )
            _null(axes, part, tickets)
    ran = set(zip(drawn["paper"], drawn["method"], strict=True))
    add_legends(figure.add_subplot(grid[1, :]), {m for m in METHODS if (m.paper, m.title) in ran})
    return figure, drawn


def points(ours: Evidence) -> pd.DataFrame:
    """Every point: what is kept and the overlap, in percent; of super tickets the share held minus the share kept."""
    records: list[tuple[object, ...]] = []
    panels = [(_TITLES[kind], kind, UNSTRUCTURED) for kind in REFERENCES]
    for title, kind, methods in [*panels, (_TICKETS, "global", of_paper("supertickets"))]:
        for method in methods:
            frame = masks_of(ours, method)
            for level, part in frame[frame["reference"] == kind].groupby("level"):
                values = part["shared"] - part["keep"] if title == _TICKETS else part["micro"]
                stat = summarise(100 * values.astype(float))
                if stat is not None:
                    numbers = (level, 100 * float(part["keep"].mean()), stat.mean, stat.std, stat.n)
                    records.append((title, method.paper, method.title, *numbers))
    return pd.DataFrame.from_records(records, columns=_COLUMNS)


def _panel(axes: Axes, title: str, drawn: pd.DataFrame, methods: Sequence[Method]) -> None:
    axes.set_title(title)
    if drawn.empty:
        mark_not_run(axes)
        return
    axes.set_xlabel("weights left (%)")
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    draw_lines(axes, drawn, methods, "kept", "value")


def _null(axes: Axes, drawn: pd.DataFrame, share: bool) -> None:
    """What independent masks have: as many of the reference's weights as goes by size, an overlap of k / (2 - k)."""
    kept = np.linspace(drawn["kept"].min(), drawn["kept"].max(), 50)
    expected = [0.0 if share else 100 * null_jaccard(k / 100) for k in kept]
    axes.plot(kept, expected, color=BLACK, linestyle=(0, (1, 1.5)), linewidth=1.2, label="independent masks")
    axes.invert_xaxis()
    if not share:
        axes.set_ylim(0, 103)
    axes.legend(loc="lower left", handlelength=2.4)
