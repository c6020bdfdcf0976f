"""Our single-task runs: tickets by family and level, the chosen super ticket, its control, and the phases."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tickets.papers.supertickets.addresses import DRAWS
from tickets.papers.supertickets.averages import task_average
from tickets.papers.supertickets.cell_index import CellIndex, Selection, score_column, scores
from tickets.papers.supertickets.choice import choose, of_chosen
from tickets.papers.supertickets.gain import Gain, compare
from tickets.papers.supertickets.phases import Phases, Scores, find_phases
from tickets.stats.summary import Stat, summarise

MODELS = ("base", "large")
LEVELS = tuple(range(9))
_SEED = 2018  # of the bootstrap, so that equal cells give equal intervals


class TicketEvidence:
    """Runs of single-task trials; see `Evidence` for the arguments that its methods share."""

    def __init__(
        self,
        index: CellIndex,
        frames: Mapping[str, pd.DataFrame] | None = None,
        sizes: Mapping[str, int] | None = None,
        ddof: int = 1,
        bootstrap: int = 10_000,
    ) -> None:
        self.sizes = dict(sizes) if sizes else None
        self.ddof = ddof
        self._index = index
        self._frames = dict(frames or {})
        self._bootstrap = bootstrap
        self._chosen: dict[tuple[str, str, str, int, str], pd.Series[int]] = {}
        self._gains: dict[tuple[str, str, str, int], Gain | None] = {}
        self._phases: dict[tuple[str, str, str], Phases | None] = {}

    @property
    def models(self) -> tuple[str, ...]:
        """Models with runs or importance scores, in the paper's order; all that it has where nothing was run.

        For tables of our own; the paper's tables keep its rows.
        """
        scored = self._frames.get("importance")
        found = {*self._index.models, *(() if scored is None else scored["model"])}
        return tuple(model for model in MODELS if model in found) or MODELS

    def scores(
        self,
        model: str,
        task: str,
        *,
        family: str = "winning",
        level: int = 0,
        sel: Selection = "full",
        metric: str | None = None,
        variant: str = "",
        report: str | None = None,
    ) -> "pd.Series[float]":
        """Scores of a ticket family at a level, by replicate; level 0 of every family is the full model."""
        return scores(self._tickets(model, task, family, level, variant), score_column(sel, report, metric))

    def stat(self, model: str, task: str, **address: Any) -> Stat | None:
        """Summary of `scores` (same arguments)."""
        return summarise(self.scores(model, task, **address))

    def remaining(
        self, model: str, task: str, level: int, family: str = "winning", variant: str = ""
    ) -> float | None:
        """Fraction of all weights that a level keeps, mean over replicates."""
        stat = summarise(scores(self._tickets(model, task, family, level, variant), "remaining"))
        return None if stat is None else stat.mean

    def super_ticket(
        self,
        model: str,
        task: str,
        *,
        sel: Selection = "full",
        first: int = 0,
        family: str = "winning",
        metric: str | None = None,
        report: str | None = None,
    ) -> pd.DataFrame:
        """The super ticket of each replicate that has all levels from `first` to 8 (spec section 1.6).

        first 0: the full model may be chosen too. family "random" is control X2 (the full model is shared),
        "mismatched" claim C26 (first 1). Columns level, remaining, score (SuperT), full (ST-DNN; NaN if not run),
        by replicate.
        """
        candidates = {k: self._tickets(model, task, family, k) for k in LEVELS[first:]}
        key = (model, task, sel, first, family)
        if key not in self._chosen:
            self._chosen[key] = choose(candidates, sel)
        chosen, column = self._chosen[key], score_column(sel, report, metric)
        full = scores(self._tickets(model, task, family, 0), column)
        columns = {
            "level": chosen,
            "remaining": of_chosen(candidates, chosen, "remaining"),
            "score": of_chosen(candidates, chosen, column),
            "full": full.reindex(chosen.index),
        }
        return pd.DataFrame(columns)

    def null(self, model: str, task: str, *, sel: Selection = "full") -> "pd.Series[float]":
        """Control X1: the best of eight reruns of the full model, chosen as the super ticket is, by replicate.

        What selection gains without any pruning. In theory the best of 8 normal scores lies 1.42 standard
        deviations above their mean (`maximum_of_normals`). Only replicates with all reruns.
        """
        draws = {d: self._index.runs(model, task, method="rerun", level=0, variant=f"draw{d}") for d in DRAWS}
        return of_chosen(draws, choose(draws, sel), score_column(sel)).dropna()

    def gain(self, model: str, task: str, *, sel: Selection = "full", first: int = 0) -> Gain | None:
        """SuperT against ST-DNN on the task score, and against control X1; None where nothing ran."""
        key = (model, task, sel, first)
        if key not in self._gains:
            ticket = self.super_ticket(model, task, sel=sel, first=first)
            self._gains[key] = compare(ticket, self.null(model, task, sel=sel))
        return self._gains[key]

    def super_ticket_stat(
        self, model: str, task: str, metric: str | None = None, **choice: Any
    ) -> Stat | None:
        """Summary of the scores of `super_ticket` (same arguments)."""
        return summarise(self.super_ticket(model, task, metric=metric, **choice)["score"])

    def remaining_stat(self, model: str, task: str, *, sel: Selection = "full") -> Stat | None:
        """Table 7: fraction of weights that the super tickets keep."""
        return summarise(self.super_ticket(model, task, sel=sel)["remaining"])

    def compression(self, model: str, *, sel: Selection = "full") -> float | None:
        """Mean of `remaining_stat` over the eight tasks; None unless all were run."""
        return task_average(lambda task: self.remaining_stat(model, task, sel=sel))

    def phases(self, model: str, task: str, variant: str = "") -> Phases | None:
        """Phases of a task's curves on full dev; None unless winning tickets ran at every level."""
        key = (model, task, variant)
        if key not in self._phases:
            self._phases[key] = self._find_phases(*key)
        return self._phases[key]

    def _tickets(
        self, model: str, task: str, family: str, level: int, variant: str = ""
    ) -> pd.DataFrame | None:
        return self._index.runs(
            model, task, method=family if level else "winning", level=level, variant=variant
        )

    def _find_phases(self, model: str, task: str, variant: str) -> Phases | None:
        winning = self._curve(model, task, "winning", variant)
        if winning is None:
            return None
        kept = [self.remaining(model, task, k, variant=variant) for k in LEVELS]
        random, losing = (self._curve(model, task, family, variant) for family in ("random", "losing"))
        generator = np.random.default_rng(_SEED)
        return find_phases(
            [math.nan if x is None else x for x in kept], winning, random, losing, generator, self._bootstrap
        )

    def _curve(self, model: str, task: str, family: str, variant: str) -> Scores | None:
        by_level = {k: self.scores(model, task, family=family, level=k, variant=variant) for k in LEVELS}
        common = pd.DataFrame(by_level).dropna()
        return common.to_numpy(dtype=np.float64) if len(common) else None
