"""The training loop: masked gradients, clipping, optimizer, schedule, checkpoints."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.models.model import Model
from tickets.pruning.mask import Mask
from tickets.training.checkpoint import Checkpoint
from tickets.training.clipping import clip_gradients
from tickets.training.freeze import StepWithin
from tickets.training.interrupt import Interrupted, StopRequest
from tickets.training.objective import Objective
from tickets.training.optim import Optimizer, optimizer_for
from tickets.training.progress import Progress
from tickets.training.recipe import Recipe
from tickets.training.schedule import Schedule
from tickets.training.seeds import derive_seed
from tickets.training.way import Direct, Way


@dataclass(frozen=True)
class Watch:
    """What surrounds a run and must not change its numbers: checkpoints, progress, a request to stop.

    checkpoint_seconds and checkpoint_steps: save when either has passed since the last save.
    """

    checkpoint: Checkpoint | None = None
    checkpoint_seconds: float = 60.0
    checkpoint_steps: int | None = None
    progress: Progress | None = None
    stop: StopRequest = field(default_factory=StopRequest)


@dataclass(frozen=True)
class Trained:
    """Facts of a finished run; `resumed` counts the restarts from a checkpoint.

    moments: the optimizer's at the end, in its names (AdamW m, v; Adamax m, u), with `steps`.
    """

    steps: int
    final_loss: float
    seconds: float
    resumed: int
    moments: Mapping[str, Tensor] = field(default_factory=dict, repr=False)


def train(
    model: Model,
    objective: Objective,
    recipe: Recipe,
    schedule: Schedule,
    steps: int,
    *,
    seed: int,
    first_step: int = 0,
    mask: Mask | None = None,
    keep_at: Callable[[int], Tensor | None] | None = None,
    moments: Mapping[str, Tensor] | None = None,
    watch: Watch | None = None,
    after_step: Callable[[int], None] | None = None,
    through: Way | None = None,
) -> Trained:
    """Train `model` in place for `steps` updates, starting with data of step `first_step`.

    `moments` continue an earlier run's optimizer. With a mask, masked weights are zeroed once and their gradients
    before clipping, which equals training the re-parametrised product m * theta (spec lth O12;
    tests/unit/training/test_masked_training.py). `keep_at(step)`, of a step as the objective counts it, may give
    bool [total]: where it is False that step moves neither parameters nor moments (`StepWithin`).

    `through`: train what it holds instead of the model's weights, which it makes of that (mask training); it has a
    mask of its own and starts its optimizer afresh, so it goes with neither `mask` nor `moments`.

    `after_step(n)` is called when n updates are made. After `Interrupted`, or a kill, the same call continues from
    the last checkpoint to the same final bits; `after_step` then hears again of the steps that are made again, not
    of those before the checkpoint. What it must not lose it therefore writes down before it returns: the checkpoint
    of a step is saved after it.
    """
    watch = watch or Watch()
    way, optimizer = _begin(model, recipe, mask, moments, through)
    done, spent, resumed = _resume(way, optimizer, watch)
    saving = _Saving(watch, way, optimizer, done, spent, resumed)
    within = None if keep_at is None else StepWithin(optimizer)
    way.store.grad.zero_()
    loss = torch.zeros(())
    for step in range(done, steps):
        if model.random:
            # Seeding by step, not once, lets a resumed run draw the same dropout masks.
            torch.manual_seed(derive_seed("dropout", seed, first_step + step))
        way.write()
        loss = objective.loss(model, first_step + step)
        loss.backward()  # type: ignore[no-untyped-call]
        way.collect(step + 1)
        clip_gradients(way.store, recipe)
        if within is None or keep_at is None:
            optimizer.step(schedule(step))
        else:
            within.step(schedule(step), keep_at(first_step + step))
        way.store.grad.zero_()
        way.updated(step + 1)
        if after_step is not None:
            after_step(step + 1)
        if watch.progress is not None:
            watch.progress.step()
        if step + 1 < steps:
            saving.after(step + 1, steps)
    _check_finite(loss, way, steps)
    return Trained(steps, float(loss.detach()), saving.seconds, resumed, optimizer.state())


def _begin(
    model: Model,
    recipe: Recipe,
    mask: Mask | None,
    moments: Mapping[str, Tensor] | None,
    through: Way | None,
) -> tuple[Way, Optimizer]:
    if through is not None:
        if mask is not None or moments is not None:
            raise ValueError("'through' goes with neither 'mask' nor 'moments'")
        return through, optimizer_for(through.store, recipe)
    way, optimizer = Direct(model, mask), optimizer_for(model.parameters, recipe)
    if moments is not None:
        optimizer.restore(moments, int(moments["steps"]))
        # What momentum is left would move the weights that have died since.
        way.clear(optimizer.m)
    return way, optimizer


def _check_finite(loss: Tensor, way: Way, steps: int) -> None:
    if not (torch.isfinite(loss.detach()) and bool(torch.isfinite(way.store.flat).all())):
        raise TicketsError(
            f"training diverged: loss is {float(loss.detach())} after {steps} steps; lower the learning rate."
        )


class _Saving:
    """Writes checkpoints when they are due, and stops the run on request."""

    def __init__(
        self, watch: Watch, way: Way, optimizer: Optimizer, done: int, spent: float, resumed: int
    ) -> None:
        self.watch, self.way, self.optimizer = watch, way, optimizer
        self.spent, self.resumed, self.last_step = spent, resumed, done
        self.begun = self.last_time = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time of the run so far, over all its attempts."""
        return self.spent + time.monotonic() - self.begun

    def after(self, step: int, steps: int) -> None:
        """Save after `step` updates of `steps` if it is time. Raises `Interrupted` if a stop was asked for."""
        watch, now = self.watch, time.monotonic()
        due = now - self.last_time >= watch.checkpoint_seconds
        due |= watch.checkpoint_steps is not None and step - self.last_step >= watch.checkpoint_steps
        if watch.checkpoint is not None and (due or watch.stop):
            facts = {"step": step, "seconds": self.seconds, "resumed": self.resumed}
            watch.checkpoint.save({**self.way.state(), **self.optimizer.state()}, facts)
            self.last_time, self.last_step = now, step
        if watch.stop:
            raise Interrupted(f"stopped by signal {watch.stop.signal} after step {step} of {steps}")


def _resume(way: Way, optimizer: Optimizer, watch: Watch) -> tuple[int, float, int]:
    saved = None if watch.checkpoint is None else watch.checkpoint.load()
    if saved is None:
        return 0, 0.0, 0
    tensors, facts = saved
    way.restore(tensors)
    optimizer.restore(tensors, int(tensors["steps"]))
    if watch.progress is not None:
        watch.progress.skip(facts["step"], "resumed from checkpoint")
    return facts["step"], facts["seconds"], facts["resumed"] + 1
