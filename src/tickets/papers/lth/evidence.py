"""What is known about each number: from our runs (`Evidence`) or as printed (`PublishedEvidence`).

Tables, figures and claims ask either one through the same methods. A question without an answer gives None
(or NaN in a matrix), which is shown as "not run"; nothing is filled in.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tickets.errors import TicketsError
from tickets.papers.lth.published import PublishedTables
from tickets.papers.lth.tasks import TASKS
from tickets.stats.criteria import Rule, s_star
from tickets.stats.summary import Stat, summarise

Baseline = Literal["dense", "same_task"] | None

SPARSITIES = tuple(k / 10 for k in range(1, 10))
SOURCES = (*TASKS, "oneshot")
SOURCELESS = ("random", "oneshot")  # methods whose mask belongs to no task; their source is "any"
_OVERLAP = (
    "source_a", "source_b", "replicate_a", "replicate_b", "sparsity",
    "kept_jaccard", "intersection_kept", "pruned_jaccard", "shared_pruned",
)  # fmt: skip
_ADDRESS = ["task", "weights", "method", "source", "sparsity"]


def _require(frame: pd.DataFrame, columns: Sequence[str], name: str, rule: str) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise TicketsError(
            f"{name}: columns missing: {', '.join(missing)}. Run the `{rule}` rule of the paper again."
        )


class Evidence:
    """Our runs, read from `cells.csv` (one row a run) and `overlap.csv` (one row a pair of masks).

    Scores are percent; sparsity is the fraction removed, 0.0 to 0.9. `rule` ("winning", "strict") names the
    sparsity s* of the target task under that criterion; `of="source"` takes the s* of the source instead
    (Fig 6).

    train_sizes: training examples of each task (MLM: sequences of the corpus), for the claims on data size.
    """

    sparsities = SPARSITIES

    def __init__(
        self,
        groups: Mapping[tuple[Any, ...], pd.DataFrame],
        overlap: pd.DataFrame | None = None,
        train_sizes: Mapping[str, int] | None = None,
        ddof: int = 1,
    ) -> None:
        self.ddof = ddof
        self._groups = groups
        self.overlap = overlap
        self.train_sizes = dict(train_sizes) if train_sizes else None

    @classmethod
    def from_frames(
        cls,
        cells: pd.DataFrame,
        frames: Mapping[str, pd.DataFrame] | None = None,
        train_sizes: Mapping[str, int] | None = None,
        ddof: int = 1,
    ) -> "Evidence":
        """Index the cells and the frame "overlap"; `ddof` is what the one-std criterion uses.

        `TicketsError` if a column is missing.
        """
        overlap = (frames or {}).get("overlap")
        _require(cells, (*_ADDRESS, "replicate", "score"), "cells.csv", "cells")
        if overlap is not None:
            _require(overlap, _OVERLAP, "overlap.csv", "mask_overlaps")
        tidy = cells.assign(sparsity=cells["sparsity"].astype(float).round(6))
        groups = {
            key: group.drop_duplicates("replicate").sort_values("replicate")
            for key, group in tidy.groupby(_ADDRESS, sort=False)
        }
        return cls(groups, overlap, train_sizes, ddof)

    def values(
        self,
        task: str,
        *,
        weights: str = "pretrained",
        method: str = "imp",
        source: str | None = None,
        sparsity: float | None = None,
        rule: str = "",
        metric: str | None = None,
        of: Literal["target", "source"] = "target",
    ) -> NDArray[np.float64]:
        """Scores of the replicates at an address, ordered by replicate; empty where nothing ran.

        A run chosen by a rule and one asked for by its sparsity are the same run when the sparsities agree,
        so the stage that made it does not matter. `source` defaults to the task itself ("any" for random and
        oneshot), `metric` (a column of cells.csv) to the primary score.
        """
        source = source or ("any" if method in SOURCELESS else task)
        if sparsity is None:
            if not rule:
                raise ValueError("give a sparsity or a rule")
            sparsity = self.s_star(task if of == "target" else source, rule)  # type: ignore[arg-type]
        group = (
            None
            if sparsity is None
            else self._groups.get((task, weights, method, source, round(sparsity, 6)))
        )
        column = metric or "score"
        if group is None or column not in group.columns:
            return np.empty(0)
        scores: NDArray[np.float64] = group[column].to_numpy(dtype=np.float64)
        return scores[~np.isnan(scores)]

    def stat(self, task: str, **address: Any) -> Stat | None:
        """Summary of `values` (same arguments), or None where nothing ran."""
        return summarise(self.values(task, **address))

    def dense(self, task: str, metric: str | None = None) -> Stat | None:
        """Full BERT: round 0 of the task's IMP chain."""
        return self.stat(task, sparsity=0.0, metric=metric)

    def imp(self, task: str, sparsity: float, metric: str | None = None) -> Stat | None:
        """The task's own IMP ticket, retrained from theta_0."""
        return self.stat(task, sparsity=sparsity, metric=metric)

    def transfer(self, source: str, task: str, sparsity: float) -> Stat | None:
        """TRANSFER(S, T; s); the diagonal is `imp`, source "oneshot" the magnitude mask of theta_0."""
        if source == "oneshot":
            return self.stat(task, method="oneshot", sparsity=sparsity)
        return self.stat(task, source=source, sparsity=sparsity)

    def at(self, task: str, rule: str, **address: Any) -> Stat | None:
        """The runs at an address whose sparsity is s* under `rule` (of the target unless `of="source"`)."""
        return self.stat(task, rule=rule, **address)

    def s_star(
        self, task: str, rule: Rule = "winning", *, metric: str | None = None, ddof: int | None = None
    ) -> float | None:
        """Largest sparsity at which the task's IMP ticket passes; 0.0 if none does, None if not run."""
        subs = {sparsity: self.imp(task, sparsity, metric) for sparsity in self.sparsities}
        return s_star(self.dense(task, metric), subs, rule, self.ddof if ddof is None else ddof)

    def complete(self, task: str) -> bool:
        """Whether the task's IMP chain was run dense and at every sparsity; only then is s* final."""
        return all(self.imp(task, sparsity) is not None for sparsity in (0.0, *self.sparsities))

    def data_size(self, task: str) -> dict[str, Stat | None]:
        """Table 8 at 70 %: the task's own mask, the MLM mask from as many sequences and from all."""
        return {
            "same_task": self.imp(task, 0.7),
            "matched": self.transfer(f"mlm@{task}", task, 0.7),
            "full": self.transfer("mlm", task, 0.7),
        }

    def sources(self) -> tuple[str, ...]:
        """Every source that made a mask used by some run, in order of appearance."""
        return tuple(dict.fromkeys(key[3] for key in self._groups))

    def transfer_matrix(self, sparsity: float, relative_to: Baseline = None) -> pd.DataFrame:
        """Mean TRANSFER(S, T): rows the 11 sources and "oneshot", columns the 11 tasks, NaN = not run.

        relative_to: "dense" subtracts dense(T) (Fig 2 original, Fig 5), "same_task" TRANSFER(T, T) (Fig 2b).
        """
        rows = [[_mean(self.transfer(source, task, sparsity)) for task in TASKS] for source in SOURCES]
        matrix = pd.DataFrame(rows, index=list(SOURCES), columns=list(TASKS), dtype=float)
        if relative_to is None:
            return matrix
        if relative_to == "dense":
            return matrix - [_mean(self.dense(task)) for task in TASKS]
        return matrix - [matrix.loc[task, task] for task in TASKS]


class PublishedEvidence(Evidence):
    """The numbers printed in the paper, under the same methods; None where it prints none.

    The paper gives no replicates, so `values` is always empty. Two tables can print different numbers for one
    cell (spec lth section 9.17): `imp` and `at` read the tables, `transfer` and `transfer_matrix` Figure 2,
    `data_size` Table 8, so that each claim is judged on the numbers of its own exhibit.
    """

    def __init__(self, paper_dir: Path) -> None:
        self.paper_dir = paper_dir
        self.tables = PublishedTables.read(paper_dir)
        super().__init__({}, None, self.tables.train_sizes())

    def stat(self, task: str, **address: Any) -> Stat | None:
        """A printed number by address; see the class for which exhibit answers."""
        metric, rule, sparsity = (
            address.pop("metric", None),
            address.pop("rule", ""),
            address.pop("sparsity", None),
        )
        if address.pop("of", "target") == "source":
            return None
        weights, method = address.pop("weights", "pretrained"), address.pop("method", "imp")
        source = address.pop("source", None) or task
        plain = (weights, method) == ("pretrained", "imp")
        if sparsity == 0.0:
            return self.tables.full(task, metric) if plain and source == task else None
        if plain and source != task:
            if sparsity is None and rule == "winning" and source == "mlm":
                return self.tables.mlm_ticket(task)
            return None if sparsity is None else self.transfer(source, task, sparsity)
        if (weights, method) == ("pretrained", "oneshot"):
            return None if sparsity is None else self.transfer("oneshot", task, sparsity)
        rules = [rule] if rule else [r for r in ("winning", "strict") if self._is(sparsity, task, r, metric)]
        found = (self.tables.ticket(task, r, weights, method, metric) for r in rules)
        return next((stat for stat in found if stat is not None), None)

    def imp(self, task: str, sparsity: float, metric: str | None = None) -> Stat | None:
        """Tables 2, 4 and 6 at their sparsities; at 70 % else Table 8, else Figure 2."""
        stat = self.stat(task, sparsity=sparsity, metric=metric)
        if stat is not None or metric is not None or sparsity != 0.7:
            return stat
        return self.tables.data_size(task)["same_task"] or self.transfer(task, task, sparsity)

    def transfer(self, source: str, task: str, sparsity: float) -> Stat | None:
        """Figure 2 (70 % only) added to the dense mean; the MLM masks of smaller corpora from Table 8."""
        if sparsity != 0.7:
            return None
        if source == f"mlm@{task}":
            return self.tables.data_size(task)["matched"]
        return self.tables.transfer(source, task)

    def s_star(
        self, task: str, rule: Rule = "winning", *, metric: str | None = None, ddof: int | None = None
    ) -> float | None:
        """The printed sparsity (of Table 6 for a secondary metric); `ddof` has no effect."""
        return self.tables.s_star(task, rule, metric)

    def complete(self, task: str) -> bool:
        """The paper prints s* for every task."""
        return True

    def data_size(self, task: str) -> dict[str, Stat | None]:
        """Table 8."""
        return self.tables.data_size(task)

    def sources(self) -> tuple[str, ...]:
        """The rows of Figure 2."""
        return SOURCES

    def _is(self, sparsity: float | None, task: str, rule: str, metric: str | None) -> bool:
        printed = self.tables.s_star(task, rule, metric)
        return sparsity is not None and printed is not None and math.isclose(sparsity, printed)


def _mean(stat: Stat | None) -> float:
    return math.nan if stat is None else stat.mean
