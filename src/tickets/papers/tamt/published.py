"""The published numbers of `paper/tamt/*.csv`."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tickets.papers.printed import read_printed
from tickets.papers.tamt.terms import IMP_KINDS, TAMT_KINDS, TITLES
from tickets.papers.tamt.which import Which

_FILES = ("table1", "table2", "table3", "grid", "text")
_COLUMNS = {"imp": "IMP", "tamt-mlm": "TAMT-MLM", "tamt-kd": "TAMT-KD"}
_ROWS = {"base": "BERT-base", "roberta": "RoBERTa-base"}
_UNITS = {"K": 1e3, "M": 1e6}


@dataclass(frozen=True)
class PublishedTables:
    """One frame a file, indexed by its first column, as printed (text); and the points of Figure 5 (numbers)."""

    frames: Mapping[str, pd.DataFrame]
    fig5: pd.DataFrame

    @classmethod
    def read(cls, paper_dir: Path) -> "PublishedTables":
        """Read all files; `TicketsError` names one that is missing or malformed."""
        frames = {
            name: read_printed(paper_dir / f"{name}.csv", dtype=str, keep_default_na=False) for name in _FILES
        }
        return cls(frames, read_printed(paper_dir / "fig5.csv").reset_index())

    def text(self, table: str, row: str, column: str) -> str:
        """An entry as printed; empty where the paper leaves it blank or has no such row or column."""
        frame = self.frames[table]
        return str(frame.loc[row, column]) if row in frame.index and column in frame.columns else ""

    def number(self, table: str, row: str, column: str) -> float:
        """One printed number: "8.5K" is 8500, "4h6m26s" 14786 seconds; NaN where there is none."""
        text = self.text(table, row, column)
        if clock := re.fullmatch(r"(\d+)h(\d+)m(\d+)s", text):
            hours, minutes, seconds = (int(part) for part in clock.groups())
            return float(3600 * hours + 60 * minutes + seconds)
        unit = _UNITS.get(text[-1:], 1.0)
        try:
            return float(text.rstrip("".join(_UNITS))) * unit
        except ValueError:
            return math.nan

    def train_sizes(self) -> dict[str, int]:
        """Training examples of each task (SQuAD: features), as Table 1 rounds them."""
        return {task: round(self.number("table1", title, "train")) for task, title in TITLES.items()}

    def main_steps(self) -> dict[str, int]:
        """Table 2: steps of mask training by level."""
        return {level: round(self.number("table2", "TAMT", level)) for level in self.frames["table2"].columns}

    def setting(self, name: str) -> tuple[int, ...]:
        """The numbers of a row of grid.csv."""
        return tuple(int(word) for word in self.text("grid", name, "value").split())

    def seconds_per_step(self, kind: str, model: str) -> float | None:
        """Table 3's time over the steps behind it, those of 90 % sparsity (Table 2)."""
        total = self.number("table3", _ROWS.get(model, ""), _COLUMNS.get(kind, ""))
        imp = 8 * self.setting("interval")[0]
        steps = imp if kind in IMP_KINDS else self.number("table2", "TAMT", "90")
        return None if math.isnan(total) else total / steps

    def points(self, which: Which) -> pd.DataFrame:
        """Points of Figure 5: one row a mask seed, or a single one (mask_seed 0) for the mean of all seeds.

        Markers of the last two checkpoints lie on each other: they answer for both, and for the main step, which the
        figure does not show. Markers that were not told apart by step answer for nothing else.
        """
        rows = self.fig5[(self.fig5["kind"] == which.kind) & (self.fig5["sparsity"] == which.sparsity)]
        if which.model != "base" or which.ablation:
            return rows.iloc[:0]
        if which.kind in IMP_KINDS and which.interval is not None:
            return rows[rows["interval"] == which.interval]
        if which.kind not in TAMT_KINDS:
            return rows
        if which.init != "omp":
            return rows.iloc[:0]
        last = self.setting("steps")[-2:]
        if which.step is None or which.step in last:
            return rows[rows["step_high"] == last[-1]]
        return rows[(rows["step_low"] == which.step) & (rows["step_high"] == which.step)]

    def steps(self, kind: str, sparsity: float) -> tuple[int, ...]:
        """Checkpoints of a kind of mask training that `points` knows at a sparsity."""
        return tuple(
            step for step in self.setting("steps") if len(self.points(Which(kind, sparsity, step=step)))
        )


def values(points: pd.DataFrame, column: str) -> "pd.Series[float]":
    """A quantity of points by mask seed; the middle where only a range could be read."""
    middle = (points[f"{column}_low"] + points[f"{column}_high"]) / 2
    found = points[column].astype(float).fillna(middle).dropna()
    return pd.Series(found.to_numpy(), index=pd.Index(points.loc[found.index, "mask_seed"], name="mask_seed"))
