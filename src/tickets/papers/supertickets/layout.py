"""Names, columns and averages that the tables of the paper share.

Oracle O14: the average of Tables 1 and 3 is over 8 tasks, each the mean of its metrics; Table 2's is over 9 columns.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from tickets.data.tasks import TASKS
from tickets.figures.tableio import Entry, Row
from tickets.papers.supertickets.averages import column_average, task_average
from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.evidence import TASKS8, PublishedEvidence
from tickets.papers.supertickets.published import METRIC_COLUMNS
from tickets.stats.summary import Stat

Facts = Mapping[str, Mapping[str, Any]]
Question = Callable[[str, str | None], Stat | None]
"""(task, metric) -> summary over replicates; metric None is the task score."""

TITLES = {id: task.title for id, task in TASKS.items()}
CHOSEN: dict[Selection, str] = {
    "p10": "chosen on 10 % of dev",
    "full": "chosen on all of dev",
    "half": "chosen on half of dev",
}
AVERAGE, COMPRESSION = "Average", "Weight left (%)"
_METRIC_TITLES = {
    "accuracy": "acc.", "f1": "F1", "pearson": "Pearson", "spearman": "Spearman", "accuracy_mismatched": "mm",
}  # fmt: skip


def _heading(task: str, metric: str) -> str:
    if task == "mnli":
        return "MNLI-m" if metric == "accuracy" else "MNLI-mm"
    both = sum(t == task for t, _ in METRIC_COLUMNS) > 1
    return f"{TITLES[task]} {_METRIC_TITLES[metric]}" if both else TITLES[task]


COLUMNS = {(task, metric): _heading(task, metric) for task, metric in METRIC_COLUMNS}
HEADINGS = (*COLUMNS.values(), AVERAGE, COMPRESSION)


def average8(ask: Question) -> float | None:
    """Mean of the eight task scores; None unless all eight tasks ran."""
    return task_average(lambda task: ask(task, None))


def average9(ask: Question) -> float | None:
    """Mean of the nine columns that Table 2 averages (of two metrics F1 and Spearman; MNLI split)."""
    return column_average(ask)


def score_row(
    label: str,
    ask: Question,
    compression: float | None,
    printed: Mapping[str, Entry] | None,
    average: Callable[[Question], float | None] = average8,
) -> Row:
    """One row of Tables 1 to 3: every metric (mean and std over replicates), the average, percent of weight left."""
    ours: dict[str, Entry] = {title: ask(task, metric) for (task, metric), title in COLUMNS.items()}
    return Row(label, ours | {AVERAGE: average(ask), COMPRESSION: compression}, printed)


def printed_row(published: PublishedEvidence, table: str, row: str) -> dict[str, Entry]:
    """The same columns as the paper prints them; blank where it prints nothing."""
    names = {title: METRIC_COLUMNS[pair] for pair, title in COLUMNS.items()}
    names |= {AVERAGE: "avg", COMPRESSION: "compr"}
    return {title: published.printed(table, row, name) for title, name in names.items()}


def by_task(ask: Callable[[str], Entry], tasks: tuple[str, ...] = TASKS8) -> dict[str, Entry]:
    """One entry a task, by the headings of the columns."""
    return {TITLES[task]: ask(task) for task in tasks}


def headings(tasks: tuple[str, ...] = TASKS8) -> list[str]:
    """Column headings of whole tasks."""
    return [TITLES[task] for task in tasks]


def percent(fraction: float | None) -> float | None:
    """A fraction as a percentage without floating-point dust."""
    return None if fraction is None or math.isnan(fraction) else round(100 * fraction, 6)
