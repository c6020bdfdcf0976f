"""How sure is s*? The distribution of s* when the replicates are drawn again."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tickets.stats.criteria import SLACK, TWO_POINTS, Rule


def bootstrap_s_star(
    full: ArrayLike,
    subs: Mapping[float, ArrayLike],
    generator: np.random.Generator,
    rule: Rule = "winning",
    *,
    draws: int = 2000,
    ddof: int = 1,
) -> dict[float, float]:
    """Share of draws in which each sparsity is s*, by sparsity (0.0: no ticket); the shares add up to 1.

    full holds the scores of the dense replicates, subs those of each sparsity. Replicates are whole chains,
    so a draw takes the same replicates at every sparsity; a sparsity with another number of replicates is
    drawn on its own. Empty sets are left out; an empty result means that there was nothing to draw from.
    """
    dense = np.asarray(full, dtype=np.float64)
    arrays = {s: np.asarray(values, dtype=np.float64) for s, values in sorted(subs.items())}
    arrays = {s: values for s, values in arrays.items() if values.size}
    if not dense.size or not arrays:
        return {}
    lengths = sorted({dense.size, *(values.size for values in arrays.values())})
    picks = {n: generator.integers(n, size=(draws, n)) for n in lengths}
    target = dense[picks[dense.size]].mean(axis=1)
    star = np.zeros(draws)
    for sparsity, values in arrays.items():
        drawn = values[picks[values.size]]
        star[target - drawn.mean(axis=1) <= _allowance(drawn, rule, ddof) + SLACK] = sparsity
    counts = Counter(star.tolist())
    return {sparsity: counts[sparsity] / draws for sparsity in sorted(counts)}


def _allowance(drawn: NDArray[np.float64], rule: Rule, ddof: int) -> NDArray[np.float64]:
    if rule == "winning" and drawn.shape[1] > 1:
        spread: NDArray[np.float64] = drawn.std(axis=1, ddof=ddof)
        return spread
    return np.full(len(drawn), TWO_POINTS if rule == "two_points" else 0.0)
