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
from tickets.training.interrupt import Interrupted, StopRequest
from tickets.training.objective import Objective
from tickets.training.optim import AdamW
from tickets.training.progress import Progress
from tickets.training.recipe import Recipe
from tickets.training.schedule import LinearDecay
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
    """Facts of a finished run; `resumed` counts the restarts from a checkpoint, `moments` are Adam's at the end."""

    steps: int
    final_loss: float
    seconds: float
    resumed: int
    moments: Mapping[str, Tensor] = field(default_factory=dict, repr=False)


def train(
    model: Model,
    objective: Objective,
    recipe: Recipe,
    schedule: LinearDecay,
    steps: int,
    *,
    seed: int,
    first_step: int = 0,
    mask: Mask | None = None,
    moments: Mapping[str, Tensor] | None = None,
    watch: Watch | None = None,
    after_step: Callable[[int], None] | None = None,
) -> Trained:
    """Train `model` in place for `steps` updates, starting with data of step `first_step`.

    `moments` continue an earlier run's optimizer. With a mask, masked weights are zeroed once and their gradients
    before clipping, which equals training the re-parametrised product m * theta (spec lth O12;
    tests/unit/training/test_masked_training.py). After `Interrupted`, or a kill, the same call continues from the
    last checkpoint to the same final bits.
    """
    watch = watch or Watch()
    parameters, optimizer = model.parameters, AdamW(model.parameters, recipe)
    keep = None if mask is None else model.apply_mask(mask)
    if moments is not None:
        optimizer.restore(moments, int(moments["steps"]))
        if keep is not None:
            # What momentum is left would move the weights that have died since.
            optimizer.m[: parameters.prunable].mul_(keep)
    done, spent, resumed = _resume(model, optimizer, watch)
    parameters.grad.zero_()
    begun = last_save = time.monotonic()
    loss = torch.zeros(())
    last_saved = done
    for step in range(done, steps):
        if model.random:
            # Seeding by step, not once, lets a resumed run draw the same dropout masks.
            torch.manual_seed(derive_seed("dropout", seed, first_step + step))
        loss = objective.loss(model, first_step + step)
        loss.backward()  # type: ignore[no-untyped-call]
        if keep is not None:
            parameters.grad[: parameters.prunable].mul_(keep)
        clip_(parameters.grad, recipe.clip)
        optimizer.step(schedule(step))
        parameters.grad.zero_()
        if after_step is not None:
            after_step(step + 1)
        if watch.progress is not None:
            watch.progress.step()
        now = time.monotonic()
        due = now - last_save >= watch.checkpoint_seconds
        due |= watch.checkpoint_steps is not None and step + 1 - last_saved >= watch.checkpoint_steps
        if watch.checkpoint is not None and step + 1 < steps and (due or watch.stop):
            facts = {"step": step + 1, "seconds": spent + now - begun, "resumed": resumed}
            watch.checkpoint.save({"flat": parameters.flat, **optimizer.state()}, facts)
            last_save, last_saved = now, step + 1
        if watch.stop and step + 1 < steps:
            raise Interrupted(f"stopped by signal {watch.stop.signal} after step {step + 1} of {steps}")
    final = float(loss.detach())
    if not (torch.isfinite(loss.detach()) and bool(torch.isfinite(parameters.flat).all())):
        raise TicketsError(
            f"training diverged: loss is {final} after {steps} steps; lower the learning rate."
        )
    return Trained(steps, final, spent + time.monotonic() - begun, resumed, optimizer.state())


def clip_(grad: Tensor, limit: float) -> None:
    """Scale the flat gradient to norm `limit` if it is longer, as `clip_grad_norm_` does over all parameters."""
    norm = torch.linalg.vector_norm(grad)
    grad.mul_(torch.clamp(limit / (norm + 1e-6), max=1.0))


def _resume(model: Model, optimizer: AdamW, watch: Watch) -> tuple[int, float, int]:
    saved = None if watch.checkpoint is None else watch.checkpoint.load()
    if saved is None:
        return 0, 0.0, 0
    tensors, facts = saved
    model.parameters.flat.data.copy_(tensors["flat"])
    optimizer.restore(tensors, int(tensors["steps"]))
    if watch.progress is not None:
        watch.progress.skip(facts["step"], "resumed from checkpoint")
    return facts["step"], facts["seconds"], facts["resumed"] + 1
