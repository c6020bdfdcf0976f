"""How claims of this paper are judged: comparisons of means, their z, and IMP in both flavours."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tickets.papers.tamt.evidence import AVG5, Evidence, PublishedEvidence, Which
from tickets.papers.verdict import Checks, Verdict, decide
from tickets.stats.comparison import spearman
from tickets.stats.criteria import SLACK

Z = 2.0
"""|z| below which a difference of means is inconclusive (spec section 7)."""
FULL = Which("full", 0.0)
VARIANTS = ("tamt-mlm", "tamt-kd", "tamt-mlm-kd")
FLAVOURS = ("imp", "imp-rewind")
_POINTS = 3  # of a rank correlation


def total(
    evidence: Evidence, checks: Checks, figures: Mapping[str, Any], *, note: str = "", partial: bool = False
) -> Verdict:
    """`decide`, over the cases that the evidence can answer where it is the published numbers.

    What the paper's text and Figure 5 do not show is then no part of the claim, and the reason says so.
    """
    if not evidence.partial:
        return decide(checks, figures, note=note, partial=partial)
    known = {name: check for name, check in checks.items() if check is not None}
    left = len(checks) - len(known)
    if not known:
        return Verdict("not run", figures, "no published values at hand")
    notes = [f"no published values for {left} of the claim's {len(checks)} cases"] if left else []
    return decide(known, figures, note="; ".join([note, *notes] if note else notes))


def settled(
    evidence: Evidence,
    directions: Checks,
    zs: Mapping[str, float | None],
    figures: Mapping[str, Any],
    *,
    note: str = "",
) -> Verdict:
    """`total` of directions, of which those named in `zs` must be clear: inconclusive while some |z| < 2.

    A direction that is wrong beyond doubt is a counter-example all the same. Published numbers have no z: their
    directions decide.
    """
    if evidence.partial:
        return total(evidence, directions, figures, note=note)
    unsure = [n for n, z in zs.items() if directions[n] is not None and (z is None or abs(z) < Z - SLACK)]
    sure = {name: check for name, check in directions.items() if name not in unsure}
    verdict = total(evidence, sure, figures, note=note)
    if not unsure or verdict.status == "not reproduced":
        return verdict
    why = f"|z| below {Z:g} (or unknown) for {', '.join(unsure)}"
    return Verdict("inconclusive", figures, "; ".join(part for part in (verdict.reason, why) if part))


def by_flavour(evidence: Evidence, judge: Callable[[str], Verdict], model: str = "base") -> Verdict:
    """Judge with IMP as the reference runs it, which decides, and beside it with IMP that does rewind (spec A12)."""
    first, other = (judge(kind) if evidence.sparsities(kind, model) else None for kind in FLAVOURS)
    if first is None:
        first = judge("imp")
    if other is None:
        return first
    figures = {
        kind: {"status": v.status, **v.figures} for kind, v in zip(FLAVOURS, (first, other), strict=True)
    }
    return Verdict(first.status, figures, f"{first.reason}; against IMP with rewinding: {other.status}")


def mean(evidence: Evidence, which: Which, tasks: str | Sequence[str] | None = None) -> float | None:
    """Mean score over all runs; tasks None: the average of the main figures."""
    stat = evidence.stat(which, evidence.main_tasks if tasks is None else tasks)
    return None if stat is None else stat.mean


def loss(evidence: Evidence, which: Which, column: str = "mlm_loss") -> float | None:
    """Mean dev loss over mask seeds."""
    found = evidence.losses(which, column)
    return float(found.mean()) if len(found) else None


def overlap(evidence: Evidence, a: Which, b: Which) -> float | None:
    """Mean Jaccard overlap over pairs of mask seeds (mean over matrices)."""
    found = evidence.similarity(a, b)
    return float(found.mean()) if len(found) else None


def curve(
    evidence: Evidence, settings: Iterable[Which], tasks: str | Sequence[str] = AVG5
) -> dict[int, float]:
    """Mean score by step, of the settings that were run."""
    found = {evidence.step_of(which) or 0: mean(evidence, which, tasks) for which in settings}
    return {step: value for step, value in sorted(found.items()) if value is not None}


def rank(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rho; None below three points or where a side is constant."""
    if len(first) < _POINTS:
        return None
    rho, _ = spearman([round(x, 9) for x in first], [round(y, 9) for y in second])
    return None if math.isnan(rho) else rho


def more(a: float | None, b: float | None, by: float = 0.0) -> bool | None:
    """Whether a > b + by; None if either was not run."""
    return None if a is None or b is None else a > b + by + SLACK


def within(a: float | None, low: float, high: float) -> bool | None:
    """Whether low <= a <= high; None if it was not run."""
    return None if a is None else low - SLACK <= a <= high + SLACK


def minus(a: float | None, b: float | None) -> float | None:
    """a - b; None if either was not run."""
    return None if a is None or b is None else a - b


def ratio(a: float | None, b: float | None) -> float | None:
    """a / b; None if either was not run or b is 0."""
    return None if a is None or not b else a / b


def averaged(evidence: Evidence) -> str:
    """A note where an average of five tasks stands in for that of seven."""
    return "Figure 5's average of five tasks stands in for that of seven" if evidence.partial else ""


def step_like(evidence: Evidence, published: PublishedEvidence, step: int) -> int:
    """The checkpoint that is as far into a preset's schedule as `step` is into the paper's; `step` if unknown."""
    if not evidence.grid.horizon or not evidence.grid.steps:
        return step
    wanted = step * evidence.grid.horizon / published.grid.horizon
    return min(evidence.grid.steps, key=lambda checkpoint: abs(checkpoint - wanted))


def name(sparsity: float) -> str:
    """'70 %' for 0.7."""
    return f"{100 * sparsity:.0f} %"
