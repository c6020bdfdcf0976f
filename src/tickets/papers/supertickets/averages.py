"""The two averages of the paper's tables (spec supertickets section 5)."""

from collections.abc import Callable, Sequence

from tickets.papers.supertickets.settings import TASKS
from tickets.stats.summary import Stat

NINE_COLUMNS = (
    ("rte", "accuracy"), ("mrpc", "f1"), ("cola", "matthews"), ("sst-2", "accuracy"), ("sts-b", "spearman"),
    ("qnli", "accuracy"), ("qqp", "f1"), ("mnli", "accuracy"), ("mnli", "accuracy_mismatched"),
)  # fmt: skip
"""What Table 2 averages."""


def task_average(ask: Callable[[str], Stat | None]) -> float | None:
    """Tables 1 and 3: mean of the eight task scores; None unless all are known. ask: task -> task score."""
    return mean_of_all([ask(task) for task in TASKS])


def column_average(ask: Callable[[str, str], Stat | None]) -> float | None:
    """Table 2: mean of nine columns, so that MNLI counts twice. ask: (task, metric) -> score."""
    return mean_of_all([ask(task, metric) for task, metric in NINE_COLUMNS])


def mean_of_all(stats: Sequence[Stat | None]) -> float | None:
    """Mean of means; None if one is missing: an average over some of the tasks compares with no other."""
    known = [stat.mean for stat in stats if stat is not None]
    return sum(known) / len(known) if known and len(known) == len(stats) else None
