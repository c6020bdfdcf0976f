"""Choosing one of several runs by its selection score: the super ticket, and its control (spec section 1.6)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.phases import DIGITS

Candidates = Mapping[int, pd.DataFrame | None]
"""Label (level k, or draw) -> its runs by replicate; None: not run."""
_NO_LOSS = 1e300


def choose(candidates: Candidates, sel: Selection) -> "pd.Series[int]":
    """Label of the chosen candidate by replicate, for replicates that have them all.

    Best selection score first; of equal ones the lower selection loss, then the smaller label.
    """
    column = f"select_{sel}"
    frames = {k: runs for k, runs in sorted(candidates.items()) if runs is not None}
    if not frames or len(frames) < len(candidates):
        return pd.Series(dtype=int)
    score = pd.DataFrame({k: runs[column].astype(float).round(DIGITS) for k, runs in frames.items()}).dropna()
    loss = pd.DataFrame({k: runs[f"select_loss_{sel}"].astype(float) for k, runs in frames.items()})
    if not len(score):
        return pd.Series(dtype=int)
    losses = loss.loc[score.index].fillna(_NO_LOSS).to_numpy()
    values = score.to_numpy()
    picks = np.where(values == values.max(axis=1, keepdims=True), losses, np.inf).argmin(axis=1)
    return pd.Series(score.columns.to_numpy()[picks], index=score.index)


def of_chosen(candidates: Candidates, chosen: "pd.Series[int]", column: str) -> "pd.Series[float]":
    """A column of the chosen runs by replicate; NaN where they lack it."""
    frames = {k: candidates[k] for k in set(chosen)}
    values = [
        runs.at[replicate, column] if (runs := frames[k]) is not None and column in runs.columns else np.nan
        for replicate, k in chosen.items()
    ]
    return pd.Series(values, index=chosen.index, dtype=float)
