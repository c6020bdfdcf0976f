"""Fine-tuning as this paper does it: what starts a run, and its judging on the way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tickets.data.subsets import training_subset
from tickets.jobs.context import Context
from tickets.jobs.lab import Lab
from tickets.jobs.records import Scored
from tickets.jobs.scoring import Evaluation
from tickets.models.config import EncoderConfig
from tickets.models.model import Model
from tickets.models.removal import cut, restore
from tickets.papers.supertickets.addresses import weights_file
from tickets.papers.supertickets.cell_columns import Selection
from tickets.papers.supertickets.identity import Identity
from tickets.papers.supertickets.points import Found, Judged, Points
from tickets.papers.supertickets.selection import Choice, best_points, selection_columns
from tickets.papers.supertickets.settings import supertickets_settings
from tickets.papers.supertickets.terms import METRICS
from tickets.pruning.remaining import remaining
from tickets.pruning.structured import StructuredMask
from tickets.spec import RunAddress, fingerprint
from tickets.training.checkpoint import discard
from tickets.training.loop import Trained, train
from tickets.training.objective import Objective, TaskObjective
from tickets.training.points import points_of
from tickets.training.recipe import Recipe
from tickets.training.resident import Resident
from tickets.training.schedule import schedule_for
from tickets.training.seeds import derive_seed

POINTS = "points"
Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Fine:
    """A fine-tuning: a task, on a part of its training data, from a full body θ under a ticket.

    draw: 0, or which rerun of the same replicate this is
    """

    address: RunAddress
    recipe: Recipe
    body: Weights
    structure: StructuredMask
    percent: float = 100.0
    draw: int = 0

    @property
    def seeds(self) -> tuple[Any, ...]:
        """What head and order depend on: equal for all tickets of a replicate, so that they can be paired."""
        drawn = ("draw", self.draw) if self.draw else ()
        return (self.address.task, self.address.replicate, *drawn)


@dataclass(frozen=True)
class Course:
    """A training that came to its end, and what its evaluation points found, in order."""

    found: Sequence[Found]
    trained: Trained
    learning_rate: float
    seed: int

    @property
    def chosen(self) -> dict[Selection, int]:
        """Evaluation point of each selection, counted from 0."""
        return best_points(self.found)

    def choice(self, task: str, selection: Selection) -> Choice:
        """What a selection sees of the point it chose."""
        return self.found[self.chosen[selection]][task].choice(task, selection)


@dataclass(frozen=True)
class Tuned:
    """A finished fine-tuning.

    body, heads   full θ and γ at the point of the preset's selection; what the ticket removed is as at the start
    """

    course: Course
    body: Weights = field(repr=False)
    heads: Weights = field(repr=False)


class TicketLab(Lab):
    """One job's means to train and judge tickets."""

    def __init__(self, context: Context) -> None:
        self.settings = supertickets_settings(context.config)
        super().__init__(context, Identity(context.config), self.settings.recipe)
        self._residents: dict[tuple[str, float], Resident] = {}

    def shape(self, role: str) -> EncoderConfig:
        """The encoder of a model role."""
        return self.context.pretrained(role).config

    def full(self, role: str) -> StructuredMask:
        """The ticket that keeps everything."""
        config = self.shape(role)
        return StructuredMask.full(config.layers, config.heads)

    def resident(self, task: str, role: str, percent: float = 100.0) -> Resident:
        """Training examples of a task on the device, moved there once a job."""
        key = (task, percent)
        if key not in self._residents:
            split = training_subset(self.context.data(task).splits["train"], percent, task)
            self._residents[key] = Resident(split, self.shape(role), self.context.device)
        return self._residents[key]

    def steps_of(self, run: Fine) -> int:
        """Optimizer steps of a run."""
        return run.recipe.total_steps(len(self.resident(run.address.task, run.address.model, run.percent)))

    def train(
        self,
        model: Model,
        tasks: Mapping[str, Judged],
        objective: Objective,
        recipe: Recipe,
        address: RunAddress,
        label: str,
        *,
        seed: int,
        keep_at: Callable[[int], Tensor] | None = None,
    ) -> Course:
        """Train from what the model holds, judging it on its tasks on the way; then it has its best weights.

        `address`: the run, or the first of those that the training serves. `keep_at` is the training loop's.
        """
        identity = fingerprint({"job": self.context.fingerprint, "run": address.facts()})
        per_epoch = objective.steps_per_epoch
        steps = recipe.steps_of(per_epoch)
        self.context.progress.start(label)
        folder = self.context.staging / POINTS / identity[:16]
        points = Points(self, model, tasks, self.settings.selection, folder, identity)
        with self.context.timed("training"):
            trained = train(
                model,
                objective,
                recipe,
                schedule_for(recipe, steps),
                steps,
                seed=seed,
                keep_at=keep_at,
                watch=self.watch(identity),
                after_step=points.after(points_of(recipe, per_epoch, self.settings.evaluations)),
            )
        return Course(points.finish(), trained, recipe.learning_rate, seed)

    def finetune(self, run: Fine, label: str) -> Tuned:
        """Train under the ticket."""
        address, recipe, head = run.address, run.recipe, self.head(run.address.task)
        model, resident = self._model(run), self.resident(address.task, address.model, run.percent)
        seed = derive_seed(self.seed, "supertickets-train", *run.seeds)
        data = self.context.data(address.task)
        objective = TaskObjective(data, head, recipe, model, seed, resident=resident)
        course = self.train(model, {address.task: Judged(head)}, objective, recipe, address, label, seed=seed)
        body = model.body()
        if not run.structure.is_full:
            body = restore(body, run.body, model.config, run.structure)
        return Tuned(course, body, model.head_values())

    def _model(self, run: Fine) -> Model:
        role, task = run.address.model, run.address.task
        config, structure = self.shape(role), None if run.structure.is_full else run.structure
        dropout = self.settings.dropout(task)
        model = Model(config, (self.head(task),), self.context.device, dropout, structure)
        model.load_body(dict(run.body) if structure is None else cut(run.body, config, structure))
        seed = derive_seed(self.seed, "supertickets-head", *run.seeds)
        model.load_heads(model.fresh_heads(torch.Generator().manual_seed(seed)))
        return model

    def keep(self, run: Fine, tuned: Tuned, level: str) -> None:
        """Stage a finished run; `level` is the resolved one. Afterwards its checkpoints are of no use."""
        self.keep_scores(run.address, level, run.structure, tuned.course)
        self.forget()

    def keep_scores(self, address: RunAddress, level: str, structure: StructuredMask, course: Course) -> None:
        """Stage the numbers of a run."""
        task, chosen = address.task, course.chosen
        points = [point[task] for point in course.found]
        at = points[chosen["full"]]
        left = remaining(self.shape(address.model), structure.removed_heads, structure.removed_ffns)
        scores = {split: _of_split(at.metrics["full"], split) for split in at.outputs}
        scores["dev"]["loss"] = at.losses["full"]
        outputs = {f"{split}.{n}": v for n, p in enumerate(points, start=1) for split, v in p.outputs.items()}
        extra = {
            "learning_rate": course.learning_rate,
            "heads_removed": structure.removed_heads,
            "ffns_removed": structure.removed_ffns,
            "remaining": left,
            "train_loss": course.trained.final_loss,
            **selection_columns(task, points, chosen),
        }
        metric = " + ".join(METRICS[task])
        self.record(
            address,
            address.at(level),
            Scored(Evaluation(scores, outputs), metric, at.score(task, "full"), extra),
            course.trained,
            removed=1 - left,
            mask=structure.mask(),
            seeds={"order": course.seed},
            start=start_file(address),
        )

    def forget(self) -> None:
        """Drop the last run's checkpoint and evaluation points."""
        if self.checkpoint is not None:
            self.checkpoint.clear()
        discard(self.context.staging / POINTS)


def start_file(address: RunAddress) -> Path | None:
    """The weights that a run starts from where they are not θ0: those of replicate 1 of a shared start."""
    return None if address.weights == "pretrained" else weights_file(address.weights, 1, address.model)


def _of_split(metrics: Mapping[str, float], split: str) -> dict[str, float]:
    mismatched = split == "dev_mismatched"
    return {name: v for name, v in metrics.items() if name.endswith("_mismatched") == mismatched}
