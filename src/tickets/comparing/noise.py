"""The yardstick of a comparison: how far two runs of one cell are apart that differ in their seed only."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tickets.comparing.sides import Run

WIDTH = 2.0
"""Standard deviations of a difference that still count as noise: exceeded by 1 in 22 normal ones."""


@dataclass(frozen=True)
class Noise:
    """Standard deviation of a score over replicates, in points, by (paper, task) and, as what is left, by paper."""

    by_task: Mapping[tuple[str, str], float]
    by_paper: Mapping[str, float]

    def of(self, run: Run) -> float | None:
        """That of the run's paper and task, else of its paper; None where no cell has two replicates."""
        return self.by_task.get((run.paper, run.columns["task"]), self.by_paper.get(run.paper))

    def band(self, run: Run) -> float | None:
        """How large a difference of two runs may be: two of its standard deviations, which is sqrt(2) of a run's."""
        deviation = self.of(run)
        return None if deviation is None else WIDTH * math.sqrt(2) * deviation


def seed_noise(runs: Iterable[Run]) -> Noise:
    """Pool the sample variances of all cells with several trained replicates, weighted by their degrees of freedom."""
    cells: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if run.own:
            cells[run.group].append(run)
    tasks: dict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    papers: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for cell in cells.values():
        if len(cell) > 1:
            part = float(np.var([run.score for run in cell], ddof=1)), len(cell) - 1
            tasks[cell[0].paper, cell[0].columns["task"]].append(part)
            papers[cell[0].paper].append(part)
    return Noise({k: _pooled(v) for k, v in tasks.items()}, {k: _pooled(v) for k, v in papers.items()})


def _pooled(parts: list[tuple[float, int]]) -> float:
    return math.sqrt(sum(variance * freedom for variance, freedom in parts) / sum(f for _, f in parts))
