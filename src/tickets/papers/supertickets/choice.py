"""Choosing one of several runs by its selection score: the super ticket, and its control (spec section 1.6)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tickets.papers.supertickets.cell_index import Selection
from tickets.papers.supertickets.phases import DIGITS

_NO_LOSS = 1e300


def choose(candidates: Mapping[int, pd.DataFrame | None], sel: Selection) -> pd.DataFrame:
    """The chosen candidate of each replicate that has them all; empty if a candidate was not run at all.

    candidates: label (level k, or draw) -> runs by replicate. Best selection score first; of equal ones the lower
    selection loss, then the smaller label. Returns the rows of the chosen runs with their label as `chosen`.
    """
    column = f"select_{sel}"
    none = pd.DataFrame({"chosen": pd.Series(dtype=int)})
    frames = {k: runs.dropna(subset=[column]) for k, runs in sorted(candidates.items()) if runs is not None}
    if not frames or len(frames) < len(candidates):
        return none
    common = sorted(set.intersection(*(set(runs.index) for runs in frames.values())))
    if not common:
        return none
    aligned = [runs.loc[common] for runs in frames.values()]
    score = np.column_stack([runs[column].astype(float).round(DIGITS) for runs in aligned])
    loss = np.column_stack([runs[f"select_loss_{sel}"].astype(float).fillna(_NO_LOSS) for runs in aligned])
    best = score == score.max(axis=1, keepdims=True)
    picks = np.where(best, loss, np.inf).argmin(axis=1)
    rows = [aligned[pick].loc[[replicate]] for replicate, pick in zip(common, picks, strict=True)]
    chosen: pd.DataFrame = pd.concat(rows).assign(chosen=[list(frames)[pick] for pick in picks])
    return chosen
