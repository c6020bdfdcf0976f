"""Is one set of replicates less variable than another? With five replicates a single ratio says little."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tickets.stats.summary import summarise


@dataclass(frozen=True)
class PooledRatio:
    """Geometric mean of ratios of standard deviations, with an approximate 95 % interval."""

    ratio: float
    low: float
    high: float
    cases: int


def pooled_log_ratio(
    first: Sequence[float], second: Sequence[float], replicates: int, confidence: float = 0.95
) -> PooledRatio | None:
    """Pool std(first) / std(second) over cases (tasks); pairs with a zero or undefined std are left out.

    The variance of the logarithm of a standard deviation of n normal replicates is about 1 / (2 (n - 1)). None
    without a case, or with fewer than two replicates.
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a > 0 and b > 0]
    if not pairs or replicates < 2:
        return None
    from scipy.stats import norm

    mean = sum(math.log(a / b) for a, b in pairs) / len(pairs)
    half = float(norm.ppf(0.5 + confidence / 2)) * math.sqrt(1 / (replicates - 1) / len(pairs))
    return PooledRatio(math.exp(mean), math.exp(mean - half), math.exp(mean + half), len(pairs))


def levene_p(first: ArrayLike, second: ArrayLike) -> float | None:
    """p-value of Levene's test (around the median) of equal variances; None below three replicates a side."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if min(a.size, b.size) < 3:
        return None
    if np.ptp(a) == 0.0 and np.ptp(b) == 0.0:
        return 1.0
    from scipy.stats import levene

    return float(levene(a, b, center="median").pvalue)


def pooled_error(first: ArrayLike, second: ArrayLike) -> float | None:
    """Standard error of the difference of two means; None where a side has fewer than two replicates."""
    a, b = (summarise(np.asarray(values, dtype=np.float64).ravel()) for values in (first, second))
    if a is None or b is None or min(a.n, b.n) < 2:
        return None
    return math.sqrt(a.std**2 / a.n + b.std**2 / b.n)
