"""Learning-rate schedules, as functions of the step."""

from collections.abc import Callable
from dataclasses import dataclass

from tickets.training.recipe import Recipe

Schedule = Callable[[int], float]
"""Rate used by the update of a 0-based step."""


@dataclass(frozen=True)
class LinearDecay:
    """lr0 * (1 - (offset + j) / total) at the 0-based step j, after a linear warm-up (spec lth section 3.1, O13).

    `total` may exceed the steps actually trained: profile C spans ten rounds with one decay. `offset` resumes the
    schedule in the middle (rewinding to step i).
    """

    peak: float
    total: int
    warmup: int = 0
    offset: int = 0

    def __call__(self, step: int) -> float:
        """Rate used by the update of `step`."""
        j = step + self.offset
        if j < self.warmup:
            return self.peak * (j + 1) / self.warmup
        return self.peak * max(0.0, (self.total - j) / (self.total - self.warmup))


@dataclass(frozen=True)
class WarmupDecay:
    """Rise from 0 over the first `warmup` of x = step / total, then fall to 0 (spec supertickets section 2.3, O13).

    The reference falls along 1 - x, so it jumps from the peak down to 1 - warmup; `jump=False` is the triangle
    (1 - x) / (1 - warmup). The update of step 0 has rate 0 either way.
    """

    peak: float
    total: int
    warmup: float
    jump: bool = True

    def __call__(self, step: int) -> float:
        """Rate used by the update of `step`."""
        x = step / self.total
        if x < self.warmup:
            return self.peak * x / self.warmup
        return self.peak * max(0.0, 1 - x) / (1.0 if self.jump else 1 - self.warmup)


def schedule_for(recipe: Recipe, total: int) -> Schedule:
    """The schedule a recipe names, over `total` steps."""
    if recipe.schedule == "linear":
        return LinearDecay(recipe.learning_rate, total, int(recipe.warmup * total))
    return WarmupDecay(recipe.learning_rate, total, recipe.warmup, recipe.schedule == "jump")
