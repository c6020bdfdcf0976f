"""Rows of tidy files by the masks that they are about: cells.csv, pretraining.csv, distances.csv."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from tickets.errors import TicketsError
from tickets.papers.tamt.methods import Method
from tickets.papers.tamt.terms import IMP_KINDS, TAMT_KINDS
from tickets.papers.tamt.which import Address

_MASK = ("model", "kind", "sparsity", "init", "step", "interval", "ablation", "main", "mask_seed")
CELLS = (*_MASK, "task", "replicate", "few", "n_train", "score")
PRETRAINING = (*_MASK, "mlm_loss", "kd_loss")
TRAINING = (
    "model",
    "kind",
    "sparsity",
    "init",
    "interval",
    "ablation",
    "mask_seed",
    "step",
    "seconds_per_step",
)
ADDRESS = ("model", "kind", "level", "init", "step", "interval", "ablation")
_SIDE = ("method", "kind", "init", "step", "interval", "mask_seed")
DISTANCES = (
    "model", "sparsity", *(f"{c}_a" for c in _SIDE), *(f"{c}_b" for c in _SIDE), "jaccard_macro", "jaccard_micro",
)  # fmt: skip


class Rows:
    """Rows of a frame by key; a key's part of the frame is made when it is asked for."""

    def __init__(self, frame: pd.DataFrame, *keys: Sequence[Any]) -> None:
        """keys: one value a row and part of the key; of a single part the value itself is the key."""
        self._frame = frame
        self._positions: dict[Any, list[int]] = {}
        for position, key in enumerate(zip(*keys, strict=True) if len(keys) > 1 else keys[0]):
            self._positions.setdefault(key, []).append(position)

    def __contains__(self, key: object) -> bool:
        return key in self._positions

    def __iter__(self) -> Iterator[Any]:
        return iter(self._positions)

    def get(self, key: object) -> pd.DataFrame | None:
        """The rows of a key in the order of the file; None if there are none."""
        positions = self._positions.get(key)
        return None if positions is None else self._frame.iloc[positions]

    def by_seed(self, key: object, seeds: list[str], column: str) -> "pd.Series[float]":
        """Numbers of a column by the columns `seeds`, without what is missing; empty for no rows or no column."""
        positions = self._positions.get(key, []) if column in self._frame.columns else []
        labels = [self._frame[name].to_numpy()[positions] for name in seeds]
        index = (
            pd.MultiIndex.from_arrays(labels, names=seeds) if seeds[1:] else pd.Index(*labels, name=seeds[0])
        )
        values = self._frame[column].to_numpy()[positions] if positions else None
        return pd.Series(values, index=index, dtype=float).dropna()


def tidy(name: str, frame: pd.DataFrame | None, columns: Sequence[str]) -> pd.DataFrame:
    """A frame with a column `level` (percent) and no missing words; empty for no rows. `TicketsError` for columns."""
    if frame is None or not len(frame):
        return pd.DataFrame(columns=[*columns, "level"])
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise TicketsError(f"{name}.csv: columns missing: {', '.join(missing)}. Delete it and make it again.")
    out = frame.copy()
    for column in columns:
        stem = column.removesuffix("_a").removesuffix("_b")
        if stem in ("init", "ablation", "method"):
            out[column] = out[column].astype(object).fillna("").astype(str)
        elif stem in ("step", "interval", "main", "mask_seed", "few", "n_train", "replicate"):
            out[column] = out[column].fillna(0).astype(int)
    return out.assign(level=(100 * out["sparsity"].astype(float)).round().astype(int))


def pairs(frame: pd.DataFrame) -> Rows:
    """Rows of distances.csv by both addresses, in the order of the file."""
    sides = []
    for side in ("a", "b"):
        named = {f"{column}_{side}": column for column in _SIDE}
        part = frame[["model", "level", *named]].rename(columns=named)
        sides.append(
            addresses(part.assign(ablation=[Method.parse(token).ablation for token in part["method"]]))
        )
    return Rows(frame, *sides)


def addresses(frame: pd.DataFrame) -> list[Address]:
    """The address of each row; columns that mean nothing to its kind are left out of it."""
    columns = [frame[name].tolist() for name in ADDRESS]
    known: dict[tuple[Any, ...], Address] = {}
    rows = zip(*columns, strict=True)
    return [known[row] if row in known else known.setdefault(row, _address(*row)) for row in rows]


def _address(
    model: str, kind: str, level: int, init: str, step: int, interval: int, ablation: str
) -> Address:
    if kind in TAMT_KINDS:
        return Address(model, kind, level, init or "omp", step, 0, ablation)
    if kind in IMP_KINDS:
        return Address(model, kind, level, interval=interval)
    return Address(model, kind, level)
