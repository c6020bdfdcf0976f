"""What the jobs of `supertickets` compute: trainings, sweeps for importance, evaluations. Imports no torch.

Which level a super ticket has is found at run time; until then a model that shares or keeps one counts as whole.
"""

from collections import Counter
from collections.abc import Iterator
from math import ceil

from tickets.config import Config
from tickets.data.amounts import subset_size
from tickets.grid import Cell, Job
from tickets.papers.supertickets.addresses import LEVELS
from tickets.papers.supertickets.recipes import fine_recipe, transfer_recipe
from tickets.papers.supertickets.settings import supertickets_settings
from tickets.planning.data import Data
from tickets.planning.shapes import shape_of
from tickets.planning.work import Batch, Exam, Work
from tickets.pruning.counts import FfnRule, count_ffns, count_heads
from tickets.spec import RunAddress
from tickets.training.points import points_of
from tickets.training.recipe import Recipe

SHARED = ("finetune", "domain")
FAMILIES = ("winning", "random", "losing", "mismatched")
"""Methods whose masks have as much removed as their level says."""


class SuperticketsWork:
    """Job -> its work."""

    def __init__(self, config: Config, data: Data) -> None:
        self.settings, self.data = supertickets_settings(config), data
        shapes = {role: shape_of(config, role) for role in self.settings.models}
        rule = self.settings.tickets.ffn_counts
        self.left = {
            (role, level): _left(shape.layers, shape.heads, k, rule)
            for role, shape in shapes.items()
            for k, level in enumerate(LEVELS)
        }

    def __call__(self, job: Job) -> Iterator[Work]:
        """See `tickets.planning.work.WorkOf`."""
        if job.stage.name == "multitask":
            yield from (self._multitask(cell) for cell in job.plans())
            return
        trained: Counter[tuple[str, str, str, Recipe, int]] = Counter()
        for run in job.runs:
            recipe, percent = self._recipe(run, job.stage.name in SHARED)
            level = run.level if run.method in FAMILIES else "00"
            trained[run.task, run.model, level, recipe, self._rows(run, percent)] += 1
        for (task, role, level, recipe, rows), count in trained.items():
            yield self._training(task, role, level, recipe, rows, count)
        for cell in job.plans():
            yield from self._sweeps(cell)

    def _recipe(self, run: RunAddress, shared: bool) -> tuple[Recipe, float]:
        if shared:
            return transfer_recipe(self.settings, run, lambda percent: self._rows(run, percent))
        recipe, percent, _ = fine_recipe(self.settings, run)
        return recipe, percent

    def _length(self, task: str) -> int:
        return self.settings.recipe(task).max_length

    def _train_rows(self, task: str) -> int:
        return self.data.train(task, self._length(task))

    def _rows(self, run: RunAddress, percent: float) -> int:
        return subset_size(self._train_rows(run.task), percent)

    def _training(self, task: str, role: str, level: str, recipe: Recipe, rows: int, count: int) -> Work:
        per_epoch = recipe.steps_per_epoch(rows)
        exams = len(points_of(recipe, per_epoch, self.settings.evaluations))
        heads, ffns = self.left[role, level]
        size = min(recipe.batch_size, rows)
        return Work(
            role,
            count,
            recipe.steps_of(per_epoch),
            (Batch(task, size, self._length(task)),),
            (Exam(task, self._length(task), exams),),
            heads=heads,
            ffns=ffns,
            padding="batch",
            kept=exams,
        )

    def _sweeps(self, cell: Cell) -> Iterator[Work]:
        """Importance: one pass over the training set with the full model of each trial."""
        if not any("importance" in path.parts for path in cell.files):
            return
        run = cell.runs[0]
        recipe, percent = self._recipe(run, False)
        rows = self._rows(run, percent)
        batch = Batch(run.task, min(rows, recipe.batch_size), self._length(run.task))
        yield Work(run.model, 1, ceil(rows / recipe.batch_size), (batch,), way="gates", padding="batch")

    def _multitask(self, cell: Cell) -> Work:
        """One training for all tasks: every batch is of one of them, as often as it has batches."""
        recipe, tasks = self.settings.multitask_recipe, [run.task for run in cell.runs]
        per_task = {task: recipe.steps_per_epoch(self._train_rows(task)) for task in tasks}
        per_epoch = sum(per_task.values())
        points = len(points_of(recipe, per_epoch, self.settings.evaluations))
        size = recipe.batch_size
        batches = (Batch(t, size * n / per_epoch, self._length(t)) for t, n in per_task.items())
        exams = tuple(Exam(task, self._length(task), points) for task in tasks)
        role = cell.needs_models[0]
        steps = recipe.steps_of(per_epoch)
        return Work(role, 1, steps, tuple(batches), exams, padding="batch", kept=points)


def _left(layers: int, heads: int, level: int, rule: FfnRule) -> tuple[float, float]:
    """Shares of heads and FFNs that are left at a level."""
    heads_left = 1 - count_heads(layers, heads, level) / (layers * heads)
    return heads_left, 1 - count_ffns(layers, level, rule) / layers
