"""When a subnetwork counts as a winning ticket (spec lth section 1).

All criteria are one-sided: a subnetwork that is better than the dense network by any amount wins.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from tickets.stats.summary import Stat

SLACK = 1e-9  # 90.2 - 90.0 is larger than 0.2 in floating point
TWO_POINTS = 2.0

Rule = Literal["winning", "strict", "two_points"]
Criterion = Callable[[Stat, Stat], bool]


def one_std(full: Stat, sub: Stat, ddof: int = 1) -> bool:
    """W1: the gap to the dense network is at most one standard deviation of the *subnetwork*.

    With the dense network's deviation four of the paper's own eleven tickets would fail (oracle O21). With a
    single replicate there is no deviation and the criterion is the strict one.
    """
    return excess_gap(full, sub, ddof) <= SLACK


def strict(full: Stat, sub: Stat) -> bool:
    """W0: match or exceed the dense mean."""
    return full.mean - sub.mean <= SLACK


def two_points(full: Stat, sub: Stat) -> bool:
    """The rule of the paper's first submission: at most two points below the dense mean."""
    return full.mean - sub.mean <= TWO_POINTS + SLACK


def excess_gap(full: Stat, sub: Stat, ddof: int = 1) -> float:
    """Points by which a subnetwork misses the one-std criterion (<= 0: it passes)."""
    return full.mean - sub.mean - sub.spread(ddof)


def criterion(rule: str, ddof: int = 1) -> Criterion:
    """The predicate (full, sub) -> bool of a rule's name; ValueError for another name."""
    if rule == "winning":
        return lambda full, sub: one_std(full, sub, ddof)
    if rule == "strict":
        return strict
    if rule == "two_points":
        return two_points
    raise ValueError(f"unknown rule '{rule}'; the rules are winning, strict, two_points")


def s_star(
    full: Stat | None, subs: Mapping[float, Stat | None], rule: Rule = "winning", ddof: int = 1
) -> float | None:
    """Largest sparsity whose subnetwork passes; lower ones need not pass (WNLI in the paper does not).

    subs maps sparsity (fraction removed, > 0) to its runs. 0.0 when none passes: the dense network matches
    itself. None when there is nothing to compare (no dense run, or no pruned one).
    """
    passes = criterion(rule, ddof)
    ran = {sparsity: stat for sparsity, stat in subs.items() if stat is not None and sparsity > 0}
    if full is None or not ran:
        return None
    return max((sparsity for sparsity, stat in ran.items() if passes(full, stat)), default=0.0)
