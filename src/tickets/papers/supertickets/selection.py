"""Choosing on part of dev and reporting on another: evaluation points, and tickets (spec supertickets section 1.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tickets.data.encoded import EncodedTask, Split
from tickets.data.selection import selection_parts
from tickets.data.tasks import task as lookup
from tickets.jobs.scoring import score_outputs
from tickets.papers.supertickets.cell_columns import METRICS as METRIC_COLUMNS
from tickets.papers.supertickets.cell_columns import SELECTIONS, Selection
from tickets.papers.supertickets.terms import METRICS

PARTS = ("full", "p10", "rest", "half", "other_half")
"""Parts of dev; a selection looks at the part of its name."""

REPORTED_ON: Mapping[str, tuple[Selection, str]] = {
    "p10": ("p10", "full"),
    "rest": ("p10", "rest"),
    "half": ("half", "other_half"),
}
"""Columns beside `score`: the selection that chose the evaluation point, and the part of dev it is reported on."""


@dataclass(frozen=True)
class Choice:
    """What a candidate is chosen by: the task score in percent, then the mean loss."""

    score: float
    loss: float


@dataclass(frozen=True)
class Point:
    """One evaluation of a run: metrics and losses by part of dev, and the outputs that they follow from.

    outputs  logits or values by split, [n, k]
    """

    step: int
    metrics: Mapping[str, Mapping[str, float]]
    losses: Mapping[str, float]
    outputs: Mapping[str, Tensor]

    def score(self, task: str, part: str) -> float:
        """Task score on a part: the mean of the task's metrics."""
        names = METRICS[task]
        return sum(self.metrics[part][name] for name in names) / len(names)

    def choice(self, task: str, selection: Selection) -> Choice:
        """What a selection sees."""
        return Choice(self.score(task, selection), self.losses[selection])


def judge_point(step: int, task: str, data: EncodedTask, outputs: Mapping[str, Tensor]) -> Point:
    """Score the outputs of all dev splits, part by part."""
    metrics: dict[str, dict[str, float]] = {part: {} for part in PARTS}
    sums, counts = dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 0)
    for name, values in outputs.items():
        split = data.splits[name]
        losses = _losses(task, values, split)
        rows = {"full": torch.arange(len(split)), **selection_parts(len(split), task, name)}
        for part, chosen in rows.items():
            metrics[part] |= score_outputs(task, values[chosen], split.rows(chosen), name)
            sums[part] += float(losses[chosen].sum())
            counts[part] += len(chosen)
    return Point(step, metrics, {part: sums[part] / counts[part] for part in PARTS}, dict(outputs))


def _losses(task: str, values: Tensor, split: Split) -> Tensor:
    assert split.labels is not None
    if lookup(task).kind == "regression":
        return (values[:, 0].double() - split.labels.double()) ** 2
    return F.cross_entropy(values.double(), split.labels, reduction="none")


def best(candidates: Sequence[Choice]) -> int:
    """Position of the highest score; ties go to the lower loss, then to the earlier candidate."""
    return min(range(len(candidates)), key=lambda i: (-round(candidates[i].score, 9), candidates[i].loss, i))


def mean_choice(points: Mapping[str, Point], selection: Selection) -> Choice:
    """What a selection sees of an evaluation on several tasks: means over the tasks."""
    choices = [point.choice(task, selection) for task, point in points.items()]
    count = len(choices)
    return Choice(sum(c.score for c in choices) / count, sum(c.loss for c in choices) / count)


def best_points(points: Sequence[Mapping[str, Point]]) -> dict[Selection, int]:
    """The evaluation that each selection chooses."""
    return {s: best([mean_choice(point, s) for point in points]) for s in SELECTIONS}


def super_level(metrics: Sequence[Mapping[str, Any]], selection: Selection) -> int:
    """Level of the super ticket among runs of levels 0, 1, ... (their metrics.json)."""
    return best([recorded_choice(found, selection) for found in metrics])


def recorded_choice(metrics: Mapping[str, Any], selection: Selection) -> Choice:
    """What a selection saw of a finished run."""
    extra = metrics["extra"]
    return Choice(extra[f"select_{selection}"], extra[f"select_loss_{selection}"])


def selection_columns(
    task: str, points: Sequence[Point], chosen: Mapping[Selection, int]
) -> dict[str, float | int]:
    """The cells' columns on what was selected and what it scored elsewhere."""
    columns: dict[str, float | int] = {}
    for selection in SELECTIONS:
        point = points[chosen[selection]]
        choice = point.choice(task, selection)
        columns[f"epoch_{selection}"] = chosen[selection] + 1
        columns[f"select_{selection}"] = choice.score
        columns[f"select_loss_{selection}"] = choice.loss
    for report, (selection, part) in REPORTED_ON.items():
        point = points[chosen[selection]]
        columns[report] = point.score(task, part)
        columns |= {
            f"{report}_{name}": v for name, v in point.metrics[part].items() if name in METRIC_COLUMNS
        }
    return columns
