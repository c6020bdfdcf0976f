"""The published numbers of `paper/lth/*.csv`, read into `Stat`s."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tickets.papers.lth.tasks import TASKS
from tickets.papers.printed import read_printed
from tickets.stats.summary import Stat

_FILES = ("table1", "table2", "table4", "table5", "table6", "table7", "table8", "fig2_original", "sparsity")
_IDS = {task.title: id for id, task in TASKS.items()} | {"theta0": "oneshot"}
_BY_RULE = {"winning": "table2", "strict": "table4"}
_ROWS = {
    ("pretrained", "random"): "rp",
    ("reinit", "imp"): "imp_rand",
    ("shuffled", "imp"): "imp_shuf",
}
# Table 6 names its columns by task and metric
_TABLE6 = {
    ("mnli", "accuracy"): "MNLI-m",
    ("mnli", "accuracy_mismatched"): "MNLI-mm",
    ("qqp", "accuracy"): "QQP-acc",
    ("qqp", "f1"): "QQP-f1",
    ("sts-b", "pearson"): "STSB-pearson",
    ("sts-b", "spearman"): "STSB-spearman",
    ("mrpc", "f1"): "MRPC-f1",
    ("mrpc", "accuracy"): "MRPC-acc",
}
_REPLICATES = 5


@dataclass(frozen=True)
class PublishedTables:
    """One frame a file, indexed by its first column; columns are task ids where the file has one a task."""

    frames: Mapping[str, pd.DataFrame]

    @classmethod
    def read(cls, paper_dir: Path) -> "PublishedTables":
        """Read all files; `TicketsError` names one that is missing or malformed."""
        return cls({name: _read(paper_dir / f"{name}.csv") for name in _FILES})

    def number(self, table: str, row: str, column: str) -> float:
        """One printed number; NaN where the paper leaves the cell blank or has no such row or column."""
        frame = self.frames[table]
        if row not in frame.index or column not in frame.columns:
            return math.nan
        return float(str(frame.loc[row, column]))

    def train_sizes(self) -> dict[str, int]:
        """Training examples of each task (MLM: sequences of the corpus), Table 1."""
        column = self.frames["table1"]["train_examples"]
        return {str(task): int(size) for task, size in column.items()}

    def hf_reported(self, task: str) -> float:
        """The score Hugging Face reported for the dense model, NaN where there is none."""
        return self.number("table2", "hf_reported", task)

    def s_star(self, task: str, rule: str, metric: str | None = None) -> float | None:
        """The printed s*, as a fraction; of Table 6 when `metric` names a column of it."""
        if metric is not None and metric != TASKS[task].metrics[0]:
            column = _TABLE6.get((task, metric), "")
            percent = self.number("table6", "sparsity", column) if rule == "winning" else math.nan
        else:
            percent = self.number("sparsity", rule, task)
        return None if math.isnan(percent) else percent / 100

    def full(self, task: str, metric: str | None = None) -> Stat | None:
        """Full BERT: Table 2 with the median and best of Table 5; Table 6 for a secondary metric."""
        return self._row("full", task, "table2", metric)

    def ticket(
        self,
        task: str,
        rule: str,
        weights: str = "pretrained",
        method: str = "imp",
        metric: str | None = None,
    ) -> Stat | None:
        """Table 2 ("winning") or Table 4 ("strict"): the ticket or one of the three baselines."""
        if rule not in _BY_RULE:
            return None
        table = _BY_RULE[rule]
        if (weights, method) == ("pretrained", "imp"):
            return self._row("imp", task, table, metric)
        row = _ROWS.get((weights, method))
        return None if row is None or metric is not None else _stat(self.number(table, row, task))

    def mlm_ticket(self, task: str) -> Stat | None:
        """Table 7: the MLM mask at the target's winning sparsity."""
        return _stat(
            self.number("table7", "imp_MLM_mean", task),
            self.number("table7", "imp_MLM_std", task),
            _REPLICATES,
        )

    def transfer(self, source: str, task: str) -> Stat | None:
        """Figure 2: TRANSFER(S, T) at 70 %, from the printed difference to the dense mean."""
        full = self.full(task)
        return None if full is None else _stat(full.mean + self.number("fig2_original", source, task), n=3)

    def data_size(self, task: str) -> dict[str, Stat | None]:
        """Table 8: same-task mask, size-matched MLM mask, full MLM mask (160,000 sequences)."""
        frame = self.frames["table8"]
        if task not in frame.columns:
            return dict.fromkeys(("same_task", "matched", "full"))
        column = frame.assign(mask=frame.index)[["mask", "n_train", task]].dropna()
        scores = {(str(mask), int(size)): float(score) for mask, size, score in column.to_numpy()}
        size = next((size for mask, size in scores if mask == "imp_T"), 0)
        keys = {"same_task": ("imp_T", size), "matched": ("imp_MLM", size), "full": ("imp_MLM", 160_000)}
        return {name: _stat(scores.get(key, math.nan), n=3) for name, key in keys.items()}

    def _row(self, row: str, task: str, table: str, metric: str | None) -> Stat | None:
        if metric is not None and metric != TASKS[task].metrics[0]:
            if table != "table2":  # Table 6 is about the winning tickets
                return None
            column, table, more = _TABLE6.get((task, metric), ""), "table6", False
        else:
            column, more = task, table == "table2"
        median = self.number("table5", f"{row}_median", task) if more else math.nan
        best = self.number("table5", f"{row}_best", task) if more else math.nan
        mean, std = self.number(table, f"{row}_mean", column), self.number(table, f"{row}_std", column)
        return _stat(mean, std, _REPLICATES, median, best)


def _stat(
    mean: float, std: float = math.nan, n: int = 1, median: float = math.nan, best: float = math.nan
) -> Stat | None:
    # the paper does not say which ddof its deviations have; they stand in for both
    return None if math.isnan(mean) else Stat(mean, std, std, n, median, best)


def _read(path: Path) -> pd.DataFrame:
    return read_printed(path).rename(index=_IDS, columns=_IDS)
