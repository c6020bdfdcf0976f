"""What the jobs of `tamt` compute: mask training, IMP, held-out losses and fine-tuning. Imports no torch."""

from collections import Counter
from collections.abc import Iterator

from tickets.config import Config
from tickets.grid import Cell, Job
from tickets.papers.tamt.identity import training_of
from tickets.papers.tamt.method_facts import method_facts
from tickets.papers.tamt.methods import Method
from tickets.papers.tamt.plans import Plan, plan_of
from tickets.papers.tamt.settings import PAIRS, WORDS, tamt_settings
from tickets.planning.data import Data
from tickets.planning.work import Batch, Exam, Work
from tickets.training.recipe import Recipe


class TamtWork:
    """Job -> its work."""

    def __init__(self, config: Config, data: Data) -> None:
        self.settings, self.data = tamt_settings(config), data

    def __call__(self, job: Job) -> Iterator[Work]:
        """See `tickets.planning.work.WorkOf`."""
        if job.stage.name in ("baseline_masks", "imp_masks", "mask_training"):
            for cell in job.plans():
                yield from self._masks(cell)
            return
        trained: Counter[tuple[str, str]] = Counter()
        plans: dict[tuple[str, str], Plan] = {}
        for run in job.runs:
            n = self.data.train(run.task, job.stage.max_length(run.task), job.tokenizer)
            trained[run.model, run.task + run.variant] += 1
            plans.setdefault((run.model, run.task + run.variant), plan_of(self.settings, run, n))
        for (role, _), plan in plans.items():
            yield self._finetuning(role, plan, trained[role, _])

    def _finetuning(self, role: str, plan: Plan, count: int) -> Work:
        recipe = plan.recipe
        batch = Batch(plan.task, min(recipe.batch_size, plan.n_train), recipe.max_length)
        points = len({*plan.candidates, plan.steps})
        exam = Exam(plan.task, recipe.max_length, points, held_out=1)
        return Work(role, count, plan.steps, (batch,), (exam,), kept=2)

    def _masks(self, cell: Cell) -> Iterator[Work]:
        """The training that masks come from, and the losses of each on held-out text."""
        role, first = cell.needs_models[0], cell.masks[0]
        judged = sum(path.name == "losses.json" for path in cell.files)
        words = self.settings.recipe(WORDS)
        exams = (
            Exam(WORDS, words.max_length, words=words.mlm_probability),
            Exam(PAIRS, self.settings.recipe(PAIRS).max_length, passes=2, padded=True),
        )
        yield Work(role, judged, exams=exams)
        method = Method.parse(first.method)
        steps = max(method_facts(self.settings, m.method, m.level)["step"] for m in cell.masks)
        if method.kind.startswith("imp"):
            yield Work(role, 1, steps, (self._words(self.settings.imp.recipe),))
        elif method.trained:
            training = training_of(self.settings.mask_training, method)
            alone, teacher = method.objective == "kd", method.objective != "mlm"
            padded = teacher and training.pads == "include"
            batch = self._words(training.recipe, PAIRS if alone else WORDS, padded, alone)
            yield Work(role, 1, steps, (batch,), way="masks", teacher=teacher)

    def _words(self, recipe: Recipe, task: str = WORDS, padded: bool = False, alone: bool = False) -> Batch:
        """A batch of pre-training text; `alone`: without masked words to predict."""
        length = self.settings.recipe(task).max_length
        words = 0.0 if alone else recipe.mlm_probability
        return Batch(task, recipe.batch_size, length, words, padded)
