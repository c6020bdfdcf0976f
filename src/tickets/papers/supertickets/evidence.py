"""What is known about each number: from our runs (`Evidence`) or as printed (`PublishedEvidence`).

Tables, figures and claims ask either one through the same methods (`*_stat`, `gain`, `compression`). A question
without an answer gives None or an empty series, which is shown as "not run"; nothing is filled in.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from tickets.errors import TicketsError
from tickets.papers.supertickets.averages import task_average
from tickets.papers.supertickets.cell_columns import SELECTIONS
from tickets.papers.supertickets.cell_index import SUPER, CellIndex, Selection, score_column, scores
from tickets.papers.supertickets.gain import Gain
from tickets.papers.supertickets.published import (
    REPLICATES,
    TITLES,
    PublishedTables,
    domain_row,
    printed_stat,
    row_name,
)
from tickets.papers.supertickets.settings import TASKS as TASKS8
from tickets.papers.supertickets.shares import task_shares
from tickets.papers.supertickets.terms import METRICS
from tickets.papers.supertickets.ticket_evidence import LEVELS, MODELS, TicketEvidence
from tickets.stats.summary import Stat, summarise

__all__ = ["LEVELS", "METRICS", "MODELS", "RATES", "SELECTIONS", "TASKS8", "Evidence", "PublishedEvidence"]


RATES = ("", "lr1", "lr2")
"""Variants of single-task fine-tuning after multi-task learning: its three learning rates."""
Row = Literal["st-dnn", "supert", "mt-dnn", "ticket-share"]
_IMPORTANCE = ("model", "task", "replicate", "kind", "layer", "index", "variant", "raw", "normalised")


class Evidence(TicketEvidence):
    """Our runs, from `cells.csv` (one row a run) and the frame "importance" (one row a structure and trial).

    Scores are percent, on the dev set; series are indexed by replicate. Arguments that methods share:
    sel      what chose the epoch (and the super ticket): "full", "p10" or "half" of dev (spec section 1.6)
    report   the part of dev that is reported: by default what goes with `sel`; "rest" is the 90 % left by "p10"
    metric   one metric of the task; None is the task score, the mean of its metrics
    sizes    training examples of each task; ddof: of standard deviations; bootstrap: resamples of replicates
    """

    selections: tuple[Selection, ...] = ("p10", "full", "half")
    """What claims are judged under; the first is the paper's own and decides."""

    @classmethod
    def from_frames(
        cls,
        cells: pd.DataFrame,
        frames: Mapping[str, pd.DataFrame] | None = None,
        sizes: Mapping[str, int] | None = None,
        ddof: int = 1,
        bootstrap: int = 10_000,
    ) -> "Evidence":
        """Index the frames. `TicketsError` names columns that are missing."""
        found = (frames or {}).get("importance")
        if found is not None and (missing := [c for c in _IMPORTANCE if c not in found.columns]):
            raise TicketsError(
                f"importance.csv: columns missing: {', '.join(missing)}. Delete it and make it again."
            )
        return cls(CellIndex.read(cells), frames, sizes, ddof, bootstrap)

    def unseen_stat(self, model: str, task: str, row: Row, metric: str | None = None) -> Stat | None:
        """Table 2 ("st-dnn", "supert"): data that took no part in the choice, here the 90 % of dev left by "p10"."""
        if row == "st-dnn":
            return self.stat(model, task, sel="p10", report="rest", metric=metric)
        return self.super_ticket_stat(model, task, metric, sel="p10", report="rest")

    def multitask(
        self,
        model: str,
        task: str,
        method: str,
        *,
        finetuned: bool = False,
        lr: str = "",
        sel: Selection = "full",
        metric: str | None = None,
    ) -> "pd.Series[float]":
        """Scores of a multi-task model on a task; finetuned: after single-task fine-tuning at a rate of `RATES`."""
        runs = self._multitask(model, task, method, finetuned, lr)
        return scores(runs, score_column(sel, None, metric))

    def multitask_stat(self, model: str, task: str, method: str, **address: Any) -> Stat | None:
        """Summary of `multitask` (same arguments)."""
        return summarise(self.multitask(model, task, method, **address))

    def multitask_compression(self, model: str, method: str) -> float | None:
        """Fraction of weights that a multi-task model keeps, mean over the eight tasks; None unless all ran."""

        def kept(task: str) -> Stat | None:
            return summarise(scores(self._multitask(model, task, method, False, ""), "remaining"))

        return task_average(kept)

    def seed_scores(self, model: str, task: str, row: Row, *, sel: Selection = "full") -> "pd.Series[float]":
        """Task scores by replicate behind Tables 5 and 6.

        Multi-task rows: after fine-tuning, the mean over the three learning rates (spec section 4.2).
        """
        if row == "st-dnn":
            return self.scores(model, task, sel=sel)
        if row == "supert":
            return self.super_ticket(model, task, sel=sel)["score"].dropna()
        return self._by_rate(model, task, row, sel).mean(axis=1)

    def seed_stat(self, model: str, task: str, row: Row, *, sel: Selection = "full") -> Stat | None:
        """Table 5: its `spread` is the deviation over seeds."""
        return summarise(self.seed_scores(model, task, row, sel=sel))

    def rate_stat(self, model: str, task: str, row: Row, *, sel: Selection = "full") -> Stat | None:
        """Table 8: its `spread` is the deviation over the three learning rates of the means over seeds."""
        rates = self._by_rate(model, task, row, sel)
        return summarise(rates.mean(axis=0)) if len(rates) else None

    def domain(
        self,
        model: str,
        dataset: str,
        init: str,
        fraction: str | float,
        *,
        extended: bool = False,
        sel: Selection = "full",
    ) -> "pd.Series[float]":
        """Dev accuracy on snli or scitail from an initialisation, on a fraction (percent) of the training set."""
        runs = self._index.runs(
            model,
            dataset,
            method=init,
            level=0 if init in ("mnli-full", "mt-dnn") else SUPER,
            variant=f"data{float(fraction):g}" + ("-extended" if extended else ""),
            weights=init,
            source="mnli" if init.startswith("mnli") else "glue",
        )
        return scores(runs, score_column(sel))

    def domain_stat(
        self, model: str, dataset: str, init: str, fraction: str | float, **address: Any
    ) -> Stat | None:
        """Summary of `domain` (same arguments)."""
        return summarise(self.domain(model, dataset, init, fraction, **address))

    def importance(self, variant: str = "token") -> pd.DataFrame | None:
        """Importance scores of a variant, one row a structure, task, model and replicate."""
        frame = self._frames.get("importance")
        if frame is None:
            return None
        rows = frame[frame["variant"] == variant]
        return rows if len(rows) else None

    def shares(self, model: str, variant: str = "token") -> pd.DataFrame | None:
        """Ticket importance and task shares of a model (Figure 6), see `task_shares`."""
        rows = self.importance(variant)
        rows = None if rows is None else rows[rows["model"] == model]
        return None if rows is None or not len(rows) else task_shares(rows, TASKS8)

    def _multitask(self, model: str, task: str, method: str, finetuned: bool, lr: str) -> pd.DataFrame | None:
        return self._index.runs(
            model,
            task,
            method=method,
            level=0 if method == "mt-dnn" else SUPER,
            variant=lr if finetuned else "",
            weights=method if finetuned else "pretrained",
            source="glue",
        )

    def _by_rate(self, model: str, task: str, row: Row, sel: Selection) -> pd.DataFrame:
        rates = {lr: self.multitask(model, task, row, finetuned=True, lr=lr, sel=sel) for lr in RATES}
        return pd.DataFrame(rates).dropna()


class PublishedEvidence(Evidence):
    """The numbers printed in the paper, under the same methods; None where it prints none.

    The paper gives no replicates, so every series is empty and there are no phases, shares or controls. It prints
    one set of scores: `sel` has no effect.
    """

    selections = ("p10",)

    def __init__(self, paper_dir: Path) -> None:
        self.paper_dir = paper_dir
        self.tables = PublishedTables.read(paper_dir)
        super().__init__(CellIndex({}), None, self.tables.train_sizes())

    def printed(self, table: str, row: str, column: str) -> float:
        """One entry of a file ("table1" to "table9", "text"); NaN where it is blank, no number or not there."""
        return self.tables.number(table, row, column)

    def stat(self, model: str, task: str, **address: Any) -> Stat | None:
        """ST-DNN of Table 1; no other run of a single level is printed."""
        plain = (address.get("family", "winning"), address.get("level", 0), address.get("variant", ""))
        if plain[1:] != (0, "") or address.get("report") == "rest":
            return None
        return self._score("table1", row_name("st-dnn", model), task, address.get("metric"))

    def super_ticket_stat(
        self, model: str, task: str, metric: str | None = None, **choice: Any
    ) -> Stat | None:
        """SuperT of Table 1."""
        if choice.get("family", "winning") != "winning" or choice.get("report") == "rest":
            return None
        return self._score("table1", row_name("supert", model), task, metric)

    def unseen_stat(self, model: str, task: str, row: Row, metric: str | None = None) -> Stat | None:
        """Table 2, the GLUE test server."""
        return self._score("table2", row_name(row, model), task, metric)

    def gain(self, model: str, task: str, *, sel: Selection = "full", first: int = 0) -> Gain | None:
        """Difference of Table 1's rows, with the p-value where the paper prints one."""
        ticket, full = self.super_ticket_stat(model, task), self.stat(model, task)
        if ticket is None or full is None:
            return None
        p = self.printed("significance", row_name("supert", model), TITLES[task])
        significant = self.tables.significant(model, task)
        return Gain(ticket.mean - full.mean, math.nan, p, ticket.n, significant)

    def remaining_stat(self, model: str, task: str, *, sel: Selection = "full") -> Stat | None:
        """Table 7."""
        row = row_name("supert", model)
        mean, std = (self.printed("table7", f"{row}_{what}", TITLES[task]) for what in ("mean", "std"))
        return printed_stat(mean, std)

    def multitask_stat(self, model: str, task: str, method: str, **address: Any) -> Stat | None:
        """Table 3."""
        if address.get("lr"):
            return None
        row = row_name(method, model, address.get("finetuned", False))
        return self._score("table3", row, task, address.get("metric"))

    def multitask_compression(self, model: str, method: str) -> float | None:
        """Table 3's last column."""
        stat = printed_stat(self.printed("table3", row_name(method, model), "compr") / 100)
        return None if stat is None else stat.mean

    def seed_stat(self, model: str, task: str, row: Row, *, sel: Selection = "full") -> Stat | None:
        """Table 5: a deviation without a mean."""
        return _deviation(self.printed("table5", row_name(row, model), TITLES[task]))

    def rate_stat(self, model: str, task: str, row: Row, *, sel: Selection = "full") -> Stat | None:
        """Table 8: a deviation without a mean."""
        return _deviation(self.printed("table8", row_name(row, model), TITLES[task]))

    def domain_stat(
        self, model: str, dataset: str, init: str, fraction: str | float, **address: Any
    ) -> Stat | None:
        """Table 4."""
        if address.get("extended"):
            return None
        row = domain_row(model, dataset, init)
        return printed_stat(self.printed("table4", row, f"{float(fraction):g}"))

    def _score(self, table: str, row: str, task: str, metric: str | None) -> Stat | None:
        return printed_stat(self.tables.score(table, row, task, metric))


def _deviation(std: float) -> Stat | None:
    nan = math.nan
    return None if math.isnan(std) else Stat(nan, std, std, REPLICATES, nan, nan)
