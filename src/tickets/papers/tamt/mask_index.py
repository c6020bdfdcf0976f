"""Rows of tidy files by the masks that they are about: cells.csv, pretraining.csv, distances.csv."""

from collections.abc import Iterator, Mapping, Sequence
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
_SIDE = ("method", "kind", "init", "step", "interval", "mask_seed")
DISTANCES = (
    "model", "sparsity", *(f"{c}_a" for c in _SIDE), *(f"{c}_b" for c in _SIDE), "jaccard_macro", "jaccard_micro",
)  # fmt: skip

Groups = Mapping[Address, pd.DataFrame]


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
            out[column] = out[column].fillna("").astype(str)
        elif stem in ("step", "interval", "main", "mask_seed", "few", "n_train", "replicate"):
            out[column] = out[column].fillna(0).astype(int)
    return out.assign(level=(100 * out["sparsity"].astype(float)).round().astype(int))


def group(frame: pd.DataFrame) -> dict[Address, pd.DataFrame]:
    """Rows by the address of their mask."""
    return {address: rows for (address,), rows in _grouped(frame, [addresses(frame)])}


def group_pairs(frame: pd.DataFrame) -> dict[tuple[Address, Address], pd.DataFrame]:
    """Rows of distances.csv by both addresses, in the order of the file."""
    sides = []
    for side in ("a", "b"):
        named = {f"{column}_{side}": column for column in _SIDE}
        part = frame[["model", "level", *named]].rename(columns=named)
        sides.append(
            addresses(part.assign(ablation=[Method.parse(token).ablation for token in part["method"]]))
        )
    return {(a, b): rows for (a, b), rows in _grouped(frame, sides)}


def addresses(frame: pd.DataFrame) -> list[Address]:
    """The address of each row; columns that mean nothing to its kind are left out of it."""
    columns = ["model", "kind", "level", "init", "step", "interval", "ablation"]
    return [_address(*row) for row in frame[columns].itertuples(index=False, name=None)]


def _address(
    model: str, kind: str, level: int, init: str, step: int, interval: int, ablation: str
) -> Address:
    if kind in TAMT_KINDS:
        return Address(model, kind, level, init or "omp", step, 0, ablation)
    if kind in IMP_KINDS:
        return Address(model, kind, level, interval=interval)
    return Address(model, kind, level)


def _grouped(
    frame: pd.DataFrame, keys: Sequence[list[Address]]
) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    positions: dict[tuple[Any, ...], list[int]] = {}
    for position, key in enumerate(zip(*keys, strict=True)):
        positions.setdefault(key, []).append(position)
    return ((key, frame.iloc[rows]) for key, rows in positions.items())
