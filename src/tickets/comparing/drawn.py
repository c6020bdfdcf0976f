"""Figures that draw published values beside ours, as rows of a table. Uses the standard library only."""

from pathlib import Path

from tickets.comparing.tables import Rows, parse, read_lines

_KEYS = ("selection", "model", "task", "variant", "measure", "series", "level", "sparsity")
_VALUES = ("value", "mean")
_PREFIX = "published "
_SUMMARY = "dark/run"  # the column of a heat map that counts its other cells


def read_drawn(path: Path) -> Rows | None:
    """What a figure draws of ours and of the paper; None where it was not made, no rows where it draws only one.

    Heat maps have a panel "Ours" and one "Published"; other figures a series "published X" beside a series "X".
    """
    if not path.exists():
        return None
    lines = read_lines(path)
    columns = lines[0].keys() if lines else ()
    if "panel" in columns and "value" in columns:
        return _panels(lines)
    value = next((name for name in _VALUES if name in columns), None)
    return {} if "series" not in columns or value is None else _series(lines, value)


def _panels(lines: list[dict[str, str]]) -> Rows:
    found: Rows = {}
    panels = {line["panel"].split(" ")[0].rstrip(":") for line in lines}
    if not {"Ours", "Published"} <= panels:
        return {}
    for line in lines:
        quantity = line["panel"].split(" ")[0].rstrip(":").lower()
        if quantity in ("ours", "published") and line["column"] != _SUMMARY:
            row = found.setdefault(line["row"], {})
            row.setdefault(quantity, {})[line["column"]] = parse(line["value"])
    return found


def _series(lines: list[dict[str, str]], value: str) -> Rows:
    """A row a series and what it was measured under; the columns are the tasks."""
    found: Rows = {}
    for line in lines:
        quantity = "published" if line["series"].startswith(_PREFIX) else "ours"
        named = {**line, "series": line["series"].removeprefix(_PREFIX)}
        label = ", ".join(named[k] for k in _KEYS if k != "task" and named.get(k))
        row = found.setdefault(label, {})
        row.setdefault(quantity, {})[line.get("task", "all")] = parse(line[value])
        if "std" in line:
            row.setdefault(f"{quantity} std", {})[line.get("task", "all")] = parse(line["std"])
    return found
