"""Tables as they were written, read back cell by cell. Uses the standard library only."""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tickets.errors import TicketsError

Value = float | str | None
Rows = dict[str, dict[str, dict[str, Value]]]
"""Row label -> quantity (`ours`, `published`, ...) -> column -> value; None is "not run" or blank."""
_TIMED = re.compile(r"\b(second|minute|hour)s?\b|: step, relative")


def read_table(path: Path) -> Rows | None:
    """A table's csv, or None where it was not made."""
    if not path.exists():
        return None
    rows: Rows = {}
    for line in read_lines(path, ("row", "value")):
        cells = {k: parse(v) for k, v in line.items() if k not in ("row", "value")}
        rows.setdefault(line["row"], {})[line["value"]] = cells
    return rows


def read_lines(path: Path, needed: Sequence[str] = ()) -> list[dict[str, str]]:
    """The lines of a csv by column name. Raises `TicketsError` if it is damaged."""
    advice = "Draw it again: `tickets render` with its target's name."
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TicketsError(f"{path}: not readable ({error}). {advice}") from None
    for line in lines:
        if None in line or None in line.values() or any(name not in line for name in needed):
            raise TicketsError(f"{path}: lines of unequal length or columns missing. {advice}")
    return lines


def parse(text: str) -> Value:
    """A number, other text, or None for what is blank or was not run."""
    if text in ("", "not run"):
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    return None if math.isnan(number) else number


def timed(label: str) -> bool:
    """Whether a row says how fast a machine is: no two machines agree on it."""
    return bool(_TIMED.search(label))


@dataclass(frozen=True)
class CellChange:
    """A cell of ours that is another number there; `relative` to the largest number of its row."""

    artifact: str
    row: str
    column: str
    here: Value
    there: Value
    relative: float


def changes(artifact: str, here: Rows, there: Rows) -> list[CellChange]:
    """Cells of the quantity `ours` that differ, with rows and columns that only one side has left out."""
    found = []
    for label, group in here.items():
        ours, other = group.get("ours", {}), there.get(label, {}).get("ours", {})
        if timed(label):
            continue
        scale = max((abs(v) for v in (*ours.values(), *other.values()) if isinstance(v, float)), default=0.0)
        for column in ours.keys() & other.keys():
            a, b = ours[column], other[column]
            if a != b:
                gap = abs(a - b) / scale if isinstance(a, float) and isinstance(b, float) else 1.0
                found.append(CellChange(artifact, label, column, a, b, gap))
    return sorted(found, key=lambda change: (-change.relative, change.row, change.column))


def numbers(cells: Mapping[str, Value]) -> dict[str, float]:
    """The cells that hold a number."""
    return {column: value for column, value in cells.items() if isinstance(value, float)}
