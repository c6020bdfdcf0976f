"""How each method looks in every figure of the paper, and what titles, legends and tables call it."""

from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from tickets.figures.style import AMBER, BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY
from tickets.papers.tamt.wording import KIND_NAMES

Style = dict[str, Any]

RANDOM_INIT = "-random"
"""Ends the series of masks that are trained from a random start."""
PUBLISHED = "published "
"""Begins the series of digitised points."""
RED = "#A50026"
GRID = "#E4E6EA"

STYLES: dict[str, Style] = {
    "full": {"color": GREY, "linestyle": "--", "linewidth": 1.2},
    "random": {"color": AMBER, "marker": "v", "markersize": 4.5, "linestyle": ":"},
    "omp": {"color": GREEN, "marker": "s", "markersize": 4.0, "linestyle": "-."},
    "imp": {"color": BLACK, "marker": "D", "markersize": 3.8},
    "imp-rewind": {"color": PURPLE, "marker": "d", "markersize": 5.0, "linestyle": "--"},
    "tamt-mlm": {"color": BLUE, "marker": "o", "markersize": 4.2},
    "tamt-kd": {"color": ORANGE, "marker": "^", "markersize": 4.8},
    "tamt-mlm-kd": {"color": SKY, "marker": "P", "markersize": 5.0},
}
"""Line style by kind, in the order of legends; dots of a scatter take colour and marker."""


def hollow(style: Mapping[str, Any]) -> Style:
    """The same method under another condition (random start, other model): open markers, dashed."""
    return {**style, "markerfacecolor": "white", "linestyle": (0, (3, 2))}


def look(series: str) -> tuple[Style, str]:
    """Style and legend entry of a series: a kind, or one from a random start; published ones look like ours."""
    series = series.removeprefix(PUBLISHED)
    if series.endswith(RANDOM_INIT):
        style, label = look(series.removesuffix(RANDOM_INIT))
        return hollow(style), f"{label}, random start"
    return STYLES[series], KIND_NAMES[series]


def order(series: Iterable[str]) -> list[str]:
    """Series in the order of legends: published ones last, a random start right after its method."""
    kinds = list(STYLES)

    def key(name: str) -> tuple[bool, int, bool]:
        kind = name.removeprefix(PUBLISHED).removesuffix(RANDOM_INIT)
        return name.startswith(PUBLISHED), kinds.index(kind), name.endswith(RANDOM_INIT)

    return sorted(set(series), key=key)


def handles(series: Iterable[str]) -> list[Line2D]:
    """Legend entries of series that are drawn as lines."""
    return [Line2D([], [], **style, label=label) for style, label in map(look, order(series))]


def add_legend(figure: Figure, entries: list[Line2D], columns: int = 5) -> Legend:
    """One legend below all panels, in rows of equal length."""
    rows = -(-len(entries) // columns)
    return figure.legend(
        handles=entries, loc="outside lower left", ncols=-(-len(entries) // max(rows, 1)), handlelength=2.4
    )
