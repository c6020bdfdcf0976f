"""Two ablations: how ticket sharing treats removed weights, and tickets found at another learning rate (C26)."""

from collections.abc import Callable, Sequence

import pandas as pd

from tickets.figures.tableio import NOT_APPLICABLE, Entry, Row, comparison
from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.evidence import TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.layout import (
    AVERAGE,
    CHOSEN,
    COMPRESSION,
    Facts,
    by_task,
    headings,
    percent,
)
from tickets.stats.comparison import paired_t
from tickets.stats.summary import summarise

WHERE_BOTH = "Mean where both ran"
_METHODS = {
    "mt-dnn": "MT-DNN",
    "ticket-share": "Ticket-Share (as released)",
    "ticket-share-strict": "Ticket-Share (strict)",
}
_COMPARED = (
    ("ticket-share", "mt-dnn"),
    ("ticket-share-strict", "mt-dnn"),
    ("ticket-share", "ticket-share-strict"),
)
Values = Callable[[str], pd.Series]
"""Task -> values by replicate; empty where nothing ran."""


def sharing(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Ticket-Share as released and strict beside MT-DNN, chosen on all of dev and on a tenth of it."""
    rows: list[Row] = []
    for model in ours.models:
        for sel in ("full", "p10"):
            rows += _shared(ours, published, model, sel)
    return comparison([*headings(), AVERAGE, COMPRESSION], rows)


def _shared(ours: Evidence, published: PublishedEvidence, model: str, sel: Selection) -> list[Row]:
    rows = []
    asked = {method: _multitask(ours, model, method, sel) for method in _METHODS}
    for method, name in _METHODS.items():
        left = percent(ours.multitask_compression(model, method))
        values = _row(asked[method]) | {COMPRESSION: left}
        rows.append(Row(f"{name} {model}, {CHOSEN[sel]}", values))
    for one, other in _COMPARED:
        difference = _minus(asked[one], asked[other])
        values = _row(difference)
        blank = NOT_APPLICABLE if any(v is not None for v in values.values()) else None
        printed = _printed_gain(published, model) if (one, other) == _COMPARED[0] else None
        label = f"{_METHODS[one]} − {_METHODS[other]}, {model}, {CHOSEN[sel]}"
        rows.append(Row(label, values | {COMPRESSION: blank}, printed))
    return rows


def _printed_gain(published: PublishedEvidence, model: str) -> dict[str, Entry]:
    def gain(task: str) -> Entry:
        shared, base = (published.multitask_stat(model, task, m) for m in ("ticket-share", "mt-dnn"))
        return None if shared is None or base is None else shared.mean - base.mean

    values = by_task(gain)
    known = [v for v in values.values() if isinstance(v, float)]
    return values | {AVERAGE: sum(known) / len(known) if len(known) == len(TASKS8) else None}


def _multitask(ours: Evidence, model: str, method: str, sel: Selection) -> Values:
    return lambda task: ours.multitask(model, task, method, sel=sel)


def _minus(first: Values, second: Values) -> Values:
    return lambda task: (first(task) - second(task)).astype(float).dropna()


def _row(ask: Values) -> dict[str, Entry]:
    """Every task and the mean of the eight; None unless all eight ran."""
    return by_task(lambda t: summarise(ask(t))) | {AVERAGE: _mean(ask, TASKS8)}


def _mean(ask: Values, tasks: Sequence[str]) -> float | None:
    means = [float(values.mean()) for t in tasks if len(values := ask(t))]
    return sum(means) / len(means) if means and len(means) == len(tasks) else None


def matched_lr(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Tickets found at the learning rate they are trained at, and at another one; alone and in ticket sharing."""
    rows: list[Row] = []
    for model in ours.models:
        rows += _compared(
            f"SuperT {model}, levels 1–8",
            _super(ours, model, "winning"),
            _super(ours, model, "mismatched"),
            {
                f"ST-DNN {model}, first learning rate": _full(ours, model, ""),
                f"ST-DNN {model}, other learning rate": _full(ours, model, "lr2"),
            },
        )
        matched, mismatched = (
            _multitask(ours, model, method, "full") for method in ("ticket-share", "ticket-share-mismatched")
        )
        rows += _compared(f"Ticket-Share {model}", matched, mismatched, {})
    return comparison([*headings(), WHERE_BOTH], rows)


def _super(ours: Evidence, model: str, family: str) -> Values:
    return lambda task: ours.super_ticket(model, task, first=1, family=family)["score"].astype(float).dropna()


def _full(ours: Evidence, model: str, variant: str) -> Values:
    return lambda task: ours.scores(model, task, variant=variant)


def _compared(label: str, matched: Values, mismatched: Values, before: dict[str, Values]) -> list[Row]:
    """Both kinds of tickets, their paired difference and its p-value; means over the tasks that have both."""
    difference = _minus(matched, mismatched)
    both = [task for task in TASKS8 if len(difference(task))]
    named = before | {
        f"{label}: tickets of the same rate": matched,
        f"{label}: tickets of the other rate": mismatched,
        f"{label}: same − other": difference,
    }
    rows = [
        Row(name, by_task(lambda t, ask=ask: summarise(ask(t))) | {WHERE_BOTH: _mean(ask, both)})  # type: ignore[misc]
        for name, ask in named.items()
    ]

    def p_value(task: str) -> Entry:
        gap = difference(task)
        test = paired_t(gap, gap * 0.0)
        return (NOT_APPLICABLE if len(gap) else None) if test is None else test.p

    blank = NOT_APPLICABLE if both else None
    return [*rows, Row(f"{label}: p (paired t)", by_task(p_value) | {WHERE_BOTH: blank})]
