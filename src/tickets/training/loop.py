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
) -> Trained:
    """Train `model` in place for `steps` updates, starting with data of step `first_step`.

    `moments` continue an earlier run's optimizer. With a mask, masked weights are zeroed once and their gradients
    before clipping, which equals training the re-parametrised product m * theta (spec lth O12;
    tests/unit/training/test_masked_training.py). `keep_at(step)`, of a step as the objective counts it, may give
    bool [total]: where it is False that step moves neither parameters nor moments (`StepWithin`).

    `after_step(n)` is called when n updates are made. After `Interrupted`, or a kill, the same call continues from
    the last checkpoint to the same final bits; `after_step` then hears again of the steps that are made again, not
    of those before the checkpoint. What it must not lose it therefore writes down before it returns: the checkpoint
    of a step is saved after it.
    """
    watch = watch or Watch()
    parameters, optimizer = model.parameters, optimizer_for(model.parameters, recipe)
    keep = None if mask is None else model.apply_mask(mask)
    if moments is not None:
        optimizer.restore(moments, int(moments["steps"]))
        if keep is not None:
            # What momentum is left would move the weights that have died since.
            optimizer.m[: parameters.prunable].mul_(keep)
    done, spent, resumed = _resume(model, optimizer, watch)
    saving = _Saving(watch, model, optimizer, done, spent, resumed)
    within = None if keep_at is None else StepWithin(optimizer)
    parameters.grad.zero_()
    loss = torch.zeros(())
    for step in range(done, steps):
        if model.random:
            # Seeding by step, not once, lets a resumed run draw the same dropout masks.
            torch.manual_seed(derive_seed("dropout", seed, first_step + step))
        loss = objective.loss(model, first_step + step)
        loss.backward()  # type: ignore[no-untyped-call]
        if keep is not None:
            parameters.grad[: parameters.prunable].mul_(keep)
        clip_gradients(parameters, recipe)
        if within is None or keep_at is None:
            optimizer.step(schedule(step))
        else:
            within.step(schedule(step), keep_at(first_step + step))
        parameters.grad.zero_()
        if after_step is not None:
            after_step(step + 1)
        if watch.progress is not None:
            watch.progress.step()
        if step + 1 < steps:
            saving.after(step + 1, steps)
    final = float(loss.detach())
    if not (torch.isfinite(loss.detach()) and bool(torch.isfinite(parameters.flat).all())):
        raise TicketsError(
            f"training diverged: loss is {final} after {steps} steps; lower the learning rate."
        )
    return Trained(steps, final, saving.seconds, resumed, optimizer.state())


class _Saving:
    """Writes checkpoints when they are due, and stops the run on request."""

    def __init__(
        self, watch: Watch, model: Model, optimizer: Optimizer, done: int, spent: float, resumed: int
    ) -> None:
        self.watch, self.parameters, self.optimizer = watch, model.parameters, optimizer
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
            watch.checkpoint.save({"flat": self.parameters.flat, **self.optimizer.state()}, facts)
            self.last_time, self.last_step = now, step
        if watch.stop:
            raise Interrupted(f"stopped by signal {watch.stop.signal} after step {step} of {steps}")


def _resume(model: Model, optimizer: Optimizer, watch: Watch) -> tuple[int, float, int]:
    saved = None if watch.checkpoint is None else watch.checkpoint.load()
    if saved is None:
        return 0, 0.0, 0
    tensors, facts = saved
    model.parameters.flat.data.copy_(tensors["flat"])
    optimizer.restore(tensors, int(tensors["steps"]))
    if watch.progress is not None:
        watch.progress.skip(facts["step"], "resumed from checkpoint")
    return facts["step"], facts["seconds"], facts["resumed"] + 1
