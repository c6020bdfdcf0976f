"""How methods look in all figures: the paper gives the colour, the kind of mask the marker."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tickets.figures.style import GREY
from tickets.figures.tableio import NOT_RUN
from tickets.papers.cross.methods import METHODS, PAPERS, Method, of_paper

GRID = "#E4E6EA"
_SHADES = {
    "lth": ("#08519C", "#3182BD", "#4BA3D8", "#86B6DC"),
    "supertickets": ("#B34700", "#E08214", "#F0B35E"),
    "tamt": ("#00441B", "#1B7837", "#35A56B", "#7A9A01", "#74B584", "#9CCBA4"),
}
_KINDS: dict[str, dict[str, Any]] = {
    "imp": {"marker": "o", "markersize": 4.0},
    "mlm": {"marker": "D", "markersize": 4.2, "linestyle": "--"},
    "oneshot": {"marker": "s", "markersize": 4.2, "linestyle": "-."},
    "omp": {"marker": "s", "markersize": 4.2, "linestyle": "-."},
    "random": {"marker": "x", "markersize": 4.5, "linestyle": ":"},
    "winning": {"marker": "*", "markersize": 6.5},
    "losing": {"marker": "v", "markersize": 4.2, "linestyle": "-."},
    "tamt-mlm": {"marker": "^", "markersize": 4.8},
    "tamt-kd": {"marker": "<", "markersize": 4.8},
    "tamt-mlm-kd": {"marker": "P", "markersize": 4.8},
}


def look(method: Method) -> dict[str, Any]:
    """Style of a method's line."""
    place = of_paper(method.paper).index(method)
    kind = "mlm" if (method.paper, method.name) == ("tamt", "imp") else method.name
    return {"linewidth": 1.3, "color": _SHADES[method.paper][place], **_KINDS[kind]}


def draw_lines(axes: Axes, drawn: pd.DataFrame, methods: Sequence[Method], x: str, y: str) -> None:
    """One line a method with the column `std` as bars; no deviation, no bar."""
    for method in methods:
        part = drawn[(drawn["paper"] == method.paper) & (drawn["method"] == method.title)]
        if len(part):
            part = part.sort_values(x, ascending=False)
            places, values, bars = (part[column].to_numpy(float) for column in (x, y, "std"))
            axes.errorbar(places, values, np.nan_to_num(bars), elinewidth=0.7, capsize=1.5, **look(method))


def add_legends(axes: Axes, shown: set[Method], methods: tuple[Method, ...] = METHODS) -> None:
    """One legend a paper side by side in empty axes; a method without results is grey and says so."""
    axes.axis("off")
    papers = [paper for paper in PAPERS if any(method.paper == paper for method in methods)]
    for i, paper in enumerate(papers):
        handles = [_handle(m, m in shown) for m in methods if m.paper == paper]
        legend = axes.legend(
            handles=handles, title=PAPERS[paper], loc="upper left", bbox_to_anchor=(i / len(papers), 1.0),
            borderaxespad=0.0, handlelength=3.0, alignment="left",
        )  # fmt: skip
        legend.get_title().set_fontweight("bold")
        for text in legend.get_texts():
            if text.get_text().endswith(NOT_RUN):
                text.set_color(GREY)
        if i + 1 < len(papers):  # the last one stays anyway
            axes.add_artist(legend)


def _handle(method: Method, shown: bool) -> Line2D:
    if shown:
        return Line2D([], [], **look(method), label=method.title)
    return Line2D([], [], linestyle="none", label=f"{method.title}: {NOT_RUN}")
