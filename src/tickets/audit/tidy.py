"""Comparing a stored text file with the same file made again: which row, which column, both values."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import Path

from tickets.audit.records import differences, shown

FEW = 5
"""Differences of one file that are named."""
TABLE = ["row", "value"]
"""First columns of the csv of a table; they name its rows."""


def unlike(path: Path, again: bytes, known: frozenset[str] = frozenset(), few: int = FEW) -> list[str]:
    """How a file differs from what it should be, in words, the first `few` of them; nothing if it does not.

    known  names of rows of a CSV that may be missing in `again`
    """
    stored = path.read_bytes()
    if stored == again:
        return []
    try:
        theirs, ours = stored.decode(), again.decode()
        if path.suffix == ".csv":
            found = _csv(theirs, ours, known)
        else:
            found = _json(theirs, ours) if path.suffix == ".json" else _lines(theirs, ours)
        named = list(islice(found, few + 1))
    except (UnicodeDecodeError, ValueError, csv.Error) as error:
        return [f"it cannot be read ({error})"]
    if not named and known:
        return []
    if not named:
        return ["the values agree, the bytes do not (blanks, quotes or line ends)"]
    return named[:few] + (["and more"] if len(named) > few else [])


def _csv(theirs: str, ours: str, known: frozenset[str]) -> Iterator[str]:
    head, rows = _table(theirs)
    wanted, others = _table(ours)
    if head != wanted:
        yield f"columns are {_some(head)}, not {_some(wanted)}"
        return
    for name in others.keys() - rows.keys():
        yield f"row {name} is missing"
    for name, row in rows.items():
        if name in known:
            continue
        if name not in others:
            yield f"row {name} should not be there"
            continue
        for column, a, b in zip(head, row, others[name], strict=True):
            if a != b:
                yield f"row {name}, column {column}: {shown(a)} in the file, {shown(b)} made again"
    if list(rows) != list(others) and rows.keys() == others.keys():
        yield "the rows are in another order"


def _table(text: str) -> tuple[list[str], dict[str, list[str]]]:
    """Columns, and rows by name: what its key columns hold, or its number."""
    head, *lines = list(csv.reader(io.StringIO(text), strict=True)) or [[]]
    for number, line in enumerate(lines, 2):
        if len(line) != len(head):
            raise ValueError(f"line {number} has {len(line)} of {len(head)} values")
    columns = TABLE if head[:2] == TABLE else [name for name in head if name == "path"]
    names = [" / ".join(line[head.index(column)] for column in columns) for line in lines]
    count = Counter(names)
    return head, {
        name if count[name] == 1 and name else f"{number} {name}".strip(): line
        for number, (name, line) in enumerate(zip(names, lines, strict=True), 1)
    }


def _json(theirs: str, ours: str) -> Iterator[str]:
    for key, a, b in differences(json.loads(theirs), json.loads(ours)):
        yield f"{key}: {shown(a)} in the file, {shown(b)} made again"


def _lines(theirs: str, ours: str) -> Iterator[str]:
    pairs = zip_longest(theirs.splitlines(), ours.splitlines())
    for number, (a, b) in enumerate(pairs, 1):
        if a != b:
            yield f"line {number}: {_window(a, b)} in the file, {_window(b, a)} made again"


def _window(text: str | None, other: str | None) -> str:
    """The part of a line where it departs from another."""
    if text is None or other is None:
        return shown(text)
    start = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), 0)
    return shown(text[max(0, start - 20) : start + 30])


def _some(names: Sequence[str]) -> str:
    return shown(", ".join(names))
