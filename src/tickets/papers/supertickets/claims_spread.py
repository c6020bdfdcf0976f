"""Claims on how much results vary (C23, C24), on task shares (C25), and the paper's own averages (I3)."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from tickets.papers.supertickets.averages import column_average, task_average
from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.evidence import MODELS, TASKS8, Evidence, PublishedEvidence, Row
from tickets.papers.supertickets.judging import by_selection
from tickets.papers.supertickets.settings import SMALL
from tickets.papers.verdict import Verdict, decide, not_run
from tickets.stats.criteria import SLACK
from tickets.stats.rounding import half_up
from tickets.stats.spread import levene_p, pooled_log_ratio
from tickets.stats.summary import Stat

MODEL = "large"
"""Tables 5 and 8 are about the large model."""
ROWS: tuple[tuple[Row, Row], ...] = (("supert", "st-dnn"), ("ticket-share", "mt-dnn"))
EVEN_LOW, EVEN_HIGH = 0.5, 1.5
EVEN_TASKS = (5, 6)
DOMINANT, DOMINANT_MOST = 0.5, 0.1
COLA_AND_STS = 0.6


def c23_less_random(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Tickets vary less over seeds than full models, on each of the five small tasks (large)."""

    def judge(sel: Selection) -> Verdict:
        checks: dict[str, bool | None] = {}
        figures: dict[str, Any] = {}
        for ticket, full in ROWS:
            pairs = {t: (_spread(evidence, t, ticket, sel), _spread(evidence, t, full, sel)) for t in SMALL}
            for task, (a, b) in pairs.items():
                checks[f"{task} {ticket}"] = None if a is None or b is None else a < b - SLACK
            known = [(a, b) for a, b in pairs.values() if a is not None and b is not None]
            seeds = evidence.seed_stat(MODEL, SMALL[0], full, sel=sel)
            pooled = pooled_log_ratio([a for a, _ in known], [b for _, b in known], seeds.n if seeds else 0)
            figures[ticket] = {
                "stds": pairs,
                "pooled_ratio": None if pooled is None else (pooled.ratio, pooled.low, pooled.high),
                "levene_p": _levene(evidence, ticket, full, sel),
            }
        return decide(checks, figures, note=_pooled_note(figures))

    return by_selection(evidence, judge)


def c24_less_sensitive(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Ticket sharing varies less over learning rates than MT-DNN, on each of the five small tasks (large)."""

    def judge(sel: Selection) -> Verdict:
        checks: dict[str, bool | None] = {}
        stds = {}
        for task in SMALL:
            share = _std(evidence, evidence.rate_stat(MODEL, task, "ticket-share", sel=sel))
            joint = _std(evidence, evidence.rate_stat(MODEL, task, "mt-dnn", sel=sel))
            stds[task] = {"ticket-share": share, "mt-dnn": joint}
            checks[task] = None if share is None or joint is None else share < joint - SLACK
        return decide(checks, {"stds": stds})

    return by_selection(evidence, judge)


def c25_shared_tickets(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """Most heads serve most tasks about equally, SST-2 less; a few belong to one task, mostly CoLA."""
    checks: dict[str, bool | None] = {}
    figures: dict[str, Any] = {}
    partial = False
    for model in MODELS:
        shares = evidence.shares(model)
        heads, ffns = _of_kind(shares, "head"), _of_kind(shares, "ffn")
        partial = partial or shares is not None
        if heads is None:
            checks[model] = None
            continue
        parts, figures[model] = _share_checks(heads)
        checks |= {f"{model}: {name}": holds for name, holds in parts.items()}
        figures[model]["ffns"] = None if ffns is None else _share_checks(ffns)[1]
    return decide(checks, figures, partial=partial)


def i3_averages(evidence: Evidence, published: PublishedEvidence) -> Verdict:
    """The printed averages follow from the printed cells (8 tasks in Tables 1 and 3, 9 columns in Table 2)."""
    if not isinstance(evidence, PublishedEvidence):
        return not_run("nothing of ours: it compares the printed tables with themselves")
    checks: dict[str, bool | None] = {}
    figures = {}
    for table in ("table1", "table2", "table3"):
        for row in evidence.tables.frames[table].index:
            average = _average(evidence, table, str(row))
            printed = evidence.printed(table, str(row), "avg")
            figures[f"{table} {row}"] = {"average": average, "printed": printed}
            checks[f"{table} {row}"] = None if average is None else half_up(average) == printed
    return decide(checks, figures)


def _average(published: PublishedEvidence, table: str, row: str) -> float | None:
    def stat(task: str, metric: str | None = None) -> Stat | None:
        value = published.tables.score(table, row, task, metric)
        return None if math.isnan(value) else Stat(value, math.nan, math.nan, 1, value, value)

    return column_average(stat) if table == "table2" else task_average(stat)


def _of_kind(shares: pd.DataFrame | None, kind: str) -> pd.DataFrame | None:
    """Shares of heads or FFNs, a column a task; None unless all eight tasks were run."""
    if shares is None or not set(TASKS8) <= set(shares.columns):
        return None
    rows: pd.DataFrame = shares.loc[shares.index.get_level_values("kind") == kind, list(TASKS8)].dropna()
    return rows if len(rows) else None


def _share_checks(heads: pd.DataFrame) -> tuple[dict[str, bool | None], dict[str, Any]]:
    equal = 1 / len(TASKS8)
    served = heads.ge(EVEN_LOW * equal) & heads.le(EVEN_HIGH * equal)
    even = {least: served.sum(axis=1) >= least for least in EVEN_TASKS}
    common = heads[even[EVEN_TASKS[0]]]
    dominated = heads[heads.max(axis=1) > DOMINANT]
    owners = dominated.idxmax(axis=1).value_counts()
    low_sst = float((common["sst-2"] < equal).mean()) if len(common) else 0.0
    most = float((heads["cola"] + heads["sts-b"]).max())
    figures = {
        "tickets": len(heads),
        "even": {least: float(mask.mean()) for least, mask in even.items()},
        "sst_below_equal": low_sst,
        "dominated": len(dominated) / len(heads),
        "owners": {str(task): int(count) for task, count in owners.items()},
        "most_cola_and_sts": most,
    }
    checks: dict[str, bool | None] = {
        f"most serve {least} tasks evenly": float(mask.mean()) > 0.5 for least, mask in even.items()
    }
    checks["SST-2 takes less of most of them"] = low_sst > 0.5
    checks["some, below 10 %, are one task's"] = 0 < len(dominated) < DOMINANT_MOST * len(heads)
    checks["mostly CoLA's"] = "cola" in owners and bool(owners["cola"] == owners.max())
    checks["one is CoLA's and STS-B's"] = most > COLA_AND_STS
    return checks, figures


def _spread(evidence: Evidence, task: str, row: Row, sel: Selection) -> float | None:
    return _std(evidence, evidence.seed_stat(MODEL, task, row, sel=sel))


def _std(evidence: Evidence, stat: Stat | None) -> float | None:
    if stat is None:
        return None
    std = stat.std if evidence.ddof else stat.std0
    return None if math.isnan(std) else std


def _levene(evidence: Evidence, ticket: Row, full: Row, sel: Selection) -> dict[str, float]:
    found = {
        task: levene_p(
            evidence.seed_scores(MODEL, task, ticket, sel=sel),
            evidence.seed_scores(MODEL, task, full, sel=sel),
        )
        for task in SMALL
    }
    return {task: p for task, p in found.items() if p is not None}


def _pooled_note(figures: dict[str, Any]) -> str:
    found = {row: entry["pooled_ratio"] for row, entry in figures.items() if entry["pooled_ratio"]}
    return "; ".join(
        f"pooled ratio of deviations, {row}: {ratio:.2f} ({low:.2f} to {high:.2f})"
        for row, (ratio, low, high) in found.items()
    )


PREDICATES: dict[str, Callable[[Evidence, PublishedEvidence], Verdict]] = {
    "c23_less_random": c23_less_random,
    "c24_less_sensitive": c24_less_sensitive,
    "c25_shared_tickets": c25_shared_tickets,
    "i3_averages": i3_averages,
}
