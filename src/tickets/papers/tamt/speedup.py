"""'8.4 times fewer iterations, 8.7 times less time': the ratio as spec tamt section 6.4 reconstructs it.

t* is the first checkpoint whose mean score is at least the best mean over IMP's pruning intervals; the ratios are
the steps (seconds) of that IMP over those of t*. The paper does not define it.
"""

import math
from dataclasses import dataclass

from tickets.papers.tamt.ask import imp_steps
from tickets.papers.tamt.evidence import AVG5, Evidence, Which
from tickets.stats.criteria import SLACK
from tickets.stats.summary import Stat


@dataclass(frozen=True)
class Speedup:
    """t* (`step`) and what it compares with: steps and score (`level`) of the best IMP.

    strict     t* if TAMT has to be better by IMP's standard deviation; None if it never is
    pace, imp_pace    seconds a step; None if not measured
    """

    step: int
    imp_step: int
    level: float
    strict: int | None
    pace: float | None
    imp_pace: float | None

    @property
    def iterations(self) -> float:
        """Steps of the best IMP over t*."""
        return self.imp_step / self.step

    @property
    def time(self) -> float | None:
        """Seconds of the best IMP over those until t*."""
        if self.pace is None or self.imp_pace is None:
            return None
        return self.imp_step * self.imp_pace / (self.step * self.pace)

    def reading(self, over: str) -> tuple[float, str] | None:
        """How TAMT's "step" or "hours" compare with IMP's, never below one: (5.0, "more") for a ratio of .2."""
        ratio = self.iterations if over == "step" else self.time
        return None if ratio is None else in_words(ratio, "fewer" if over == "step" else "less")

    def marks(self, over: str) -> tuple[float, float]:
        """t* and the strict t* in "step" or "hours"; NaN where there is none."""
        factor = 1.0 if over == "step" else math.nan if self.pace is None else self.pace / 3600
        return self.step * factor, math.nan if self.strict is None else self.strict * factor


def in_words(ratio: float, saving: str) -> tuple[float, str]:
    """The ratio as a factor from one on, and `saving` ("fewer", "less") or "more" for what is spent."""
    return (ratio, saving) if ratio >= 1 else (1 / ratio, "more")


def speedup(
    evidence: Evidence, kind: str = "tamt-mlm", sparsity: float = 0.7, imp: str = "imp"
) -> Speedup | None:
    """The ratio for an objective, on BERT and the average of five; None if it never reaches IMP, or was not run."""
    best = _best_imp(evidence, sparsity, imp)
    if best is None:
        return None
    imp_step, level = best
    step = _first(evidence, kind, sparsity, level.mean)
    if step is None:
        return None
    pace, imp_pace = (evidence.seconds_per_step(k, "base") for k in (kind, imp))
    strict = _first(evidence, kind, sparsity, level.mean + level.spread(evidence.ddof))
    return Speedup(step, imp_step, level.mean, strict, pace, imp_pace)


def _best_imp(evidence: Evidence, sparsity: float, imp: str) -> tuple[int, Stat] | None:
    """Steps and score of the interval with the best mean."""
    found = []
    for interval in evidence.intervals(sparsity, kind=imp):
        stat = evidence.stat(Which(imp, sparsity, interval=interval), AVG5)
        if stat is not None:
            found.append((imp_steps(sparsity, interval), stat))
    return max(found, key=lambda pair: pair[1].mean, default=None)


def _first(evidence: Evidence, kind: str, sparsity: float, target: float) -> int | None:
    for step in sorted(evidence.steps(kind, sparsity)):
        stat = evidence.stat(Which(kind, sparsity, step=step), AVG5)
        if step > 0 and stat is not None and stat.mean >= target - SLACK:
            return step
    return None
