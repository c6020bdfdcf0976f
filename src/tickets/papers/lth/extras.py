"""Tables that the paper lacks: the two profiles, how sure the tickets are, and overlap by kind of pair."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from tickets.figures.tableio import NOT_APPLICABLE, Entry, Row, comparison
from tickets.papers.lth import careful as checks
from tickets.papers.lth import overlaps
from tickets.papers.lth.evidence import Evidence, PublishedEvidence
from tickets.papers.lth.tables import FULL, TITLES, Facts, Question, columns_of, percent, row_of
from tickets.papers.lth.tasks import TASKS
from tickets.stats.comparison import MARGIN

BOOTSTRAP_SEED = 20200727
_EQUIVALENCE = {
    "difference": "Ticket − full at s* (points)",
    "low": "95 % interval: from",
    "high": "95 % interval: to",
    "p": "Welch p (no difference)",
    "p_non_inferior": f"p (worse by {MARGIN:g} point or more)",
    "non_inferior": f"Non-inferior at {MARGIN:g} point",
}
_SELECTION = {
    "gap_dev": "Dev data: full − ticket (points)",
    "gap_test": "Test data: full − ticket (points)",
    "wins_test": "Wins on test data too",
    "s_star_test": "s* (%) that test data would choose",
}


def profiles(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Profile P against profile C at every sparsity, and the MLM mask with and without rewinding."""
    tasks = tuple(TASKS)
    rows = [row_of(FULL, lambda e, t: e.dense(t), ours, None, tasks)]
    for sparsity in ours.sparsities:
        for name, method in (("P", "imp"), ("C", "imp-code")):
            ask = _addressed(sparsity=sparsity, method=method)
            rows.append(row_of(f"{percent(sparsity):.0f} %, profile {name}", ask, ours, None, tasks))
    for label, method in (("with rewinding", "imp"), ("no rewinding", "imp-standard")):
        ask = _addressed(sparsity=0.7, method=method, source="mlm")
        rows.append(row_of(f"MLM mask at 70 %, {label}", ask, ours, None, tasks))
    return comparison(columns_of(), rows)


def _addressed(**address: Any) -> Question:
    return lambda evidence, task: evidence.stat(task, **address)


def careful(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """s* under four criteria and a bootstrap; at s*, the ticket against the full model, and on test data."""
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    tests = checks.equivalence(ours)
    single = set(tests.loc[tests["n_dense"] == 1, "task"])
    cells: dict[str, dict[str, Entry]] = {}
    for name, values in (
        *_criteria(checks.sparsities_by_rule(ours)),
        *_bootstrap(checks.s_star_distribution(ours, generator), single),
        *_columns(tests, _EQUIVALENCE),
        *_columns(checks.selection(ours), _SELECTION),
    ):
        cells[name] = {TITLES[task]: value for task, value in values.items()}
    return comparison(columns_of(), [Row(label, values) for label, values in cells.items()])


Named = Iterator[tuple[str, dict[str, Entry]]]


def _criteria(frame: pd.DataFrame) -> Named:
    for name, _, _ in checks.RULES:
        part = frame[frame["criterion"] == name]
        yield f"s* (%), {name}", {t: percent(s) for t, s in zip(part["task"], part["s_star"], strict=True)}


def _bootstrap(frame: pd.DataFrame, single: set[str]) -> Named:
    """Quantiles of s* over the draws; tasks with a `single` replicate have no draws that differ."""
    none: dict[str, Entry] = dict.fromkeys(single, NOT_APPLICABLE)
    shares = {
        t: dict(zip(g["sparsity"], g["share"], strict=True)) for t, g in frame.groupby("task", sort=False)
    }
    for label, q in (("5th percentile", 0.05), ("median", 0.5), ("95th percentile", 0.95)):
        yield (
            f"Bootstrap s* (%), {label}",
            {str(t): percent(_quantile(s, q)) for t, s in shares.items()} | none,
        )
    chosen = frame[np.isclose(frame["sparsity"].astype(float), frame["s_star"].astype(float))]
    share: dict[str, Entry] = dict(zip(chosen["task"], chosen["share"].astype(float), strict=True))
    yield "Share of draws that choose s*", share | none


def _quantile(shares: Mapping[float, float], q: float) -> float:
    """Smallest sparsity with at least a share q of the draws at or below it."""
    order = sorted(shares)
    below = np.cumsum([shares[s] for s in order])
    return order[min(int(np.searchsorted(below, q - 1e-12)), len(order) - 1)]


def _columns(frame: pd.DataFrame, labels: Mapping[str, str]) -> Named:
    """One row a column of the frame; a statistic that one replicate cannot give is no missing run."""
    for column, label in labels.items():
        values = {}
        for task, value in zip(frame["task"], frame[column], strict=True):
            scaled = percent(value) if column == "s_star_test" else value
            values[str(task)] = _entry(scaled)
        yield label, values


def _entry(value: Any) -> Entry:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return NOT_APPLICABLE
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return float(value)


def overlap(ours: Evidence, published: PublishedEvidence, facts: Facts) -> pd.DataFrame:
    """Overlap of masks by kind of pair, at 60 and 70 %, by three measures."""
    return overlaps.table(ours)
