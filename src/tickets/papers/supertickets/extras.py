"""Tables that the paper lacks: phases in numbers, controls, tests, importance variants, sharing, learning rates."""

import math
from collections.abc import Callable

import pandas as pd

from tickets.figures.tableio import NOT_APPLICABLE, Entry, Row, comparison
from tickets.papers.supertickets.controls import selection as selection
from tickets.papers.supertickets.controls import ttests as ttests
from tickets.papers.supertickets.evidence import TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.importance_table import importance_variants as importance_variants
from tickets.papers.supertickets.layout import TITLES, Facts, percent
from tickets.papers.supertickets.phases import Phases
from tickets.papers.supertickets.sharing_tables import matched_lr as matched_lr
from tickets.papers.supertickets.sharing_tables import sharing as sharing

SUBSET_TASK = "mnli"
SUBSETS = ("data1", "data10", "data20")


def phases(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """The phases of every curve in numbers (spec section 1.8), those of Figure 5 in columns of their own."""
    columns = {(task, ""): TITLES[task] for task in TASKS8}
    columns |= {(SUBSET_TASK, v): f"{TITLES[SUBSET_TASK]} {v.removeprefix('data')} %" for v in SUBSETS}
    rows = []
    for model in ours.models:
        found = {pair: ours.phases(model, *pair) for pair in columns}
        for label, ask in _QUANTITIES.items():
            values = {t: None if (p := found[pair]) is None else ask(p) for pair, t in columns.items()}
            rows.append(Row(f"{model}: {label}", values))
    return comparison(list(columns.values()), rows)


def _crossing(found: Phases) -> Entry:
    if found.random is None:
        return NOT_APPLICABLE
    return "not reached" if found.crossing is None else float(found.crossing)


def _number(value: float | None) -> Entry:
    """A statistic that too few replicates cannot give, or a crossing that is not there, is no missing run."""
    return NOT_APPLICABLE if value is None or math.isnan(value) else value


_QUANTITIES: dict[str, Callable[[Phases], Entry]] = {
    "k* (best level; 0: no Phase I)": lambda p: float(p.peak),
    "weight left at k* (%), end of Phase I": lambda p: percent(p.threshold),
    "c (first level of Phase III)": _crossing,
    "x† (% left), start of Phase III": lambda p: _number(percent(p.boundary)),
    "P = gain at k* (points)": lambda p: p.pronounced,
    "P, 95 % interval: from": lambda p: _number(None if p.interval is None else p.interval[0]),
    "P, 95 % interval: to": lambda p: _number(None if p.interval is None else p.interval[1]),
    "share of bootstrap draws with k* ≥ 1": lambda p: _number(p.share_exists),
    "cross-fit P (points; X3)": lambda p: _number(p.cross_fit),
    "replicates": lambda p: float(p.replicates),
}
