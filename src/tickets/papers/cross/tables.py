"""Tables over all papers. Each takes (ours, published, facts) and returns the frame of `tickets.figures.tableio`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from tickets.data.tasks import TASKS
from tickets.figures.tableio import NOT_APPLICABLE, Entry, Row, comparison
from tickets.papers.cross.evidence import Evidence, PublishedEvidence
from tickets.papers.cross.masks import LEVELS as MASK_LEVELS
from tickets.papers.cross.methods import METHODS, OWN, TRANSFERRED, Method, of_paper
from tickets.papers.tamt.terms import TASKS7
from tickets.stats.criteria import one_std, strict
from tickets.stats.summary import Stat, summarise

Facts = Mapping[str, Mapping[str, Any]]
COUNTS = ("wins", "matches", "holds its own")
MAIN = 30.0
"""Weights left in percent at the sparsity that both papers on weights report most."""
LEVELS, TICKET_LEVELS = (50, 70, 90), (20, 40, 60, 80)
KEPT, NULL = "weights kept", "null"
REFERENCES = ("global", "local")
MEASURES = {"micro": "micro", "macro": "macro", "shared": "its weights held"}
UNSTRUCTURED = tuple(method for method in METHODS if method.paper != "supertickets")


def table1(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Points over the full model by task, and on how many tasks the criteria of `lth` hold."""
    rows = []
    for left in (100.0 - int(level) for level in MASK_LEVELS):
        for method in (OWN, *TRANSFERRED):
            gaps = gaps_at(ours, method, left)
            if not gaps and left != MAIN:
                continue
            printed = gaps_at(published, method, left)
            entries: dict[str, Entry] = {TASKS[task].title: gap for task, gap in gaps.items()}
            counts = {name: count(ours, method, left, name) for name in COUNTS}
            paper = {TASKS[task].title: gap for task, gap in printed.items()}
            label = f"{100 - left:g} %: {method.title} ({method.paper})"
            rows.append(Row(label, entries | counts, paper if printed else None))
    return comparison([*(TASKS[task].title for task in TASKS7), *COUNTS], rows)


def gaps_at(ours: Evidence, method: Method, left: float) -> dict[str, Stat]:
    """Points over the full model by task; only tasks that were run."""
    found = {task: ours.gaps(method, task).get(left) for task in TASKS7}
    return {task: gap for task, gap in found.items() if gap is not None}


def count(ours: Evidence, method: Method, left: float, criterion: str) -> str | None:
    """On how many of the tasks a criterion holds, as '5 of 7'; None where nothing was run."""
    if criterion == COUNTS[2] and method == OWN:
        return NOT_APPLICABLE
    answers = [holds(ours, method, task, left, criterion) for task in TASKS7]
    ran = [answer for answer in answers if answer is not None]
    return f"{sum(ran)} of {len(ran)}" if ran else None


def holds(ours: Evidence, method: Method, task: str, left: float, criterion: str) -> bool | None:
    """Whether a mask wins, matches the full model or loses no more than the task's own mask; None: not run."""
    full, ticket = ours.full(method.paper, task), ours.curve(method, task).get(left)
    if full is None or ticket is None:
        return None
    if criterion == "wins":
        return one_std(full, ticket, ours.ddof)
    if criterion == "matches":
        return strict(full, ticket)
    own = ours.gaps(OWN, task).get(left)
    return None if own is None else strict(own, ours.gaps(method, task)[left])


def table2(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Overlap with global and local magnitude pruning: masks over weights by sparsity, then super tickets by level."""
    rows = [_overlap_row(ours, method, level) for level in LEVELS for method in UNSTRUCTURED]
    for method in of_paper("supertickets"):
        rows += [_overlap_row(ours, method, level) for level in TICKET_LEVELS]
    return comparison(
        [KEPT, NULL, *(f"{kind}: {name}" for kind in REFERENCES for name in MEASURES.values())], rows
    )


def masks_of(ours: Evidence, method: Method) -> pd.DataFrame:
    """The rows of overlap.csv of a method's masks; an IMP mask of `lth` was found on MLM or on another task."""
    name = OWN.name if method.paper == "lth" and method.name == "mlm" else method.name
    frame = ours.overlap[(ours.overlap["paper"] == method.paper) & (ours.overlap["method"] == name)]
    if (method.paper, name) != (OWN.paper, OWN.name):
        return frame
    return frame[(frame["source"] == "mlm") == (method.name == "mlm")]


def _overlap_row(ours: Evidence, method: Method, level: int) -> Row:
    frame = masks_of(ours, method)
    frame = 100 * frame[frame["level"] == level].set_index("reference")[["keep", "null", *MEASURES]].astype(
        float
    )
    entries: dict[str, Entry] = {KEPT: _mean(frame["keep"]), NULL: _mean(frame["null"])}
    for kind in REFERENCES:
        part = frame[frame.index == kind]
        entries |= {f"{kind}: {name}": summarise(part[measure]) for measure, name in MEASURES.items()}
    what = "of heads removed" if method.paper == "supertickets" else ""
    return Row(f"{level} %{' ' if what else ''}{what}: {method.title} ({method.paper})", entries)


def _mean(values: "pd.Series[float]") -> float | None:
    return float(values.mean()) if len(values) else None
