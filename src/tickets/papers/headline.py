"""What the headline numbers of every paper share."""

from collections.abc import Callable, Sequence

from tickets.stats.summary import Stat

Numbers = dict[str, float | None]
"""Name -> number; None where it was not run."""


def mean_over(tasks: Sequence[str], ask: Callable[[str], Stat | None]) -> float | None:
    """Mean of the tasks' means; None unless all were run, so that two versions average the same tasks."""
    stats = [ask(task) for task in tasks]
    known = [stat.mean for stat in stats if stat is not None]
    return sum(known) / len(known) if known and len(known) == len(stats) else None
