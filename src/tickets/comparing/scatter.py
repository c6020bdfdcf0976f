"""Scores here against scores there, a dot a run."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from tickets.comparing.report import FolderReport
from tickets.errors import TicketsError
from tickets.figures.render import write_atomically
from tickets.figures.style import AMBER, BLUE, GREEN, GREY, PURPLE, figure_files, house_style

_COLOURS = (BLUE, AMBER, GREEN, PURPLE)


def draw_scores(report: FolderReport, path: Path) -> None:
    """Write a square scatter plot to a .png or .pdf file; on the diagonal are runs that agree."""
    suffix = path.suffix.removeprefix(".")
    if suffix not in ("png", "pdf"):
        raise TicketsError(f"--plot {path}: the name must end in .png or .pdf.")
    with house_style():
        figure = _figure(report)
        footer = f"here: {report.here.root}; there: {report.there.root}"
        write_atomically(path, figure_files(figure, footer)[suffix])


def _figure(report: FolderReport) -> Figure:
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.add_subplot()
    axes.axline((0, 0), slope=1, color=GREY, linewidth=0.8, zorder=1)
    for colour, paper in zip(_COLOURS, report.runs.papers, strict=False):
        pairs = [pair for pair in report.runs.all_pairs if pair.here.paper == paper.paper]
        there, here = [pair.there.score for pair in pairs], [pair.here.score for pair in pairs]
        name = f"{paper.paper}: {len(pairs) - paper.identical:,} of {len(pairs):,} differ"
        axes.scatter(there, here, s=9, alpha=0.6, color=colour, linewidths=0, label=name, zorder=2)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("score there (points)")
    axes.set_ylabel("score here (points)")
    axes.legend(loc="lower right", frameon=False, fontsize=mpl.rcParams["xtick.labelsize"])
    return figure
