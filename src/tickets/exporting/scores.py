"""What runs scored with a ticket, and beside it the full model and random tickets: read from cells.csv."""

import csv
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tickets.data.tasks import TASKS
from tickets.errors import TicketsError
from tickets.exporting.ticket import Use
from tickets.provenance.collect import METRICS
from tickets.stats.summary import Stat, summarise

Row = Mapping[str, str]
Test = Callable[[Row], bool]


@dataclass(frozen=True)
class Line:
    """Scores on one task, in percent on dev (and whatever else the metric is).

    ticket  runs of exactly this mask
    alike   runs of all masks that were made the same way with other seeds, this one among them
    metrics all metrics of the runs of this mask, as means
    runs    of this mask: folder -> fingerprint
    """

    task: str
    variant: str
    metric: str
    ticket: Stat
    alike: Stat
    full: Stat | None
    random: Stat | None
    metrics: Mapping[str, float]
    runs: Mapping[Path, str]


def read_rows(root: Path, paper: str) -> list[Row] | None:
    """All rows of a paper's cells.csv, or of its parts before they are merged; None if there are none yet."""
    folder = root / paper
    whole = folder / "cells.csv"
    rows: list[Row] = []
    for path in [whole] if whole.exists() else sorted((folder / "cells").glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            part = list(csv.DictReader(file))
        if part and not {"task", "weights", "sparsity", "score", "path"} <= part[0].keys():
            raise TicketsError(
                f"{path}: not the cells of a paper. Delete it and run `tickets collect` again."
            )
        rows += part
    return rows or None


def lines_of(use: Use, rows: Iterable[Row]) -> list[Line]:
    """One line a task and variant that the ticket was trained on; its own task first."""
    own = [row for row in rows if row["paper"] == use.paper and row["model"] == (use.model or "base")]
    trained = _once(row for row in own if _matches(use, row))
    keys = dict.fromkeys((row["task"], row["variant"]) for row in trained if _same_mask(use, row))
    order = list(TASKS)
    sortable = sorted(keys, key=lambda key: (key[0] != use.source, key[1] != "", order.index(key[0]), key[1]))
    return [_line(use, own, trained, task, variant) for task, variant in sortable]


def _line(use: Use, own: list[Row], trained: list[Row], task: str, variant: str) -> Line:
    here = [row for row in trained if (row["task"], row["variant"]) == (task, variant)]
    this = [row for row in here if _same_mask(use, row)]
    there = [row for row in own if (row["task"], row["variant"]) == (task, variant)]
    ticket, alike = _stat(this), _stat(here)
    assert ticket is not None
    assert alike is not None
    metrics = {}
    for name in METRICS:
        stat = summarise(float(row[name]) for row in this if row.get(name))
        if stat is not None:
            metrics[name] = stat.mean
    return Line(
        task,
        variant,
        this[0]["metric"],
        ticket,
        alike,
        _stat(_once(row for row in there if _is_full(row))),
        _stat(_once(row for row in there if _is_random(row) and _level(row) == use.level)),
        metrics,
        {Path(row["path"]): row["fingerprint"] for row in this},
    )


def _matches(use: Use, row: Row) -> bool:
    """Whether a row's mask was made as this one was, whatever the seed."""
    wanted = {"weights": use.weights, "method": use.method, "variant": use.variant, "task": use.task}
    if use.paper != "tamt":
        wanted["source"] = use.source
    return _level(row) == use.level and all(v is None or row[name] == v for name, v in wanted.items())


def _same_mask(use: Use, row: Row) -> bool:
    if use.paper == "tamt":
        return row["source"] == use.source
    return use.replicate is None or int(row["replicate"]) == use.replicate


def _is_full(row: Row) -> bool:
    if row["weights"] != "pretrained" or _level(row) != "00" or row["rule"]:
        return False
    if row["paper"] == "tamt":
        return row["method"] == "full"
    return row["method"] in ("imp", "winning") and row["source"] == row["task"]


def _is_random(row: Row) -> bool:
    return row["weights"] == "pretrained" and row["method"] == "random"


def _level(row: Row) -> str:
    return f"{round(100 * float(row['sparsity'])):02d}"


def _once(rows: Iterable[Row]) -> list[Row]:
    """Each run once: a sparsity that a rule chose names a run that has a row of its own."""
    found: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in ("task", "variant", "method", "source", "replicate"))
        if key not in found or (found[key]["rule"] and not row["rule"]):
            found[key] = row
    return list(found.values())


def _stat(rows: Iterable[Row]) -> Stat | None:
    return summarise(float(row["score"]) if row["score"] else math.nan for row in rows)
