"""Reproducible random choices.

Everything is derived from `Generator.random` of numpy's PCG64, whose stream is the same on every machine, and
served from blocks because one call per choice would dominate the time to write a corpus.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_BLOCK = 4096


class Dice:
    """A stream of random choices fixed by its key (a few non-negative integers)."""

    def __init__(self, *key: int) -> None:
        self._draw = _uniforms(key).__next__

    def chance(self, p: float) -> bool:
        """True with probability `p`."""
        return self._draw() < p

    def below(self, n: int) -> int:
        """Uniform over 0..n-1."""
        return int(self._draw() * n)

    def pick(self, items: Sequence[T]) -> T:
        """One of `items`, uniformly."""
        return items[int(self._draw() * len(items))]

    def weighted(self, weights: Sequence[float]) -> int:
        """An index with probability proportional to its weight."""
        rest = self._draw() * sum(weights)
        for index, weight in enumerate(weights):
            rest -= weight
            if rest < 0:
                return index
        return len(weights) - 1

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        """`k` different positions of `items`, in random order."""
        pool = list(items)
        for i in range(k):
            j = i + self.below(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:k]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All of `items` in random order."""
        return self.sample(items, len(items))


def _uniforms(key: tuple[int, ...]) -> Iterator[float]:
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))
    while True:
        yield from generator.random(_BLOCK).tolist()
