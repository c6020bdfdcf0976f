"""The paper's score tables: super tickets, ticket sharing, domain adaptation, remaining weight, data.

All take (ours, published, facts) and return the frame of `tickets.figures.tableio`. `facts` maps a task id to
the recipe of the preset.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pandas as pd

from tickets.data.tasks import TASKS
from tickets.figures.tableio import NOT_APPLICABLE, Entry, Row, comparison
from tickets.papers.supertickets.averages import mean_of_all
from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.evidence import METRICS, MODELS, TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.evidence import Row as Kind
from tickets.papers.supertickets.layout import (
    AVERAGE,
    CHOSEN,
    COLUMNS,
    COMPRESSION,
    HEADINGS,
    TITLES,
    Facts,
    Question,
    average8,
    average9,
    by_task,
    headings,
    percent,
    printed_row,
    score_row,
)
from tickets.papers.supertickets.published import domain_row, row_name
from tickets.papers.supertickets.settings import DOMAINS, INITS
from tickets.papers.supertickets.spreads import NAMES
from tickets.papers.supertickets.spreads import table5 as table5
from tickets.papers.supertickets.spreads import table6 as table6
from tickets.papers.supertickets.spreads import table8 as table8
from tickets.stats.comparison import paired_t
from tickets.stats.summary import Stat, summarise

NULL = "best of 8 full-model reruns (null)"
FRACTIONS = ("0.1", "1", "10", "100")
_ALL = 100.0  # percent of the weights
_CORPUS = {"sst-2": "SST"}  # as Table 9 names it


def table1(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Full model and super ticket on dev under each selection; the null and the p-value stand right below."""
    rows: list[Row] = []
    for model in MODELS:
        printed = [printed_row(published, "table1", row_name(kind, model)) for kind in ("st-dnn", "supert")]
        for sel, chosen in CHOSEN.items():
            full, best, null = (_question(ours, model, sel, kind) for kind in ("full", "super", "null"))
            left = percent(ours.compression(model, sel=sel))
            rows.append(score_row(f"ST-DNN {model}, {chosen}", full, _weights(full), printed[0]))
            rows.append(score_row(f"SuperT {model}, {chosen}", best, left, printed[1]))
            rows.append(_null_row(f"{model}: {NULL}, {chosen}", null))
            rows.append(_p_values(f"{model}: p of SuperT = ST-DNN, {chosen}", ours, model, sel))
    return comparison(HEADINGS, rows)


def _question(ours: Evidence, model: str, sel: Selection, kind: str) -> Question:
    def ask(task: str, metric: str | None) -> Stat | None:
        if kind == "null":
            return summarise(ours.null(model, task, sel=sel))
        if kind == "full":
            return ours.stat(model, task, sel=sel, metric=metric)
        return ours.super_ticket_stat(model, task, metric, sel=sel)

    return ask


def _weights(ask: Question) -> float | None:
    """The full model keeps all weights; None where none was run."""
    return _ALL if any(ask(task, None) is not None for task in TASKS8) else None


def _null_row(label: str, null: Question) -> Row:
    """Control X1 chooses and reports the task score, so of two metrics the first column holds their mean."""
    values: dict[str, Entry] = {}
    for (task, metric), title in COLUMNS.items():
        stat = null(task, None)
        values[title] = stat if metric == METRICS[task][0] or stat is None else NOT_APPLICABLE
    return Row(label, values | {AVERAGE: average8(null), COMPRESSION: _weights(null)})


def _p_values(label: str, ours: Evidence, model: str, sel: Selection) -> Row:
    values: dict[str, Entry] = {}
    for (task, metric), title in COLUMNS.items():
        pairs = ours.super_ticket(model, task, sel=sel, metric=metric).dropna()
        test = paired_t(pairs["score"], pairs["full"])
        missing = NOT_APPLICABLE if len(pairs) else None  # one pair has no test
        values[title] = missing if test is None else test.p
    blank = NOT_APPLICABLE if any(v is not None for v in values.values()) else None
    return Row(label, values | {AVERAGE: blank, COMPRESSION: blank})


def table2(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """In place of the test server: the 90 % of dev that took no part in the choice (base)."""
    rows = []
    for kind in ("st-dnn", "supert"):
        name = f"{NAMES[kind]} base"
        ask = _unseen(ours, kind)
        left = percent(ours.compression("base", sel="p10")) if kind == "supert" else _weights(ask)
        printed = printed_row(published, "table2", row_name(kind, "base"))
        rows.append(score_row(f"{name}, the other 90 % of dev", ask, left, None, average9))
        rows.append(Row(f"{name}, GLUE test server", None, printed))
    return comparison(HEADINGS, rows)


def _unseen(ours: Evidence, kind: Kind) -> Question:
    return lambda task, metric: ours.unseen_stat("base", task, kind, metric)


def table3(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Multi-task models with and without ticket sharing, as they are and fine-tuned on each task."""
    rows = []
    for model in MODELS:
        for method in ("mt-dnn", "ticket-share"):
            left = percent(ours.multitask_compression(model, method))
            for tuned in (False, True):
                ask = _multitask(ours, model, method, tuned)
                printed = printed_row(published, "table3", row_name(method, model, tuned))
                label = f"{NAMES[method]} {model}" + (", fine-tuned (+ST)" if tuned else "")
                rows.append(score_row(label, ask, left if _weights(ask) else None, printed))
    return comparison(HEADINGS, rows)


def _multitask(ours: Evidence, model: str, method: str, tuned: bool) -> Question:
    return lambda task, metric: ours.multitask_stat(model, task, method, finetuned=tuned, metric=metric)


def table4(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """SNLI and SciTail from four starting points: as the paper says, and with at least 100 small updates."""

    def row(label: str, mine: Mapping[str, Entry], printed: Mapping[str, Entry] | None = None) -> Row:
        shown = None if printed is None else {f"{f} %": entry for f, entry in printed.items()}
        return Row(label, {f"{f} %": entry for f, entry in mine.items()}, shown)

    rows = []
    for dataset in DOMAINS:
        title, size = TITLES[dataset], facts.get(dataset, {}).get("train_examples")
        sizes = {f: None if size is None else _subset(int(size), f) for f in FRACTIONS}
        printed = {f: published.printed("table4_sizes", title, f) for f in FRACTIONS}
        rows.append(row(f"{title}: training examples", sizes, printed))
        for extended in (False, True):
            for init in INITS:
                name = domain_row("base", dataset, init).partition("/")[2].replace("_", " ")
                mine, shown = (
                    {f: e.domain_stat("base", dataset, init, f, extended=extended) for f in FRACTIONS}
                    for e in (ours, published)
                )
                suffix = ", extended" if extended else ""
                rows.append(row(f"{title}: {name}{suffix}", mine, None if extended else shown))
    return comparison([f"{f} %" for f in FRACTIONS], rows)


def _subset(size: int, share: str) -> float:
    """Rows of a training subset, as `tickets.data.subsets` counts them (which imports torch)."""
    return float(max(1, int(size * Fraction(share) / 100)))


def table7(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Remaining weight of the selected tickets; candidates with the full model (level 0) and without it."""
    average = "Mean of tasks"
    rows = []
    for model in MODELS:
        stats = {t: published.remaining_stat(model, t) for t in TASKS8}
        printed = by_task(stats.get) | {average: mean_of_all(list(stats.values())) or math.nan}
        for first in (0, 1):
            for sel, chosen in CHOSEN.items():
                left = {
                    t: summarise(ours.super_ticket(model, t, sel=sel, first=first)["remaining"])
                    for t in TASKS8
                }
                mine = by_task(left.get) | {average: mean_of_all(list(left.values()))}
                rows.append(Row(f"SuperT {model}, levels {first}–8, {chosen}", mine, printed))
    return comparison([*headings(), average], rows)


def table9(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """What each task is: examples, labels and metrics, ours from the preset's facts."""
    tasks = (*TASKS8, *DOMAINS)
    columns = {
        "train": "Training examples", "dev": "Dev examples", "test": "Test examples",
        "labels": "Labels (1: a number)", "metrics": "Metrics",
    }  # fmt: skip
    rows = []
    for key, label in columns.items():
        printed = by_task(lambda t, key=key: _printed_fact(published, t, key), tasks)  # type: ignore[misc]
        # test data is not part of what a preset trains on
        mine = None if key == "test" else {TITLES[t]: _fact(t, key, facts.get(t)) for t in tasks}
        rows.append(Row(label, mine, printed))
    return comparison(headings(tasks), rows)


def _fact(task: str, key: str, known: Mapping[str, Any] | None) -> Entry:
    if known is None:
        return None
    if key == "labels":
        return float(TASKS[task].outputs)
    if key == "metrics":
        return "/".join(METRICS[task])
    size = known.get({"train": "train_examples", "dev": "dev_examples"}[key])
    return None if size is None else float(size)


def _printed_fact(published: PublishedEvidence, task: str, key: str) -> Entry:
    row = _CORPUS.get(task, TITLES[task])
    if key == "metrics":
        return published.tables.text("table9", row, key) or None
    return published.printed("table9", row, key)
