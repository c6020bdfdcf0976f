"""Runs of two results folders, joined by address: which are there, which are equal, how far apart the others are."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tickets.comparing.noise import Noise, seed_noise
from tickets.comparing.sides import Run
from tickets.stats.comparison import paired_t

BY = ("paper", "stage", "method", "task")


@dataclass(frozen=True)
class Pair:
    """One address on both sides."""

    here: Run
    there: Run

    @property
    def gap(self) -> float:
        """Here minus there, in points."""
        return self.here.score - self.there.score

    @property
    def equal(self) -> bool:
        """Whether the scores have the same bits (as text with all digits)."""
        return self.here.columns["score"] == self.there.columns["score"]


@dataclass(frozen=True)
class Shift:
    """Differences (here minus there) of a group of runs, in points; trained runs only, equal ones included.

    by       what the group shares: paper, or paper and stage, method or task
    noise    standard deviation over seeds, where the group has one (by paper and task)
    p        of the paired t-test that the mean difference is zero; None below two runs
    outside  how many differ by more than seed noise explains
    """

    by: str
    paper: str
    name: str
    n: int
    differing: int
    higher: int
    lower: int
    outside: int
    mean: float
    sd: float | None
    largest: float
    noise: float | None
    p: float | None


@dataclass(frozen=True)
class PaperRuns:
    """How many runs of a paper each side has, and how many of those that both have are equal."""

    paper: str
    both: int
    only_here: int
    only_there: int
    identical: int
    same_spec: int
    differing_columns: Mapping[str, int]


@dataclass(frozen=True)
class Runs:
    """All that is said of the runs; `pairs` are those whose scores differ, the farthest first."""

    papers: tuple[PaperRuns, ...]
    shifts: tuple[Shift, ...]
    pairs: tuple[Pair, ...]
    all_pairs: tuple[Pair, ...]
    noise: Noise

    def total(self, name: str) -> int:
        """A count of `PaperRuns`, summed over the papers."""
        return sum(getattr(paper, name) for paper in self.papers)

    def in_noise(self, pair: Pair) -> float | None:
        """The difference in standard deviations of the difference of two seeds; None without a yardstick."""
        deviation = self.noise.of(pair.here)
        if deviation is None:
            return None
        return abs(pair.gap) / (math.sqrt(2) * deviation) if deviation else math.inf


def compare_runs(here: Mapping[str, Mapping[str, Run]], there: Mapping[str, Mapping[str, Run]]) -> Runs:
    """Join the runs (paper -> address -> run) of both sides. The yardstick is the spread over seeds here."""
    noise = seed_noise(run for runs in here.values() for run in runs.values())
    papers, pairs = [], []
    for paper, ours in here.items():
        theirs = there.get(paper, {})
        joined = [Pair(run, theirs[path]) for path, run in ours.items() if path in theirs]
        papers.append(_count(paper, joined, len(ours), len(theirs)))
        pairs += joined
    apart = [pair for pair in pairs if not pair.equal]
    runs = Runs(tuple(papers), tuple(_shifts(pairs, noise)), tuple(apart), tuple(pairs), noise)
    order = sorted(apart, key=lambda pair: (-(runs.in_noise(pair) or 0.0), -abs(pair.gap), pair.here.path))
    return Runs(runs.papers, runs.shifts, tuple(order), runs.all_pairs, noise)


def _count(paper: str, pairs: Sequence[Pair], ours: int, theirs: int) -> PaperRuns:
    columns = Counter(name for pair in pairs for name in pair.here.differs_in(pair.there))
    same = sum(pair.here.columns["fingerprint"] == pair.there.columns["fingerprint"] for pair in pairs)
    equal = sum(pair.equal for pair in pairs)
    both = len(pairs)
    return PaperRuns(paper, both, ours - both, theirs - both, equal, same, dict(columns.most_common()))


def _shifts(pairs: Iterable[Pair], noise: Noise) -> list[Shift]:
    groups: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.here.own and pair.there.own:
            for by in BY:
                name = pair.here.paper if by == "paper" else pair.here.columns[by]
                groups[by, pair.here.paper, name].append(pair)
    return [_shift(*key, members, noise) for key, members in groups.items()]


def _shift(by: str, paper: str, name: str, pairs: Sequence[Pair], noise: Noise) -> Shift:
    gaps = np.array([pair.gap for pair in pairs])
    test = paired_t(gaps, np.zeros_like(gaps)) if gaps.any() else None
    return Shift(
        by,
        paper,
        name,
        n=len(pairs),
        differing=sum(not pair.equal for pair in pairs),
        higher=int((gaps > 0).sum()),
        lower=int((gaps < 0).sum()),
        outside=sum(outside(pair, noise) for pair in pairs),
        mean=float(gaps.mean()),
        sd=float(gaps.std(ddof=1)) if len(pairs) > 1 else None,
        largest=float(gaps[np.abs(gaps).argmax()]),
        noise=noise.of(pairs[0].here) if by == "task" else None,
        p=test.p if test else None,
    )


def outside(pair: Pair, noise: Noise) -> bool:
    """Whether the scores differ by more than seed noise explains, or differ where nothing says how large that is."""
    band = noise.band(pair.here)
    return not pair.equal and (band is None or abs(pair.gap) > band)
