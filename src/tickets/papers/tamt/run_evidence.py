"""Our runs, behind the questions that tables, figures and claims ask (see `evidence`)."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from tickets.papers.tamt.mask_evidence import MaskEvidence
from tickets.papers.tamt.mask_index import ADDRESS, CELLS, tidy
from tickets.papers.tamt.settings import WORDS
from tickets.papers.tamt.terms import AVG5, AVG7, IMP_KINDS, TAMT_KINDS
from tickets.papers.tamt.which import StepGrid, Which
from tickets.stats.summary import Stat, summarise

SEEDS = ["mask_seed", "replicate"]


class Evidence(MaskEvidence):
    """Our runs, from cells.csv and the frames "pretraining", "training" and "distances".

    Scores are percent on dev. Series of scores are indexed by (mask_seed, replicate): all mask seeds crossed with
    all fine-tuning seeds. Arguments that methods share:
    which    the masks; step or interval None is the main setting
    tasks    one task, or several: their average within a pair of seeds, over pairs that have them all
    column   "score" (best evaluation), "score_final" (after the last step) or "score_release" (as released code counts)
    n_train  size of a training subset (few-data protocol); None: the whole training set
    """

    main_tasks: tuple[str, ...] = AVG7
    """What claims on the average of the main figures are judged on."""
    partial = False
    """Whether a case without an answer is no part of a claim (published numbers), rather than not run."""

    def __init__(
        self,
        cells: pd.DataFrame,
        frames: Mapping[str, pd.DataFrame],
        sizes: Mapping[str, int] | None = None,
        ddof: int = 0,
        grid: StepGrid | None = None,
    ) -> None:
        runs = tidy("cells", cells, CELLS).drop_duplicates([*ADDRESS, "task", "few", "n_train", *SEEDS])
        runs = runs.sort_values(SEEDS, kind="stable")
        super().__init__(frames, grid or StepGrid(), runs)
        self.sizes = dict(sizes) if sizes else None
        self.ddof = ddof
        whole = runs[runs["few"] == 0]
        self._whole = {task: int(n) for task, n in whole.groupby("task")["n_train"].max().items()}
        self._averages: dict[tuple[object, ...], pd.Series[float]] = {}

    @classmethod
    def from_frames(
        cls,
        cells: pd.DataFrame,
        frames: Mapping[str, pd.DataFrame] | None = None,
        sizes: Mapping[str, int] | None = None,
        *,
        ddof: int = 0,
        main_steps: Mapping[Any, int] | None = None,
        steps: Iterable[int] = (),
        interval: int | None = None,
        intervals: Iterable[int] = (),
        horizon: int | Callable[[int], int] | None = None,
    ) -> "Evidence":
        """Index the frames. `TicketsError` names columns that are missing.

        sizes: training examples of each task. main_steps: level -> steps of mask training (Table 2); steps: the
        checkpoints of the cost curves; interval, intervals: of IMP, main and all others; horizon: T, the steps
        that the learning rate falls over, or T of the number of blocks, which is among the sizes. Main steps and
        interval that are not given are those of the main rows.
        """
        if callable(horizon):
            blocks = (sizes or {}).get(WORDS)
            horizon = None if blocks is None else horizon(blocks)
        grid = StepGrid.of(main_steps, steps, interval, intervals, horizon)
        return cls(cells, frames or {}, sizes, ddof, grid)

    def runs(self, which: Which, task: str, *, n_train: int | None = None) -> pd.DataFrame:
        """Rows of cells.csv on a task, a row a (mask_seed, replicate); empty if not run."""
        rows = self._runs.get((self.address(which), task, n_train or 0))
        return pd.DataFrame(columns=list(CELLS)) if rows is None else rows

    def scores(
        self, which: Which, task: str, *, column: str = "score", n_train: int | None = None
    ) -> "pd.Series[float]":
        """Scores on one task by (mask_seed, replicate)."""
        return self._runs.by_seed((self.address(which), task, n_train or 0), SEEDS, column)

    def average(
        self,
        which: Which,
        tasks: Iterable[str] = AVG7,
        *,
        column: str = "score",
        n_train: int | None = None,
    ) -> "pd.Series[float]":
        """Mean over tasks by (mask_seed, replicate): only pairs of seeds that have them all (spec section 4)."""
        key = (self.address(which), tuple(tasks), column, n_train)
        if key not in self._averages:
            found = [self.scores(which, task, column=column, n_train=n_train) for task in key[1]]
            complete = pd.concat(found, axis=1, join="inner") if all(map(len, found)) else pd.DataFrame()
            self._averages[key] = complete.mean(axis=1).sort_index() if len(complete) else no_runs()
        return self._averages[key]

    def values(self, which: Which, tasks: str | Iterable[str] = AVG7, **options: Any) -> "pd.Series[float]":
        """`scores` of one task or `average` of several (same arguments)."""
        if isinstance(tasks, str):
            return self.scores(which, tasks, **options)
        return self.average(which, tasks, **options)

    def stat(self, which: Which, tasks: str | Iterable[str] = AVG7, **options: Any) -> Stat | None:
        """Summary of `values` over all runs; its spread under `ddof` is the deviation that figures show (spec A15)."""
        return summarise(self.values(which, tasks, **options))

    def by_mask(self, which: Which, tasks: str | Iterable[str] = AVG7, **options: Any) -> "pd.Series[float]":
        """Mean over fine-tuning seeds, by mask seed."""
        return self.values(which, tasks, **options).groupby(level="mask_seed").mean()

    def z(self, a: Which, b: Which, tasks: str | Iterable[str] = AVG7, **options: Any) -> float | None:
        """(mean a - mean b) over its standard error, from per-mask means with n = number of masks (spec section 7).

        The deviations behind the error are sample ones (ddof 1). Where a side has one mask only (OMP, the full
        model), its error is that of its fine-tuning seeds. None where a side has fewer than two values.
        """
        sides = [_mean_and_error(self.values(which, tasks, **options)) for which in (a, b)]
        if sides[0] is None or sides[1] is None:
            return None
        (mean, error), (other, other_error) = sides[0], sides[1]
        gap, total = mean - other, math.hypot(error, other_error)
        if total > 0:
            return gap / total
        return math.copysign(math.inf, gap) if gap else 0.0

    def sizes_run(self, task: str) -> tuple[int, ...]:
        """Sizes of the training subsets that were run on a task, rising; without the whole training set."""
        return tuple(sorted({n for _, name, n in self._runs if name == task and n}))

    def whole_size(self, task: str) -> int | None:
        """Size of the whole training set of a task, as its runs had it, or else as the preset's facts say."""
        return self._whole.get(task) or (self.sizes or {}).get(task)

    def points(
        self, settings: Iterable[Which], column: str, tasks: str | Iterable[str] = AVG5
    ) -> pd.DataFrame:
        """Score (mean over fine-tuning seeds) and loss of every mask of some settings, as Figure 5 shows them.

        column: of `losses`. Columns kind, step (of mask training or of all of IMP), mask_seed, score, loss.
        """
        rows = []
        for which in settings:
            score, loss = self.by_mask(which, tasks), self.losses(which, column)
            step = self.step_of(which) or 0
            both = score.index.intersection(loss.index)
            rows += [(which.kind, step, int(seed), float(score[seed]), float(loss[seed])) for seed in both]
        return pd.DataFrame(rows, columns=["kind", "step", "mask_seed", "score", "loss"])

    def settings(self, kind: str, sparsity: float, model: str = "base", init: str = "omp") -> list[Which]:
        """Every step or interval that a kind was run with at a sparsity; one for a kind that has neither."""
        if kind in TAMT_KINDS:
            steps = self.steps(kind, sparsity, model, init)
            return [Which(kind, sparsity, model, init, step=step) for step in steps]
        if kind in IMP_KINDS:
            found = self.intervals(sparsity, model, kind)
            return [Which(kind, sparsity, model, interval=interval) for interval in found]
        return [Which(kind, sparsity, model)]


def _mean_and_error(values: "pd.Series[float]") -> tuple[float, float] | None:
    masks = values.groupby(level="mask_seed").mean() if len(values) else values
    sample = masks if len(masks) > 1 else values
    if len(sample) < 2:
        return None
    return float(sample.mean()), float(sample.std(ddof=1)) / math.sqrt(len(sample))


def no_runs() -> "pd.Series[float]":
    """An empty series of scores."""
    return pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[], []], names=SEEDS))
