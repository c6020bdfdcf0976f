"""The nine GLUE tasks from their official `.tsv` files.

The files use tabs only: no quoting, no escapes, `"` is an ordinary character. A row is what stands between
two newlines. Readers that quote, or that take other characters for line ends, silently lose rows.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tickets.data.tasks import task
from tickets.errors import TicketsError


@dataclass(frozen=True)
class Layout:
    """Where a task's text and labels stand. `columns` names the fields of a file without header."""

    folder: str
    texts: tuple[str, ...]
    label: str = "label"
    columns: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=lambda: {"train": "train.tsv", "dev": "dev.tsv"})
    broken_rows: int = 0
    retired_sizes: tuple[int, ...] = ()


_MNLI = {"train": "train.tsv", "dev": "dev_matched.tsv", "dev_mismatched": "dev_mismatched.tsv"}
_PAIR = ("sentence1", "sentence2")

GLUE: dict[str, Layout] = {
    "mnli": Layout("MNLI", _PAIR, "gold_label", files=_MNLI),
    # Some questions hold newlines, which break their rows in two; GLUE's 363,846 rows are those left whole.
    "qqp": Layout("QQP", ("question1", "question2"), "is_duplicate", broken_rows=64),
    "sts-b": Layout("STS-B", _PAIR, "score"),
    "wnli": Layout("WNLI", _PAIR),
    "qnli": Layout("QNLI", ("question", "sentence"), retired_sizes=(108_436, 5_732)),
    "mrpc": Layout("MRPC", ("#1 String", "#2 String"), "Quality"),
    "rte": Layout("RTE", _PAIR),
    "sst-2": Layout("SST-2", ("sentence",)),
    "cola": Layout("CoLA", ("sentence",), columns=("source", "label", "mark", "sentence")),
}


def read_glue(task_id: str, path: Path) -> Any:
    """One split as a `datasets.Dataset` with the columns of `features`.

    Raises `TicketsError` naming file, line and expected columns if the file is missing, not UTF-8, cut short,
    of another task, or an outdated version (QNLI v1).
    """
    from datasets import Dataset

    layout = GLUE[task_id]
    rows = list(_rows(path, layout))
    if not rows:
        raise TicketsError(f"{path}: no rows. Expected the columns {_names(layout)}.")
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
    """Columns of a GLUE split: `first`, for pairs `second`, and `label` in the order of `Task.labels`."""
    from datasets import ClassLabel, Features, Value

    found: dict[str, Any] = {
        name: Value("string") for name in ("first", "second")[: len(GLUE[task_id].texts)]
    }
    labels = task(task_id).labels
    return Features(found | {"label": ClassLabel(names=list(labels)) if labels else Value("float32")})


def _rows(path: Path, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """(line number, texts and label) of each row."""
    lines = _lines(path)
    header = layout.columns or tuple(lines[0].split("\t"))
    wanted = [*layout.texts, layout.label]
    missing = [name for name in wanted if name not in header]
    if missing:
        raise TicketsError(
            f"{path}, line 1: {', '.join(map(repr, missing))} not among {', '.join(map(repr, header))}. "
            f"Expected the columns {_names(layout)} of the official GLUE file."
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


def _lines(path: Path) -> Sequence[str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TicketsError(
            f"{path}: cannot read it ({error.strerror}). Place the official GLUE file there (see DATA.md), "
            "or name another with data.files."
        ) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TicketsError(f"{path}, line {line}: not UTF-8. Convert the file to UTF-8.") from None
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if lines == [""]:
        raise TicketsError(f"{path}: the file is empty. Fetch the official GLUE file again.")
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
    column = GLUE[task_id].label
    raise TicketsError(
        f"{path}, line {line}: {column} is {value!r}, expected {expected}. Expected columns: "
        f"{_names(GLUE[task_id])}; use a labelled split of the official file."
    )


def _names(layout: Layout) -> str:
    return ", ".join(map(repr, layout.columns or (*layout.texts, layout.label)))
