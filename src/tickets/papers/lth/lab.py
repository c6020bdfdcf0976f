"""Fine-tuning as this paper does it: heads, seeds, recipes and records of `lth` around the shared training loop."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tickets.data.tasks import task as lookup
from tickets.jobs.context import Context
from tickets.jobs.records import record
from tickets.jobs.scoring import Evaluation, Judge
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.papers.lth.identity import Identity
from tickets.papers.lth.imp import State
from tickets.papers.lth.settings import lth_settings
from tickets.pruning.mask import Mask
from tickets.spec import RunAddress
from tickets.training.checkpoint import Checkpoint
from tickets.training.loop import Trained, train
from tickets.training.objective import Objective, SumObjective, TaskObjective
from tickets.training.recipe import Recipe
from tickets.training.schedule import LinearDecay
from tickets.training.seeds import derive_seed


class Lab:
    """One job's means to train and judge; shared by chains and single runs."""

    def __init__(self, context: Context) -> None:
        self.context, self.settings = context, lth_settings(context.config)
        self.identity = Identity(context.config)
        self.seed = context.config.settings.seed
        self.checkpoint: Checkpoint | None = None
        self._judges: dict[str, Judge] = {}

    def recipe(self, task: str) -> Recipe:
        """Hyper-parameters of a task."""
        return self.settings.recipe(task)

    def steps(self, task: str) -> int:
        """Optimizer steps of a full run on a task."""
        return self.recipe(task).total_steps(len(self.context.data(task).splits["train"]))

    def head(self, task: str) -> Head:
        """The head of a task."""
        kind = lookup(task)
        return Head(kind.kind, kind.outputs)

    def model(self, task: str) -> Model:
        """A model with the head of a task."""
        return self.context.model((self.head(task),))

    def fresh_heads(self, model: Model, replicate: int, task: str, random: bool = False) -> dict[str, Tensor]:
        """gamma_0 of a replicate: a fresh head, the same in all rounds of a chain; MLM starts from the checkpoint's.

        random: the MLM head is drawn too (theta^r_0, spec lth section 4.2).
        """
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "head", task, replicate))
        heads = model.fresh_heads(generator)
        if not random:
            heads |= {name: value for name, value in self.context.pretrained().heads.items() if name in heads}
        return heads

    def origin(self, model: Model, replicate: int, task: str) -> State:
        """(theta_0, gamma_0) under the dense mask."""
        heads = self.fresh_heads(model, replicate, task)
        dense = Mask.dense({name: torch.Size(shape) for name, shape in model.prunable.items()})
        return State(self.context.pretrained().body, heads, dense)

    def train_seed(self, address: RunAddress) -> int:
        """Data order, word masking and dropout of a run; a fresh order for every round and replicate (spec S0)."""
        parts = (
            address.task,
            address.weights,
            address.method,
            address.source,
            address.level,
            address.replicate,
        )
        return derive_seed(self.seed, "train", *parts)

    def objective(self, task: str, model: Model, seed: int, rows: int | None = None) -> TaskObjective:
        """Loss of a task, on its first `rows` training examples if given."""
        data = self.context.data(task)
        return TaskObjective(data, model.heads[0], self.recipe(task), model, seed, rows)

    def sum_objective(self, tasks: tuple[str, ...], model: Model, recipe: Recipe, seed: int) -> SumObjective:
        """Unweighted sum over tasks, heads in the order of `model.heads`."""
        parts = zip(tasks, model.heads, strict=True)
        data = self.context.data
        return SumObjective([TaskObjective(data(t), head, recipe, model, seed) for t, head in parts])

    def train(
        self,
        model: Model,
        objective: Objective,
        recipe: Recipe,
        state: State,
        schedule: LinearDecay,
        steps: int,
        *,
        seed: int,
        label: str,
        identity: str,
        first_step: int = 0,
    ) -> tuple[State, Trained]:
        """Train from `state` and return copies of what came out; the model keeps it too.

        `self.checkpoint` is then the run's last one. It has the size of the model and Adam's moments together:
        whoever calls clears it as soon as the run cannot be entered again.
        """
        model.load_body(state.body)
        model.load_heads(state.heads)
        self.context.progress.start(label)
        watch = self.context.watch(identity)
        self.checkpoint = watch.checkpoint
        with self.context.timed("training"):
            trained = train(
                model,
                objective,
                recipe,
                schedule,
                steps,
                seed=seed,
                first_step=first_step,
                mask=state.mask,
                moments=state.moments,
                watch=watch,
            )
        return State(model.body(), model.head_values(), state.mask, trained.moments), trained

    def judge(self, task: str, model: Model, held_out: bool = False) -> Evaluation:
        """Scores of the model as it stands; held-out ones show what choosing s* on dev costs (`careful`)."""
        if task not in self._judges:
            data = self.context.data(task)
            self._judges[task] = Judge(task, data, self.recipe(task), model, self.settings.eval_mask_seed)
        with self.context.timed("evaluation"):
            return self._judges[task].evaluate(model, self.head(task), held_out)

    def record(
        self, address: RunAddress, resolved: RunAddress, mask: Mask, evaluation: Evaluation, trained: Trained
    ) -> None:
        """Stage a finished run."""
        context = self.context
        inputs: dict[str, str | None] = {
            "data_sha256": context.hash(context.data_path(address.task)),
            "weights_sha256": context.hash(context.pretrained_file()),
            "mask_sha256": mask.digest(),
        }
        record(
            context,
            address,
            spec=self.identity.run(address),
            fingerprint=self.identity.fingerprint(address),
            resolved=resolved,
            evaluation=evaluation,
            trained=trained,
            removed=mask.sparsity,
            inputs=inputs,
            seeds={"train": self.train_seed(resolved)},
        )

    def save_mask(self, mask: Mask, path: Path, provenance: Mapping[str, Any]) -> None:
        """Stage a mask with what made it."""
        target = self.context.results / path
        target.parent.mkdir(parents=True, exist_ok=True)
        mask.save(target, dict(provenance))
