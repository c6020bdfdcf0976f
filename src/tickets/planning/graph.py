"""Jobs and what they wait for. Imports no torch."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tickets.grid import Job


class Graph:
    """All jobs of a preset, by number, in an order in which they could run."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.jobs = tuple(jobs)
        self.maker = {path: i for i, job in enumerate(self.jobs) for path in job.outputs}
        self.needs = [self.makers(job.inputs) - {i} for i, job in enumerate(self.jobs)]
        self.order = self._sorted()

    def makers(self, paths: Iterable[Path]) -> set[int]:
        """Jobs that make these files; files that no job makes have none."""
        return {self.maker[path] for path in paths if path in self.maker}

    def closure(self, jobs: Iterable[int]) -> frozenset[int]:
        """The jobs and all that they wait for."""
        found: set[int] = set()
        waiting = list(jobs)
        while waiting:
            job = waiting.pop()
            if job not in found:
                found.add(job)
                waiting += self.needs[job] - found
        return frozenset(found)

    def longest(self, seconds: Sequence[float], within: Iterable[int]) -> tuple[float, tuple[int, ...]]:
        """Time of the slowest chain of jobs among `within`, and the chain: nothing finishes sooner."""
        chosen = frozenset(within)
        ends: dict[int, float] = {}
        before: dict[int, int | None] = {}
        for job in self.order:
            if job in chosen:
                last = max((n for n in self.needs[job] if n in chosen), key=ends.__getitem__, default=None)
                ends[job] = seconds[job] + (0.0 if last is None else ends[last])
                before[job] = last
        if not ends:
            return 0.0, ()
        chain = [max(ends, key=ends.__getitem__)]
        while (last := before[chain[-1]]) is not None:
            chain.append(last)
        return ends[chain[0]], tuple(reversed(chain))

    def _sorted(self) -> tuple[int, ...]:
        order: dict[int, None] = {}
        for start in range(len(self.jobs)):
            stack = [start]
            while stack:
                job = stack[-1]
                missing = [n for n in self.needs[job] if n not in order]
                if job in order or not missing:
                    order[stack.pop()] = None
                else:
                    stack += missing
        return tuple(order)
