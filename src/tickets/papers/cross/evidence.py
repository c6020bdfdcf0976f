"""What the papers' own evidence says of all methods, asked in one way: scores by task and weights left.

A question without an answer gives None or nothing, which is shown as "not run"; papers that a preset leaves out have
no answers.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from tickets.errors import TicketsError
from tickets.papers.cross.masks import MODEL
from tickets.papers.cross.methods import Method
from tickets.papers.lth.evidence import Evidence as Lth
from tickets.papers.lth.evidence import PublishedEvidence as PublishedLth
from tickets.papers.supertickets.evidence import LEVELS
from tickets.papers.supertickets.evidence import Evidence as Supertickets
from tickets.papers.tamt.evidence import Evidence as Tamt
from tickets.papers.tamt.evidence import Which
from tickets.stats.summary import Stat, summarise

_OVERLAP = ("paper", "method", "source", "level", "reference", "keep", "shared", "micro", "macro", "null")


class Evidence:
    """Our runs of all papers, from their cells.csv below each other, and the frame "overlap" of all their masks.

    `ddof` is what the one-std criterion of `lth` uses.
    """

    def __init__(
        self,
        lth: Lth | None = None,
        supertickets: Supertickets | None = None,
        tamt: Tamt | None = None,
        overlap: pd.DataFrame | None = None,
        ddof: int = 1,
    ) -> None:
        self.lth, self.supertickets, self.tamt = lth, supertickets, tamt
        self.overlap = pd.DataFrame(columns=list(_OVERLAP)) if overlap is None else overlap
        self.ddof = ddof

    @classmethod
    def from_frames(
        cls,
        cells: pd.DataFrame,
        frames: Mapping[str, pd.DataFrame] | None = None,
        sizes: Mapping[str, int] | None = None,
        **options: Mapping[str, Any],
    ) -> "Evidence":
        """Index the cells of each paper, with its own options; `TicketsError` if a column is missing."""
        overlap = (frames or {}).get("overlap")
        if overlap is not None and (missing := [c for c in _OVERLAP if c not in overlap.columns]):
            raise TicketsError(
                f"overlap.csv: columns missing: {', '.join(missing)}. Delete it and make it again."
            )
        papers: dict[str, Any] = {}
        for name, kind in (("lth", Lth), ("supertickets", Supertickets), ("tamt", Tamt)):
            own = cells[cells["paper"] == name] if "paper" in cells.columns else cells[:0]
            papers[name] = kind.from_frames(own, **options.get(name, {})) if len(own) else None
        return cls(**papers, overlap=overlap, ddof=options.get("lth", {}).get("ddof", 1))

    def ran(self, paper: str) -> bool:
        """Whether anything of a paper was read."""
        return getattr(self, paper) is not None

    def full(self, paper: str, task: str) -> Stat | None:
        """Scores of a paper's full model."""
        if paper == "lth" and self.lth:
            return self.lth.dense(task)
        if paper == "supertickets" and self.supertickets:
            return self.supertickets.stat(MODEL, task)
        if paper == "tamt" and self.tamt:
            return summarise(self.tamt.scores(Which("full", 0.0, MODEL), task))
        return None

    def curve(self, method: Method, task: str) -> dict[float, Stat]:
        """Scores of a method by weights left in percent: of the prunable ones, of super tickets of all weights."""
        ask = {"lth": self._lth, "supertickets": self._supertickets, "tamt": self._tamt}[method.paper]
        return {round(left, 4): stat for left, stat in ask(method.name, task).items() if stat is not None}

    def gaps(self, method: Method, task: str) -> dict[float, Stat]:
        """`curve` in points over the mean of the paper's own full model; deviations remain those of the scores."""
        full = self.full(method.paper, task)
        if full is None:
            return {}
        curve = self.curve(method, task)
        return {left: _below(stat, full.mean) for left, stat in curve.items()}

    def _lth(self, name: str, task: str) -> dict[float, Stat | None]:
        found = self.lth
        if found is None:
            return {}
        return {100 * (1 - s): _of_lth(found, name, task, s) for s in found.sparsities}

    def _supertickets(self, name: str, task: str) -> dict[float, Stat | None]:
        found = self.supertickets
        if found is None:
            return {}
        by_level = {k: found.remaining(MODEL, task, k, family=name) for k in LEVELS[1:]}
        return {
            100 * left: found.stat(MODEL, task, family=name, level=k)
            for k, left in by_level.items()
            if left is not None
        }

    def _tamt(self, name: str, task: str) -> dict[float, Stat | None]:
        found = self.tamt
        if found is None:
            return {}
        return {
            100 * (1 - s): summarise(found.scores(Which(name, s, MODEL), task))
            for s in found.sparsities(name, MODEL)
        }


def _below(stat: Stat, level: float) -> Stat:
    return replace(stat, mean=stat.mean - level, median=stat.median - level, best=stat.best - level)


def _of_lth(found: Lth, name: str, task: str, sparsity: float) -> Stat | None:
    if name == "imp":
        return found.imp(task, sparsity)
    if name == "random":
        return found.stat(task, method="random", sparsity=sparsity)
    return found.transfer(name, task, sparsity)


class PublishedEvidence(Evidence):
    """What the papers print of their own methods: scores of `lth` task by task at 70 %; the others have none."""

    def __init__(self, paper_dir: Path) -> None:
        super().__init__(PublishedLth(paper_dir.parent / "lth"))
