"""Finding runs in cells.csv by address, and the columns that hold their scores."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from tickets.errors import TicketsError
from tickets.papers.supertickets.cell_columns import SELECTIONS, Selection

__all__ = ["SUPER", "CellIndex", "Selection", "score_column", "scores"]

SUPER = "super"

_ADDRESS = ["model", "task", "variant", "weights", "method", "source", "level"]
_NEEDED = (
    "model", "task", "variant", "weights", "method", "source", "rule", "sparsity", "replicate", "score",
    "remaining", "p10", "rest", "half",
    *(f"select_{s}" for s in SELECTIONS), *(f"select_loss_{s}" for s in SELECTIONS),
)  # fmt: skip
_REPORTS = {"full": ("full",), "p10": ("p10", "rest"), "half": ("half",)}


class CellIndex:
    """Runs by address; each entry is a frame with a row a replicate, indexed by replicate."""

    def __init__(self, groups: Mapping[tuple[Any, ...], pd.DataFrame]) -> None:
        self._groups = groups

    @classmethod
    def read(cls, cells: pd.DataFrame) -> "CellIndex":
        """Index cells.csv; `TicketsError` names missing columns. No rows, no runs."""
        if not len(cells):
            return cls({})
        missing = [column for column in _NEEDED if column not in cells.columns]
        if missing:
            raise TicketsError(
                f"cells.csv: columns missing: {', '.join(missing)}. Run the `cells` rule of the paper again."
            )
        # Where no run has a variant, pandas reads the empty column as numbers.
        tidy = cells.assign(**{name: cells[name].astype(object).fillna("") for name in ("variant", "rule")})
        level = (tidy["sparsity"].astype(float) * 10).round().astype(int).astype(object)
        tidy = tidy.assign(level=level.mask(tidy["rule"] == SUPER, SUPER))
        tidy = tidy.drop_duplicates([*_ADDRESS, "replicate"]).sort_values("replicate", kind="stable")
        return cls(dict(iter(tidy.set_index("replicate").groupby(_ADDRESS, sort=False))))

    @property
    def models(self) -> tuple[str, ...]:
        """Models that were run, in order of appearance."""
        return tuple(dict.fromkeys(key[0] for key in self._groups))

    def runs(
        self,
        model: str,
        task: str,
        *,
        method: str,
        level: int | str,
        variant: str = "",
        weights: str = "pretrained",
        source: str | None = None,
    ) -> pd.DataFrame | None:
        """Runs at an address; `source` defaults to the task, `level` is 0 to 8 or "super". None: not run."""
        return self._groups.get((model, task, variant, weights, method, source or task, level))


def score_column(sel: Selection, report: str | None = None, metric: str | None = None) -> str:
    """Column with the score of runs whose epoch `sel` chose, on a report set.

    sel "full" reports on all of dev, "p10" on all of dev ("p10", the default) or on the 90 % that took no part in
    the choice ("rest"), "half" on the other half. metric None is the task score. ValueError for another pair.
    """
    report = report or sel
    if report not in _REPORTS[sel]:
        raise ValueError(f"selection '{sel}' has no report '{report}'; it has {', '.join(_REPORTS[sel])}")
    if report == "full":
        return metric or "score"
    return f"{report}_{metric}" if metric else report


def scores(runs: pd.DataFrame | None, column: str) -> "pd.Series[float]":
    """A column of runs by replicate, without what is missing; empty where nothing ran."""
    if runs is None or column not in runs.columns:
        return pd.Series(dtype=float)
    return runs[column].astype(float).dropna()
