"""What is known of the masks themselves: dev losses, training curves, overlaps, seconds a step."""

from collections.abc import Mapping

import pandas as pd

from tickets.papers.tamt.mask_index import (
    ADDRESS,
    DISTANCES,
    PRETRAINING,
    TRAINING,
    Rows,
    addresses,
    pairs,
    tidy,
)
from tickets.papers.tamt.terms import IMP_KINDS, TAMT_KINDS
from tickets.papers.tamt.which import Address, StepGrid, Which, percent


class MaskEvidence:
    """Frames "pretraining", "training" and "distances" by the masks that they are about; see `Evidence`."""

    def __init__(self, frames: Mapping[str, pd.DataFrame], grid: StepGrid, cells: pd.DataFrame) -> None:
        masks = tidy("pretraining", frames.get("pretraining"), PRETRAINING)
        known = [frame[[*ADDRESS, "main"]] for frame in (cells, masks) if len(frame)]
        self.grid = grid.completed(pd.concat(known, ignore_index=True)) if known else grid
        found = addresses(masks)
        self._masks = Rows(masks, found)
        self._training = tidy("training", frames.get("training"), TRAINING)
        self._pairs = pairs(tidy("distances", frames.get("distances"), DISTANCES))
        runs = addresses(cells)
        sizes = cells["n_train"].where(cells["few"] == 1, 0)
        self._runs = Rows(cells, runs, list(cells["task"]), list(sizes))
        self._known = dict(zip([*found, *runs], [*masks["step"], *cells["step"]], strict=True))

    @property
    def models(self) -> tuple[str, ...]:
        """Models of which anything was run."""
        return tuple(sorted({address.model for address in self._known}))

    def sparsities(self, kind: str, model: str = "base") -> tuple[float, ...]:
        """Sparsities at which masks of a kind exist in the main setting, rising."""
        levels = sorted({a.level for a in self._known if (a.kind, a.model) == (kind, model)})
        found = [level / 100 for level in levels]
        return tuple(s for s in found if self.address(Which(kind, s, model)) in self._known)

    def steps(
        self, kind: str, sparsity: float, model: str = "base", init: str = "omp", ablation: str = ""
    ) -> tuple[int, ...]:
        """Steps of mask training whose masks exist; 0 of a random start is the random mask."""
        wanted = (kind, percent(sparsity), model, init, ablation)
        found = {a.step for a in self._known if (a.kind, a.level, a.model, a.init, a.ablation) == wanted}
        if found and init == "random" and self.address(Which("random", sparsity, model)) in self._known:
            found.add(0)
        return tuple(sorted(found))

    def intervals(self, sparsity: float, model: str = "base", kind: str = "imp") -> tuple[int, ...]:
        """Pruning intervals of IMP that were run to a sparsity, rising."""
        wanted = (kind, percent(sparsity), model)
        return tuple(sorted({a.interval for a in self._known if (a.kind, a.level, a.model) == wanted}))

    def step_of(self, which: Which) -> int | None:
        """Optimizer steps behind a mask: of mask training, or of IMP in all its rounds; None if not run."""
        address = self.address(which)
        if which.kind in TAMT_KINDS:
            return address.step or (0 if which.init == "random" and which.step == 0 else None)
        if which.kind not in IMP_KINDS:
            return 0
        return int(self._known[address]) if address in self._known else None

    def address(self, which: Which) -> Address:
        """Where masks stand; a random start at step 0 is a random mask."""
        if which.kind in TAMT_KINDS and which.init == "random" and which.step == 0:
            which = Which("random", which.sparsity, which.model)
        return self.grid.address(which)

    def masks(self, which: Which) -> pd.DataFrame | None:
        """Rows of pretraining.csv; None if there are none."""
        return self._masks.get(self.address(which))

    def losses(self, which: Which, column: str = "mlm_loss") -> "pd.Series[float]":
        """A dev loss (or another column of pretraining.csv) by mask seed."""
        return self._masks.by_seed(self.address(which), ["mask_seed"], column).sort_index()

    def curve(self, which: Which, column: str = "loss") -> pd.DataFrame:
        """A column of training.csv: step x mask seed. Of IMP, the part up to the sparsity asked for."""
        rows = self._run_rows(which)
        if not len(rows) or column not in rows.columns:
            return pd.DataFrame()
        # at a pruning IMP may log the same step under both sparsities
        last = rows.drop_duplicates(["step", "mask_seed"], keep="last")
        return last.pivot(index="step", columns="mask_seed", values=column).sort_index()

    def similarity(self, a: Which, b: Which, *, macro: bool = True) -> "pd.Series[float]":
        """Jaccard overlap by pair of mask seeds (mask_seed_a, mask_seed_b), no mask with itself.

        macro: mean over matrices, each with equal weight (what the reference reports); else over all entries.
        """
        one, other = self.address(a), self.address(b)
        parts = []
        for pair, turned in (((one, other), False), ((other, one), True)):
            if pair in self._pairs and not (turned and one == other):
                rows = self._pairs.get(pair)
                assert rows is not None
                seeds = [rows["mask_seed_b"], rows["mask_seed_a"]][:: 1 if turned else -1]
                index = pd.MultiIndex.from_arrays(seeds, names=["mask_seed_a", "mask_seed_b"])
                column = "jaccard_macro" if macro else "jaccard_micro"
                parts.append(pd.Series(rows[column].astype(float).to_numpy(), index=index))
        found = pd.concat(parts) if parts else _no_pairs()
        if one == other:
            found = found[found.index.get_level_values(0) != found.index.get_level_values(1)]
        return found[~found.index.duplicated()].sort_index()

    def distance(self, a: Which, b: Which, *, macro: bool = True) -> "pd.Series[float]":
        """1 - `similarity`."""
        return 1.0 - self.similarity(a, b, macro=macro)

    def seconds_per_step(self, kind: str, model: str = "base") -> float | None:
        """Seconds of an optimizer step, mean over the main runs of a kind; None if not run."""
        rows = self._training
        rows = rows[(rows["kind"] == kind) & (rows["model"] == model) & (rows["ablation"] == "")]
        rows = rows[rows["init"] != "random"].dropna(subset=["seconds_per_step"])
        if kind in IMP_KINDS:
            rows = rows[rows["interval"] == self.grid.interval]
        if not len(rows):
            return None
        keys = ["mask_seed"] if kind in IMP_KINDS else ["mask_seed", "level"]
        return float(rows.groupby(keys)["seconds_per_step"].last().mean())

    def _run_rows(self, which: Which) -> pd.DataFrame:
        rows = self._training[
            (self._training["kind"] == which.kind) & (self._training["model"] == which.model)
        ]
        if which.kind in IMP_KINDS:
            interval = self.address(which).interval
            return rows[(rows["interval"] == interval) & (rows["level"] <= percent(which.sparsity))]
        same = (rows["init"] == which.init) & (rows["ablation"] == which.ablation)
        rows = rows[same & (rows["level"] == percent(which.sparsity))]
        return rows if which.step is None else rows[rows["step"] <= which.step]


def _no_pairs() -> "pd.Series[float]":
    index = pd.MultiIndex.from_arrays([[], []], names=["mask_seed_a", "mask_seed_b"])
    return pd.Series(dtype=float, index=index)
