"""Learning-rate schedules, as functions of the step."""

from dataclasses import dataclass


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
