"""How every figure looks, and how it is written so that drawing it twice gives the same bytes."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart under the common kinds of colour blindness, and in grey by lightness.
BLUE, ORANGE, GREEN, PURPLE, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#1A1A1A"
AMBER, SKY, YELLOW = "#E69F00", "#56B4E9", "#F0E442"
GREY = "#8A8F98"
DARK_CELL = "#0B4A7A"
EMPTY = "#F4F5F6"  # where nothing was run
PALETTE = (BLUE, AMBER, GREEN, YELLOW, SKY, ORANGE, PURPLE, BLACK)  # eight categories

_DPI = 144  # of a png
_RC: dict[str, object] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine draws the same glyphs
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.linewidth": 0.8,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "figure.dpi": 100,
    "savefig.dpi": _DPI,
    "figure.facecolor": "white",
    "hatch.linewidth": 0.5,
    "svg.hashsalt": "tickets",
    "pdf.fonttype": 42,
    "path.simplify": False,
}
_PADDING = 0.12  # inches
_FOOTER = 7.5  # points
_LEFT = 0.004  # of the width, where the footer begins
_METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"CreationDate": None, "Creator": "tickets", "Producer": None},
    "png": {"Software": None},
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and save under the house settings, whatever the user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def mark_not_run(axes: Axes) -> None:
    """Fill a panel that has no data, so that nobody takes it for a result."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, "not run", transform=axes.transAxes, ha="center", va="center", color=GREY)
    axes.set_facecolor(EMPTY)


def figure_files(figure: Figure, footer: str = "") -> dict[str, bytes]:
    """The figure as "pdf" and "png", without dates or version strings: equal figures give equal bytes.

    `footer` is a small grey line below it, for what it is and which preset the numbers come from; two lines and more
    where the figure is narrow.
    """
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out now; not again for each format
    for legend in figure.legends:  # its anchor would otherwise follow the cropped page
        legend.set_bbox_to_anchor((0, 0, 1, 1), transform=figure.transFigure)
    # Added after the layout is fixed, which would otherwise make room for it inside the figure.
    below = -0.06 / figure.get_figheight()
    note = figure.text(_LEFT, below, footer, ha="left", va="top", fontsize=_FOOTER, color=GREY)
    box = figure.get_tightbbox(canvas.get_renderer()).padded(_PADDING)
    if _printed_width(footer) > box.x1 - _LEFT * figure.get_figwidth():
        note.set_text(_wrapped(footer, (1 - _LEFT) * figure.get_figwidth()))
        box = figure.get_tightbbox(canvas.get_renderer()).padded(_PADDING)
    files = {}
    for suffix, metadata in _METADATA.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix, metadata=metadata, bbox_inches=box)
        files[suffix] = buffer.getvalue()
    return files


def _wrapped(footer: str, room: float) -> str:
    """Broken between words into lines of at most `room` inches."""
    lines: list[str] = []
    for word in footer.split():
        longer = f"{lines[-1]} {word}" if lines else ""
        if longer and _printed_width(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def _printed_width(text: str) -> float:
    """Inches of a line of the footer in the png; on screen hinted glyphs are up to a tenth narrower or wider."""
    page = Figure(dpi=_DPI)
    renderer = FigureCanvasAgg(page).get_renderer()
    return float(page.text(0, 0, text, fontsize=_FOOTER).get_window_extent(renderer).width / _DPI)
