"""Comparing two sets of replicates beyond the papers' own criteria. scipy is imported when a test is made."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tickets.stats.criteria import SLACK
from tickets.stats.summary import Stat

MARGIN = 1.0  # points; spec lth section 7, statistical hygiene


@dataclass(frozen=True)
class Difference:
    """First mean minus second, its interval, and the statistic t and two-sided p-value of no difference."""

    difference: float
    low: float
    high: float
    p: float
    t: float


@dataclass(frozen=True)
class NonInferiority:
    """p is one-sided, for the null that the subnetwork is worse by the margin or more; holds: p < alpha."""

    p: float
    margin: float
    holds: bool


def welch(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Difference | None:
    """Welch's t interval for two independent sets; None unless each has at least two replicates.

    Without any spread the difference is exact: the interval is a point and p is 0 or 1.
    """
    a, b = _set(first), _set(second)
    if min(a.size, b.size) < 2:
        return None
    difference = float(a.mean() - b.mean())
    error, freedom = _standard_error(a, b)
    return _interval(difference, error, freedom, confidence)


def non_inferior(
    sub: ArrayLike, full: ArrayLike, margin: float = MARGIN, alpha: float = 0.05
) -> NonInferiority | None:
    """Is `sub` worse than `full` by less than `margin`? One-sided Welch test; None below two replicates."""
    a, b = _set(sub), _set(full)
    if min(a.size, b.size) < 2:
        return None
    shifted = float(a.mean() - b.mean()) + margin
    error, freedom = _standard_error(a, b)
    if error == 0.0:
        p = 0.0 if shifted > 0 else 1.0
    else:
        from scipy.stats import t

        p = float(t.sf(shifted / error, freedom))
    return NonInferiority(p, margin, p < alpha)


def paired_t(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Difference | None:
    """Paired t-test of replicates that share seeds; None below two pairs, ValueError for unequal lengths."""
    a, b = _set(first), _set(second)
    if a.size != b.size:
        raise ValueError(f"paired sets must have equal lengths, not {a.size} and {b.size}")
    if a.size < 2:
        return None
    gaps = a - b
    # Equal gaps differ by rounding only; their spread is none.
    spread = 0.0 if np.ptp(gaps) <= SLACK else float(gaps.std(ddof=1))
    error = spread / math.sqrt(gaps.size)
    return _interval(float(gaps.mean()), error, gaps.size - 1, confidence)


def spearman(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Rank correlation and its two-sided p-value; NaN for both if either side is constant."""
    if len(set(first)) < 2 or len(set(second)) < 2:
        return math.nan, math.nan
    from scipy.stats import spearmanr

    rho, p = spearmanr(first, second)
    return float(rho), float(p)


def agrees(ours: Stat, published: Stat) -> bool:
    """Numeric agreement of one cell: within max(1, 2 sqrt(std_ours^2 + std_published^2)), spec section 7."""
    allowed = max(1.0, 2 * math.hypot(ours.spread(), published.spread()))
    return abs(ours.mean - published.mean) <= allowed + SLACK


def _interval(difference: float, error: float, freedom: float, confidence: float) -> Difference:
    if error == 0.0:
        same = difference == 0.0
        t = 0.0 if same else math.copysign(math.inf, difference)
        return Difference(difference, difference, difference, 1.0 if same else 0.0, t)
    from scipy.stats import t as student

    half = float(student.ppf(0.5 + confidence / 2, freedom)) * error
    p = float(2 * student.sf(abs(difference) / error, freedom))
    return Difference(difference, difference - half, difference + half, p, difference / error)


def _standard_error(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Standard error of the difference of means and the Welch-Satterthwaite degrees of freedom."""
    u, v = float(a.var(ddof=1)) / a.size, float(b.var(ddof=1)) / b.size
    if u + v == 0.0:
        return 0.0, math.inf
    return math.sqrt(u + v), (u + v) ** 2 / (u**2 / (a.size - 1) + v**2 / (b.size - 1))


def _set(values: ArrayLike) -> NDArray[np.float64]:
    data = np.asarray(values, dtype=np.float64).ravel()
    return data[~np.isnan(data)]
