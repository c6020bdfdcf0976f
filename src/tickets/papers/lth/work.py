"""What the jobs of `lth` compute: trainings and their evaluations, stage by stage. Imports no torch."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from tickets.config import Config
from tickets.grid import Axes, Job
from tickets.papers.lth.addresses import LEVELS, SOURCE_LEVEL
from tickets.papers.lth.assumed import AssumedLevels
from tickets.papers.lth.identity import source_tasks
from tickets.papers.lth.settings import lth_settings
from tickets.planning.data import Data
from tickets.planning.work import Batch, Exam, Work
from tickets.spec import RunAddress
from tickets.training.recipe import Recipe

ROLE = "base"
SOURCE_ROUNDS = int(SOURCE_LEVEL) // 10


class LthWork:
    """Job -> its work."""

    def __init__(self, config: Config, data: Data) -> None:
        self.settings, self.data, self.levels = lth_settings(config), data, AssumedLevels(config)
        self.grid, self.n = self.settings.grid, self.settings.replicates
        self._searches: dict[str, Callable[[Axes], Iterable[Work]]] = {
            "imp": self._imp,
            "multitask": self._multitask,
            "datasize": self._datasize,
        }

    def __call__(self, job: Job) -> Iterator[Work]:
        """See `tickets.planning.work.WorkOf`."""
        name = job.stage.name
        if name in self._searches:
            for cell in job.cells:
                yield from self._searches[name](cell)
        elif name in ("rewind", "rewind_source"):
            for cell, plan in zip(job.cells, job.plans(), strict=True):
                yield from self._rewind(cell, plan.runs)
        else:
            if name == "code_profile":
                for cell in job.cells:
                    yield from self._code_search(cell)
            for task, count in self._subnetworks(job).items():
                yield self._training(task, count)

    def steps(self, task: str) -> int:
        """Optimizer steps of a full run on a task."""
        recipe = self.settings.recipe(task)
        return recipe.total_steps(self.data.train(task, recipe.max_length))

    def _training(
        self, task: str, count: int, steps: int | None = None, exams: int = 1, held_out: int = 0
    ) -> Work:
        """`count` full runs on a task, each judged at its end; or runs of `steps`."""
        recipe = self.settings.recipe(task)
        batch, words = self._batch(task, recipe), recipe.mlm_probability if task == "mlm" else 0.0
        exam = Exam(task, recipe.max_length, exams, held_out, words=words)
        wanted = self.steps(task) if steps is None else steps
        kept = 0 if task == "mlm" else exams
        return Work(ROLE, count, wanted, (batch,), (exam,) if exams else (), kept=kept)

    def _batch(self, task: str, recipe: Recipe) -> Batch:
        words = recipe.mlm_probability if task == "mlm" else 0.0
        return Batch(task, recipe.batch_size, self.settings.recipe(task).max_length, words)

    def _imp(self, cell: Axes) -> Iterator[Work]:
        yield self._training(cell["task"], self.n.imp * len(LEVELS), held_out=1)

    def _subnetworks(self, job: Job) -> Counter[str]:
        """Trainings by task; a run that comes to the sparsity of one that there is already is not trained again."""
        made = {run for cell in job.plans() for run in cell.needs_runs}
        trained: Counter[str] = Counter()
        for address in job.runs:
            resolved = self.levels.resolved(address)
            if address.rule and resolved in made:
                continue
            made.add(resolved)
            trained[address.task] += 1
        return trained

    def _rewind(self, cell: Axes, runs: tuple[RunAddress, ...]) -> Iterator[Work]:
        variant, task = cell["variant"], cell["task"]
        levels = {self.levels.resolved(run).level for run in runs}
        full, reps = self.steps(task), self.n.rewind
        if self.settings.rewind_method == "shortcut" and variant != "standard":
            yield self._training(task, reps * len(levels))
            return
        begin = 0 if variant == "standard" else int(int(variant.removeprefix("rewind")) / 100 * full)
        rounds = 1 + max(map(int, levels)) // 10
        yield self._training(task, reps, begin, exams=0)
        yield self._training(task, reps * (rounds - len(levels)), full - begin, exams=0)
        yield self._training(task, reps * len(levels), full - begin)

    def _multitask(self, cell: Axes) -> Iterator[Work]:
        recipe, tasks = self.settings.multitask_recipe, source_tasks(cell["combo"])
        sizes = (self.data.train(task, self.settings.recipe(task).max_length) for task in tasks)
        batches = tuple(self._batch(task, recipe) for task in tasks)
        steps = recipe.total_steps(max(sizes))
        yield Work(ROLE, self.n.multitask * SOURCE_ROUNDS, steps, batches, passes=len(batches))

    def _datasize(self, cell: Axes) -> Iterator[Work]:
        yield self._training("mlm", self.n.datasize * SOURCE_ROUNDS, exams=0)

    def _code_search(self, cell: Axes) -> Iterator[Work]:
        task, settings = cell["task"], self.settings
        policy = settings.code_mlm_chain if task == "mlm" else settings.code_chain
        rounds = max(map(int, self.grid.transfer_levels)) // 10 - policy.prune_first
        yield self._training(task, self.n.ablations * rounds, exams=0)
