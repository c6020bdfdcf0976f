"""Ticket importance and task share (Figure 6; spec supertickets section 4.4)."""

from collections.abc import Sequence

import pandas as pd

STRUCTURE = ["kind", "layer", "index"]
IMPORTANCE = "importance"


def task_shares(scores: pd.DataFrame, tasks: Sequence[str]) -> pd.DataFrame:
    """Importance and shares of every head and FFN.

    scores: rows kind, layer, index, task, replicate, normalised. Returns one row a structure (index kind, layer,
    index), a column a task that was run, in the order of `tasks`, with the task's share s_t / sum of s (they add up
    to 1; NaN where all scores are 0), and `importance`, the mean of s over the tasks; s is the mean over replicates.
    """
    table = scores.pivot_table("normalised", STRUCTURE, "task", aggfunc="mean")
    table = table[[task for task in tasks if task in table.columns]]
    shares = table.div(table.sum(axis=1).where(lambda total: total > 0), axis=0)
    shares.columns.name = None
    return shares.assign(**{IMPORTANCE: table.mean(axis=1)})
