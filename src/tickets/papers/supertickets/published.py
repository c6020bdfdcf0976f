"""The published numbers of `paper/supertickets/*.csv`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tickets.papers.printed import read_printed
from tickets.papers.supertickets.terms import METRICS
from tickets.stats.summary import Stat

REPLICATES = 5
TITLES = {
    "rte": "RTE", "mrpc": "MRPC", "cola": "CoLA", "sst-2": "SST", "sts-b": "STSB", "qnli": "QNLI", "qqp": "QQP",
    "mnli": "MNLI", "snli": "SNLI", "scitail": "SciTail",
}  # fmt: skip
"""Tasks as the columns of the tables name them."""
METRIC_COLUMNS = {
    ("rte", "accuracy"): "RTE", ("mrpc", "accuracy"): "MRPC_acc", ("mrpc", "f1"): "MRPC_f1",
    ("cola", "matthews"): "CoLA", ("sst-2", "accuracy"): "SST", ("sts-b", "pearson"): "STSB_p",
    ("sts-b", "spearman"): "STSB_s", ("qnli", "accuracy"): "QNLI", ("qqp", "accuracy"): "QQP_acc",
    ("qqp", "f1"): "QQP_f1", ("mnli", "accuracy"): "MNLI_m", ("mnli", "accuracy_mismatched"): "MNLI_mm",
}  # fmt: skip
"""Columns of Tables 1 to 3."""
_FILES = (
    *(f"table{n}" for n in range(1, 10)),
    "table4_sizes",
    "significance",
    "text",
)
_ROWS = {"st-dnn": "ST-DNN", "supert": "SuperT", "mt-dnn": "MT-DNN", "ticket-share": "Ticket-Share"}
_INITS = {
    "mnli-full": "MNLI-ST-DNN", "mnli-super": "MNLI-SuperT", "mt-dnn": "MT-DNN", "ticket-share": "Ticket-Share",
}  # fmt: skip


@dataclass(frozen=True)
class PublishedTables:
    """One frame a file, indexed by its first column, as printed; all entries are text."""

    frames: Mapping[str, pd.DataFrame]

    @classmethod
    def read(cls, paper_dir: Path) -> "PublishedTables":
        """Read all files; `TicketsError` names one that is missing or malformed."""
        return cls(
            {
                name: read_printed(paper_dir / f"{name}.csv", dtype=str, keep_default_na=False)
                for name in _FILES
            }
        )

    def text(self, table: str, row: str, column: str) -> str:
        """An entry as printed; empty where the paper leaves it blank or has no such row or column."""
        frame = self.frames[table]
        return str(frame.loc[row, column]) if row in frame.index and column in frame.columns else ""

    def number(self, table: str, row: str, column: str) -> float:
        """One printed number ("8.5k" is 8500); NaN where there is none."""
        return _number(self.text(table, row, column))

    def score(self, table: str, row: str, task: str, metric: str | None = None) -> float:
        """A score of Tables 1 to 3: one metric, or their mean (the task score); NaN where a number is blank."""
        metrics = METRICS[task] if metric is None else (metric,)
        values = [self.number(table, row, METRIC_COLUMNS.get((task, name), "")) for name in metrics]
        return sum(values) / len(values)

    def train_sizes(self) -> dict[str, int]:
        """Training examples of each task, as Table 9 rounds them."""
        rows = {task: "STS-B" if task == "sts-b" else title for task, title in TITLES.items()}
        return {task: round(self.number("table9", row, "train")) for task, row in rows.items()}

    def significant(self, model: str, task: str) -> bool | None:
        """Whether Table 1 calls the gain significant (p < .05)."""
        text = self.text("significance", f"SuperT_{model}", TITLES[task])
        return None if not text else text.startswith("<") or _number(text) < 0.05


def row_name(row: str, model: str, finetuned: bool = False) -> str:
    """Row of Tables 1 to 3, 5 and 8: row_name("mt-dnn", "base", True) is 'MT-DNN_base+ST'."""
    return f"{_ROWS.get(row, row)}_{model}" + ("+ST" if finetuned else "")


def domain_row(model: str, dataset: str, init: str) -> str:
    """Row of Table 4."""
    return f"{TITLES[dataset]}/{_INITS.get(init, init)}_{model}"


def printed_stat(mean: float, std: float = math.nan) -> Stat | None:
    """A printed mean over five seeds; the paper does not say which ddof its deviations have."""
    return None if math.isnan(mean) else Stat(mean, std, std, REPLICATES, math.nan, math.nan)


def _number(text: str) -> float:
    try:
        return float(text[:-1]) * 1000 if text.endswith("k") else float(text)
    except ValueError:
        return math.nan
