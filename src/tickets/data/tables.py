"""Tasks whose official files are tables: one row a line, fields between tabs, or for SNLI also JSON lines.

The files use tabs only: no quoting, no escapes, `"` is an ordinary character. A row is what stands between
two newlines. Readers that quote, or that take other characters for line ends, silently lose rows.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tickets.data.layouts import TABLES, Layout
from tickets.data.tasks import task
from tickets.errors import TicketsError

Row = tuple[int, list[str]]
"""Line number; texts and label."""


def read_table(task_id: str, path: Path) -> Any:
    """One split as a `datasets.Dataset` with the columns of `features`; rows without a label are left out.

    Raises `TicketsError` naming file, line and expected columns if the file is missing, not UTF-8, cut short,
    of another task, or an outdated version (QNLI v1).
    """
    from datasets import Dataset

    layout = TABLES[task_id]
    found = _json_rows(path, layout) if path.suffix == ".jsonl" else _rows(path, layout)
    rows = [row for row in found if row[1][-1] != layout.unlabelled]
    if not rows:
        raise TicketsError(f"{path}: no rows. Expected the columns {layout.names()}.")
    if len(rows) in layout.retired_sizes:
        raise TicketsError(
            f"{path}: {len(rows)} rows, which is {layout.folder} version 1. GLUE replaced it; use version 2."
        )
    columns: dict[str, list[Any]] = {
        name: [row[1][index] for row in rows]
        for index, name in enumerate(("first", "second")[: len(layout.texts)])
    }
    columns["label"] = [_label(task_id, row[1][-1], path, row[0]) for row in rows]
    return Dataset.from_dict(columns, features=features(task_id))


def features(task_id: str) -> Any:
    """Columns of a split: `first`, for pairs `second`, and `label` in the order of `Task.labels`."""
    from datasets import ClassLabel, Features, Value

    found: dict[str, Any] = {
        name: Value("string") for name in ("first", "second")[: len(TABLES[task_id].texts)]
    }
    labels = task(task_id).labels
    return Features(found | {"label": ClassLabel(names=list(labels)) if labels else Value("float32")})


def _rows(path: Path, layout: Layout) -> Iterator[Row]:
    lines = _lines(path)
    header = layout.columns or tuple(lines[0].split("\t"))
    wanted = [*layout.texts, layout.label]
    missing = [name for name in wanted if name not in header]
    if missing:
        raise TicketsError(
            f"{path}, line 1: {', '.join(map(repr, missing))} not among {', '.join(map(repr, header))}. "
            f"Expected the columns {layout.names()} of the official file."
        )
    places = [header.index(name) for name in wanted]
    broken = 0
    first = 0 if layout.columns else 1
    for number, line in enumerate(lines[first:], start=first + 1):
        fields = line.split("\t")
        if len(fields) == len(header):
            yield number, [fields[place] for place in places]
            continue
        broken += 1
        if broken > layout.broken_rows:
            raise TicketsError(
                f"{path}, line {number}: {len(fields)} fields, expected {len(header)} ({', '.join(header)}). "
                "The file is damaged or cut short; fetch it again."
            )


def _json_rows(path: Path, layout: Layout) -> Iterator[Row]:
    """One JSON object a line, with the names of the table's columns as keys."""
    wanted = [*layout.texts, layout.label]
    for number, line in enumerate(_lines(path), start=1):
        try:
            entry = json.loads(line)
        except json.JSONDecodeError as error:
            raise TicketsError(
                f"{path}, line {number}: no JSON ({error.msg}). The file is damaged or cut short; fetch it again."
            ) from None
        missing = [name for name in wanted if not isinstance(entry, dict) or type(entry.get(name)) is not str]
        if missing:
            raise TicketsError(
                f"{path}, line {number}: no text under {', '.join(map(repr, missing))}. "
                f"Expected the keys {layout.names()} of the official file."
            )
        yield number, [entry[name] for name in wanted]


def _lines(path: Path) -> Sequence[str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TicketsError(
            f"{path}: cannot read it ({error.strerror}). Place the official file there (see DATA.md), "
            "or name another with data.files."
        ) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TicketsError(f"{path}, line {line}: not UTF-8. Convert the file to UTF-8.") from None
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if lines == [""]:
        raise TicketsError(f"{path}: the file is empty. Fetch the official file again.")
    return lines


def _label(task_id: str, value: str, path: Path, line: int) -> int | float:
    labels = task(task_id).labels
    if labels:
        if value in labels:
            return labels.index(value)
        expected = f"one of {', '.join(labels)}"
    else:
        try:
            score = float(value)
        except ValueError:
            score = math.nan
        if 0 <= score <= 5:
            return score
        expected = "a number from 0 to 5"
    column = TABLES[task_id].label
    raise TicketsError(
        f"{path}, line {line}: {column} is {value!r}, expected {expected}. Expected columns: "
        f"{TABLES[task_id].names()}; use a labelled split of the official file."
    )
