"""Tables 5, 6 and 8: standard deviations over seeds and over learning rates (spec supertickets sections 4.2, 4.3).

A task with two metrics counts by their mean (the paper does not say which it takes: spec section 9, A12).
"""

import math
from collections.abc import Callable, Mapping

import pandas as pd

from tickets.figures.tableio import NOT_APPLICABLE, Entry, Row, comparison
from tickets.papers.supertickets.evidence import MODELS, TASKS8, Evidence, PublishedEvidence
from tickets.papers.supertickets.evidence import Row as Kind
from tickets.papers.supertickets.layout import Facts, by_task, headings
from tickets.papers.supertickets.published import TITLES as PRINTED
from tickets.papers.supertickets.settings import SMALL
from tickets.stats.spread import pooled_log_ratio
from tickets.stats.summary import Stat

POOLED = "Pooled"
NAMES: dict[Kind, str] = {
    "st-dnn": "ST-DNN", "supert": "SuperT", "mt-dnn": "MT-DNN", "ticket-share": "Ticket-Share",
}  # fmt: skip
_SINGLE: tuple[Kind, Kind] = ("st-dnn", "supert")
_SHARED: tuple[Kind, Kind] = ("mt-dnn", "ticket-share")
_SEEDS, _RATES = 5, 3  # values behind each published deviation of Table 5 and of Table 8
_FIVE = (*(task for task in SMALL if task != "sst-2"), "sst-2")  # in the order of Tables 5 and 8
Spread = Callable[[Evidence, str, str, Kind], Stat | None]
"""(evidence, model, task, row) -> summary of the values that the deviation is over."""


def table5(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Over seeds: full model and super ticket; multi-task models, each seed averaged over learning rates."""

    def ask(evidence: Evidence, model: str, task: str, row: Kind) -> Stat | None:
        return evidence.seed_stat(model, task, row)

    rows: list[Row] = []
    for model in reversed(MODELS):  # the paper prints large only
        for pair in (_SINGLE, _SHARED):
            rows += _pair(ask, ours, published, model, pair, _SEEDS)
    return comparison([*headings(_FIVE), POOLED], rows)


def table8(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Over three learning rates, each averaged over seeds."""

    def ask(evidence: Evidence, model: str, task: str, row: Kind) -> Stat | None:
        return evidence.rate_stat(model, task, row)

    rows: list[Row] = []
    for model in reversed(MODELS):
        rows += _pair(ask, ours, published, model, _SHARED, _RATES)
    return comparison([*headings(_FIVE), POOLED], rows)


def table6(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Over seeds, super tickets on all eight tasks."""
    rows: list[Row] = []
    for model in MODELS:
        printed = {t: published.printed("table6", f"SuperT_{model}", PRINTED[t]) for t in TASKS8}
        mine = {t: ours.seed_stat(model, t, "supert") for t in TASKS8}
        rows += _both(f"SuperT {model}", mine, printed)
    return comparison(headings(), rows)


def _pair(
    ask: Spread,
    ours: Evidence,
    published: PublishedEvidence,
    model: str,
    pair: tuple[Kind, Kind],
    values: int,
) -> list[Row]:
    """Both rows of a comparison, and the ratio second / first by task and pooled."""
    rows: list[Row] = []
    mine, printed = (
        {kind: {t: ask(e, model, t, kind) for t in _FIVE} for kind in pair} for e in (ours, published)
    )
    known = any(stat is not None for stats in printed.values() for stat in stats.values())
    for kind in pair:
        shown = {t: math.nan if s is None else s.std for t, s in printed[kind].items()} if known else None
        rows += _both(f"{NAMES[kind]} {model}", mine[kind], shown, POOLED)
    first, second = pair
    counts = [stat.n for stats in mine.values() for stat in stats.values() if stat is not None]
    ratios = _ratios(mine[second], mine[first], min(counts, default=0))
    theirs = _ratios(printed[second], printed[first], values) if known else None
    return [*rows, Row(f"{NAMES[second]} / {NAMES[first]}, {model}", ratios, theirs)]


def _both(
    label: str, stats: Mapping[str, Stat | None], printed: Mapping[str, float] | None, blank: str = ""
) -> list[Row]:
    """Deviations with ddof 1 and 0: the paper does not say which of the two it prints."""
    rows = []
    for name, ddof in (("std", 1), ("std0", 0)):
        values = by_task(lambda t, name=name: _deviation(stats[t], name), tuple(stats))  # type: ignore[misc]
        if blank:
            values[blank] = NOT_APPLICABLE if any(v is not None for v in values.values()) else None
        shown = None if printed is None else by_task(lambda t: printed[t], tuple(printed))
        rows.append(Row(f"{label}, ddof {ddof}", values, shown))
    return rows


def _deviation(stat: Stat | None, name: str) -> Entry:
    if stat is None:
        return None
    value = float(getattr(stat, name))
    return NOT_APPLICABLE if math.isnan(value) else value


def _ratios(
    second: Mapping[str, Stat | None], first: Mapping[str, Stat | None], values: int
) -> dict[str, Entry]:
    """Ratio of each task's deviations, and pooled: the geometric mean with an approximate 95 % interval."""

    def ratio(task: str) -> Entry:
        one, other = second[task], first[task]
        if one is None or other is None:
            return None
        return one.std / other.std if other.std > 0 and one.std >= 0 else NOT_APPLICABLE

    above, below = ([math.nan if s is None else s.std for s in stats.values()] for stats in (second, first))
    found = pooled_log_ratio(above, below, values)
    text = None if found is None else f"{found.ratio:.2f} [{found.low:.2f}, {found.high:.2f}]"
    return by_task(ratio, tuple(second)) | {POOLED: text}
