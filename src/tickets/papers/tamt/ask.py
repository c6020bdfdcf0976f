"""Questions that several figures and tables put to the evidence, and the frames that answers are kept in."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from tickets.papers.tamt.evidence import AVG5, AVG7, Evidence, Which
from tickets.papers.tamt.wording import AVERAGE5, AVERAGE7
from tickets.stats.summary import Stat

_GROUPS = {AVERAGE7: AVG7, AVERAGE5: AVG5}


def tasks_of(task: str) -> str | tuple[str, ...]:
    """What the evidence is asked for: a task, or the tasks of an average."""
    return _GROUPS.get(task, task)


def score_stat(evidence: Evidence, which: Which, task: str) -> Stat | None:
    """Score over all runs (mask seeds x fine-tuning seeds) of a task or of an average, in percent."""
    return evidence.stat(which, tasks_of(task))


@dataclass(frozen=True)
class Shown:
    """Mean, standard deviation and count as tables print them."""

    mean: float
    std: float
    n: int


def shown(stat: Stat | None, ddof: int) -> Shown | None:
    """A summary under the paper's ddof; tables print the sample deviation of a bare `Stat`."""
    return None if stat is None else Shown(stat.mean, stat.std if ddof else stat.std0, stat.n)


def record(where: Sequence[object], stat: Stat | None, ddof: int) -> tuple[object, ...] | None:
    """One point of a figure: its address, mean, standard deviation (NaN: one run) and n; None if not run."""
    found = shown(stat, ddof)
    return None if found is None else (*where, found.mean, found.std, found.n)


def frame_of(rows: Sequence[tuple[object, ...] | None], columns: Sequence[str]) -> pd.DataFrame:
    """The points that were run."""
    return pd.DataFrame.from_records([row for row in rows if row is not None], columns=list(columns))


def together(frames: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """The frames below each other, also where none holds anything."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(columns))


def imp_steps(sparsity: float, interval: int) -> int:
    """Optimizer steps before IMP reaches a sparsity: 10 % go at step 0, then 10 % more every `interval` steps."""
    return (round(10 * sparsity) - 1) * interval
