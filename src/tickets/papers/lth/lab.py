"""Fine-tuning as this paper does it: heads, seeds, recipes and records of `lth` around the shared training loop."""

from pathlib import Path

import torch
from torch import Tensor

from tickets.jobs.context import Context
from tickets.jobs.lab import Lab
from tickets.jobs.records import Scored
from tickets.jobs.scoring import Evaluation
from tickets.models.model import Model
from tickets.papers.lth.identity import Identity
from tickets.papers.lth.imp import State
from tickets.papers.lth.settings import lth_settings
from tickets.pruning.mask import Mask
from tickets.spec import RunAddress
from tickets.training.loop import Trained, train
from tickets.training.objective import Objective, SumObjective, TaskObjective
from tickets.training.recipe import Recipe
from tickets.training.schedule import LinearDecay
from tickets.training.seeds import derive_seed


class ChainLab(Lab):
    """One job's means to train and judge; shared by chains and single runs."""

    identity: Identity

    def __init__(self, context: Context) -> None:
        self.settings = lth_settings(context.config)
        identity = Identity(context.config)
        super().__init__(context, identity, self.settings.recipe, self.settings.eval_mask_seed)

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
        """Train from `state` and return copies of what came out; the model keeps it too."""
        model.load_body(state.body)
        model.load_heads(state.heads)
        self.context.progress.start(label)
        watch = self.watch(identity)
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

    def keep(
        self,
        address: RunAddress,
        resolved: RunAddress,
        mask: Mask,
        evaluation: Evaluation,
        trained: Trained,
        start: Path | None = None,
    ) -> None:
        """Stage a finished run; `start` as in `record`."""
        self.record(
            address,
            resolved,
            Scored.primary(address.task, evaluation),
            trained,
            removed=mask.sparsity,
            mask=mask,
            seeds={"train": self.train_seed(resolved)},
            start=start,
        )
