"""The three phases of a compression curve, as something that can be computed (spec supertickets section 1.8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

DIGITS = 9  # means of the same numbers in another order differ by rounding
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Phases:
    """Means by level (0: the full model) of one task and model, and what follows from them.

    remaining   x_k, fraction of the weights; winning, random, losing: W_k, R_k, Z_k in percent. random and losing
                are None where those families were not run; the crossing is then unknown, not absent.
    interval    95 % bootstrap interval of `pronounced` over replicates; None with a single one
    share_exists  share of bootstrap draws with k* >= 1; None with a single replicate
    cross_fit   `pronounced` with k* chosen on other replicates than it is evaluated on
    """

    remaining: tuple[float, ...]
    winning: tuple[float, ...]
    random: tuple[float, ...] | None
    losing: tuple[float, ...] | None
    replicates: int
    interval: tuple[float, float] | None = None
    share_exists: float | None = None
    cross_fit: float | None = None

    @property
    def peak(self) -> int:
        """k*: the best level; of equal ones the least pruned."""
        return int(np.argmax(np.round(self.winning, DIGITS)))

    @property
    def exists(self) -> bool:
        """Whether there is a Phase I: some ticket is better than the full model."""
        return self.peak >= 1

    @property
    def threshold(self) -> float:
        """Remaining weights of the super ticket."""
        return self.remaining[self.peak]

    @property
    def pronounced(self) -> float:
        """P = W_{k*} - W_0, in points. Biased upwards, since k* is the best level on the same scores."""
        return self.winning[self.peak] - self.winning[0]

    @property
    def gap(self) -> tuple[float, ...] | None:
        """D_k: winning minus random tickets."""
        if self.random is None:
            return None
        return tuple(round(w - r, DIGITS) for w, r in zip(self.winning, self.random, strict=True))

    @property
    def crossing(self) -> int | None:
        """c: the first level beyond k* where winning tickets are no better than random ones; None: no such."""
        if self.gap is None:
            return None
        return next((k for k in range(self.peak + 1, len(self.gap)) if self.gap[k] <= 0), None)

    @property
    def boundary(self) -> float | None:
        """Remaining weights where the curves cross, interpolated between the levels c-1 and c."""
        if self.crossing is None or self.gap is None:
            return None
        before, after = self.gap[self.crossing - 1], self.gap[self.crossing]
        left, right = self.remaining[self.crossing - 1], self.remaining[self.crossing]
        # not ahead even at k*: there is nothing to interpolate
        return left if before <= 0 else left + (right - left) * before / (before - after)

    @property
    def first(self) -> tuple[int, ...]:
        """Levels of Phase I."""
        return tuple(range(self.peak + 1))

    @property
    def second(self) -> tuple[int, ...]:
        """Levels of Phase II."""
        end = len(self.winning) if self.crossing is None else self.crossing
        return tuple(range(self.peak + 1, end))

    @property
    def early_second(self) -> tuple[int, ...]:
        """Levels of Phase II that are still better than the full model."""
        return tuple(k for k in self.second if round(self.winning[k] - self.winning[0], DIGITS) > 0)

    @property
    def third(self) -> tuple[int, ...]:
        """Levels of Phase III; empty where it was not reached."""
        return () if self.crossing is None else tuple(range(self.crossing, len(self.winning)))


def find_phases(
    remaining: Sequence[float],
    winning: Scores,
    random: Scores | None,
    losing: Scores | None,
    generator: np.random.Generator,
    draws: int = 10_000,
) -> Phases:
    """Phases of curves given by replicate: arrays [replicates, levels] whose first level is the full model.

    The families may have different numbers of replicates; their first level is the full model of `winning`.
    draws: resamples of the replicates of `winning`, each with its own k*.
    """
    interval = share = None
    if len(winning) > 1:
        interval, share = _bootstrap(winning, generator, draws)
    means = _means(winning)
    return Phases(
        tuple(float(x) for x in remaining),
        means,
        None if random is None else (means[0], *_means(random)[1:]),
        None if losing is None else (means[0], *_means(losing)[1:]),
        len(winning),
        interval,
        share,
        cross_fit(winning),
    )


def cross_fit(winning: Scores) -> float | None:
    """P with k* chosen on some replicates and evaluated on the others, averaged over all splits.

    winning [replicates, levels]. n // 2 replicates choose (of five: two, evaluated on three); None for n = 1.
    """
    n = len(winning)
    if n < 2:
        return None
    gains = []
    for chosen in combinations(range(n), n // 2):
        rest = [r for r in range(n) if r not in chosen]
        peak = int(np.argmax(np.round(winning[list(chosen)].mean(axis=0), DIGITS)))
        gains.append(float((winning[rest, peak] - winning[rest, 0]).mean()))
    return sum(gains) / len(gains)


def _bootstrap(
    winning: Scores, generator: np.random.Generator, draws: int
) -> tuple[tuple[float, float], float]:
    n = len(winning)
    means = np.round(winning[generator.integers(n, size=(draws, n))].mean(axis=1), DIGITS)
    low, high = np.percentile(means.max(axis=1) - means[:, 0], [2.5, 97.5])
    return (float(low), float(high)), float((means.argmax(axis=1) >= 1).mean())


def _means(scores: Scores) -> tuple[float, ...]:
    return tuple(float(mean) for mean in scores.mean(axis=0))
