"""Tables with ours, published and difference beside each other: one frame, as csv, Markdown and LaTeX.

The frame has the columns `row`, `value` and then the table's own columns. A table row is a group of frame
rows with equal `row`; `value` says which quantity each holds (`QUANTITIES`). Cells are floats, NaN, or text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

NOT_RUN = "not run"
NOT_APPLICABLE = "–"
OURS, OURS_STD, OURS_N = "ours", "ours std", "ours n"
PUBLISHED, PUBLISHED_STD, DIFFERENCE = "published", "published std", "difference"
_PRINTED = ((OURS, OURS_STD), (PUBLISHED, PUBLISHED_STD), (DIFFERENCE, ""))
QUANTITIES = (OURS, OURS_STD, OURS_N, PUBLISHED, PUBLISHED_STD, DIFFERENCE)
ROUNDING = 1e-9
"""What is smaller is a zero that arithmetic missed."""
POINTS = "(points)"
"""Ends the label of a row of differences between scores, which have two decimals at most."""


class Statistic(Protocol):
    """Mean, sample std and count of some replicates."""

    @property
    def mean(self) -> float: ...  # noqa: D102
    @property
    def std(self) -> float: ...  # noqa: D102
    @property
    def n(self) -> int: ...  # noqa: D102


Entry = Statistic | float | str | None


@dataclass(frozen=True)
class Row:
    """One table row by column name; `ours=None`: only the paper has it, `published=None`: only we have it."""

    label: str
    ours: Mapping[str, Entry] | None
    published: Mapping[str, Entry] | None = None


@dataclass(frozen=True)
class Line:
    """One printed line: `kind` is "ours", "published" or "difference".

    `first` opens a new table row, which is `height` lines high.
    """

    label: str
    kind: str
    first: bool
    height: int
    cells: tuple[str, ...]


def comparison(columns: Sequence[str], rows: Sequence[Row]) -> pd.DataFrame:
    """The frame of a table (module docstring): every row and column stays, also where nothing was run."""
    records: list[dict[str, object]] = []
    for row in rows:
        group: dict[str, dict[str, object]] = {}
        for column in columns:
            for quantity, value in _quantities(row, column).items():
                group.setdefault(quantity, {})[column] = value
        records += [{"row": row.label, "value": q} | group[q] for q in QUANTITIES if q in group]
    frame = pd.DataFrame.from_records(records, columns=["row", "value", *columns])
    keep = [not _empty_extra(r["value"], [r[c] for c in columns]) for r in frame.to_dict("records")]
    return frame[keep].reset_index(drop=True).astype(object)


def _quantities(row: Row, column: str) -> dict[str, object]:
    out: dict[str, object] = {}
    ours = row.ours.get(column) if row.ours is not None else None
    published = row.published.get(column) if row.published is not None else None
    if row.ours is not None:
        out |= dict(zip((OURS, OURS_STD, OURS_N), _parts(ours), strict=True))
    if row.published is not None:
        out |= dict(zip((PUBLISHED, PUBLISHED_STD), _parts(published)[:2], strict=True))
    if row.ours is not None and row.published is not None:
        a, b = out[OURS], out[PUBLISHED]
        # both have few decimals; more in the difference would be floating-point dust
        out[DIFFERENCE] = round(a - b, 6) if isinstance(a, float) and isinstance(b, float) else np.nan
    return out


def _parts(entry: Entry) -> tuple[object, object, object]:
    if entry is None:
        return np.nan, np.nan, np.nan
    if isinstance(entry, str):
        return entry, np.nan, np.nan
    if isinstance(entry, int | float):
        return float(entry), np.nan, np.nan
    return float(entry.mean), float(entry.std), float(entry.n)


def _missing(value: object) -> bool:
    return isinstance(value, float) and np.isnan(value)


def _empty_extra(quantity: object, cells: Sequence[object]) -> bool:
    """Std, n and difference lines that hold nothing are left out; ours and published always stay."""
    return quantity not in (OURS, PUBLISHED) and all(_missing(c) for c in cells)


def to_csv(frame: pd.DataFrame) -> str:
    """Comma-separated text; numbers with all their digits, missing results of ours as "not run"."""
    out = frame.astype(object).copy()
    fill = [NOT_RUN if quantity == OURS else "" for quantity in out["value"]]
    for column in frame.columns[2:]:
        filled = [f if _missing(v) else v for v, f in zip(out[column], fill, strict=True)]
        out[column] = pd.Series(filled, index=out.index, dtype=object)
    return out.to_csv(index=False, lineterminator="\n")


def read_csv(path: str) -> pd.DataFrame:
    """A frame back from `to_csv`: numbers as floats, "not run" and blanks as NaN, other text as it is."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False).astype(object)
    for column in frame.columns[2:]:
        frame[column] = pd.Series([_parse(v) for v in frame[column]], index=frame.index, dtype=object)
    return frame


def _parse(text: str) -> object:
    if text in ("", NOT_RUN):
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return text


def lines(frame: pd.DataFrame) -> list[Line]:
    """The printed lines of a table: "mean ± std" for ours and published, a signed difference below them."""
    out: list[Line] = []
    columns = list(frame.columns[2:])
    for label in dict.fromkeys(frame["row"]):
        group = {r["value"]: [r[c] for c in columns] for r in frame[frame["row"] == label].to_dict("records")}
        values = [v for q in (OURS, PUBLISHED) for v in group.get(q, [])]
        places = min(_places(values, OURS in group), 2 if label.endswith(POINTS) else 3)
        tiny = all(abs(v) < 0.01 for v in _finite(values))
        shown = [pair for pair in _PRINTED if pair[0] in group]
        for kind, spread in shown:
            spreads = group.get(spread, [np.nan] * len(columns))
            short = tiny or kind != DIFFERENCE  # a difference that rounds to zero is no small number
            cells = [
                _text(kind, v, s, places, short and _lost(v, places, tiny))
                for v, s in zip(group[kind], spreads, strict=True)
            ]
            out.append(Line(label, kind, kind == shown[0][0], len(shown), tuple(cells)))
    return out


def _places(values: Sequence[object], ours: bool) -> int:
    """Decimals of a row: none for counts, three for p-values and the like, two for gains, else one (two as printed)."""
    numbers = _finite(values)
    if all(v == int(v) for v in numbers):
        return 0
    largest = max(abs(v) for v in numbers)
    if largest < 10:
        return 3 if largest < 1.5 else 2
    return 1 if ours or all(v == round(v, 1) for v in numbers) else 2


def _lost(value: object, places: int, tiny: bool) -> bool:
    """Whether so few decimals say nothing of a number, or in a row of tiny ones misstate it by a tenth."""
    if not isinstance(value, float) or abs(value) <= ROUNDING:
        return False
    return abs(value) < 0.0005 or (tiny and abs(round(value, places) - value) > 0.1 * abs(value))


def _finite(values: Sequence[object]) -> list[float]:
    return [v for v in values if isinstance(v, float) and np.isfinite(v)]


def _text(kind: str, value: object, std: object, places: int, short: bool) -> str:
    if _missing(value):
        return NOT_RUN if kind == OURS else ""
    if not isinstance(value, float):
        return str(value)
    if short:  # learning rates and small p-values: 2e-5
        mantissa, exponent = f"{value:.1e}".split("e")
        sign = "+" if kind == DIFFERENCE else ""
        return f"{float(mantissa):{sign}g}e{int(exponent)}".replace("-", "−")
    sign = "+" if kind == DIFFERENCE and round(value, places) != 0 else ""
    value = value if round(value, places) != 0 else 0.0
    text = f"{value:{sign},.{places}f}".replace("-", "−")
    if isinstance(std, float) and not np.isnan(std):
        text += f" ± {std:.{max(places, 1)}f}"
    return text


def to_markdown(frame: pd.DataFrame, heading: str, caption: str) -> str:
    """A pipe table under its number and title, with the caption below."""
    columns = list(frame.columns[2:])
    head = ["", "", *columns]
    body = [[ln.label if ln.first else "", ln.kind, *ln.cells] for ln in lines(frame)]
    widths = [max(len(r[i]) for r in [head, *body]) for i in range(len(head))]
    pad = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) + " |" for r in [head, *body]
    ]
    rule = (
        "|"
        + "|".join(":" + "-" * (w + 1) if i < 2 else "-" * (w + 1) + ":" for i, w in enumerate(widths))
        + "|"
    )
    return "\n".join([f"**{heading}**", "", pad[0], rule, *pad[1:], "", caption, ""])


_TEX = {
    "\\": r"\textbackslash{}",
    **{c: "\\" + c for c in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "⊙": r"$\odot$",
    "θ": r"$\theta$",
    "γ": r"$\gamma$",
    "σ": r"$\sigma$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "†": r"$^\dagger$",
    "→": r"$\rightarrow$",
    "×": r"$\times$",
    "₀": r"$_0$",
    "ʳ": r"$^r$",
    "ˢ": r"$^s$",
    "′": "$'$",
    "″": "$''$",
    "…": r"\ldots{}",
}


def tex_escape(text: str) -> str:
    """Text for LaTeX's text mode, with the few symbols of the papers as mathematics."""
    return "".join(_TEX.get(character, character) for character in text)


def to_tex(frame: pd.DataFrame, label: str, heading: str, caption: str) -> str:
    """A booktabs table (needs booktabs and graphicx); the published line in italics, differences small."""
    columns = list(frame.columns[2:])
    out = [
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{tex_escape(heading)}. {tex_escape(caption)}}}",
        rf"\label{{tab:{label}}}",
        r"\resizebox{\linewidth}{!}{%",
        rf"\begin{{tabular}}{{ll{'r' * len(columns)}}}",
        r"\toprule",
        " & & " + " & ".join(tex_escape(c) for c in columns) + r" \\",
    ]
    for line in lines(frame):
        if line.first:
            out.append(r"\midrule")
        style = {PUBLISHED: r"\textit{%s}", DIFFERENCE: r"{\footnotesize %s}"}.get(line.kind, "%s")
        cells = [style % tex_escape(c) if c else "" for c in (line.kind, *line.cells)]
        out.append(f"{tex_escape(line.label) if line.first else ''} & " + " & ".join(cells) + r" \\")
    out += [r"\bottomrule", r"\end{tabular}}", r"\end{table}", ""]
    return "\n".join(out)
