"""The paper's numbers, behind the same questions as our runs (see `evidence`)."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from tickets.papers.tamt.published import PublishedTables, values
from tickets.papers.tamt.run_evidence import SEEDS, Evidence, no_runs
from tickets.papers.tamt.terms import AVG5, AVG7, IMP_KINDS, TAMT_KINDS
from tickets.papers.tamt.which import StepGrid, Which, percent

ONE_MASK = ("full", "omp")
MASK_SEEDS = (1, 2, 3)


class PublishedEvidence(Evidence):
    """The paper's numbers under the same methods, as far as its text, its tables and the digitised Figure 5 go.

    Figure 5 has the average of five tasks of BERT at sparsities .5 to .8: one value a mask where its markers can be
    told apart (mask seeds 1 to 3), else one for all (mask seed 0). Deviations are thus between masks, not runs.
    """

    main_tasks = AVG5
    partial = True

    def __init__(self, paper_dir: Path) -> None:
        self.paper_dir = paper_dir
        self.tables = PublishedTables.read(paper_dir)
        setting = self.tables.setting
        interval, horizon = setting("interval")[0], setting("horizon")[0]
        grid = StepGrid.of(
            self.tables.main_steps(), setting("steps"), interval, setting("intervals"), horizon
        )
        super().__init__(pd.DataFrame(), {}, self.tables.train_sizes(), 0, grid)

    def printed(self, table: str, row: str, column: str) -> float:
        """One number of a file ("table1", "table2", "table3" in seconds, "text"); NaN where there is none."""
        return self.tables.number(table, row, column)

    def text(self, name: str) -> float:
        """A value that the running text gives (text.csv); NaN if there is none of this name."""
        return self.tables.number("text", name, "value")

    def comparable(self, ours: Evidence) -> bool:
        """Whether our masks had the paper's steps: elsewhere absolute scores and losses do not compare."""
        found = {level: step for level, step in ours.grid.main_steps.items() if level in self.grid.main_steps}
        return bool(found) and all(self.grid.main_steps[level] == step for level, step in found.items())

    def scores(
        self, which: Which, task: str, *, column: str = "score", n_train: int | None = None
    ) -> "pd.Series[float]":
        """Nothing: the paper's figures by task were not digitised."""
        return no_runs()

    def average(
        self,
        which: Which,
        tasks: Iterable[str] = AVG7,
        *,
        column: str = "score",
        n_train: int | None = None,
    ) -> "pd.Series[float]":
        """Figure 5, if the average is that of five tasks; the replicate is 0, the mean over fine-tuning seeds."""
        if set(tasks) != set(AVG5) or n_train is not None:
            return no_runs()
        found = values(self.tables.points(which), "avg5")
        index = pd.MultiIndex.from_arrays([found.index, [0] * len(found)], names=SEEDS)
        return pd.Series(found.to_numpy(), index=index)

    def sparsities(self, kind: str, model: str = "base") -> tuple[float, ...]:
        """Those of Figure 5."""
        fig5 = self.tables.fig5
        return tuple(sorted(set(fig5.loc[fig5["kind"] == kind, "sparsity"]))) if model == "base" else ()

    def steps(
        self, kind: str, sparsity: float, model: str = "base", init: str = "omp", ablation: str = ""
    ) -> tuple[int, ...]:
        """Checkpoints whose markers in Figure 5 can be told apart, and the last two."""
        known = kind in TAMT_KINDS and (model, init, ablation) == ("base", "omp", "")
        return self.tables.steps(kind, sparsity) if known else ()

    def intervals(self, sparsity: float, model: str = "base", kind: str = "imp") -> tuple[int, ...]:
        """The main one."""
        known = model == "base" and sparsity in self.sparsities(kind)
        return (self.grid.interval,) if known else ()

    def step_of(self, which: Which) -> int | None:
        """Table 2 and the checkpoints; of IMP its main interval times the prunings."""
        if which.kind in IMP_KINDS:
            return (percent(which.sparsity) // 10 - 1) * self.address(which).interval
        return super().step_of(which)

    def losses(self, which: Which, column: str = "mlm_loss") -> "pd.Series[float]":
        """Figure 5: "mlm_loss" or "kd_loss"."""
        points = self.tables.points(which)
        return values(points, column) if column in points.columns else pd.Series(dtype=float)

    def points(
        self, settings: Iterable[Which], column: str, tasks: str | Iterable[str] = AVG5
    ) -> pd.DataFrame:
        """One row a mask of Figure 5, so that markers on each other weigh as much as others."""
        found = super().points(settings, column, tasks)
        several = (found["mask_seed"] == 0) & ~found["kind"].isin(ONE_MASK)
        seeds = [found[several].assign(mask_seed=seed) for seed in MASK_SEEDS]
        return pd.concat([found[~several], *seeds], ignore_index=True)

    def seconds_per_step(self, kind: str, model: str = "base") -> float | None:
        """Table 3."""
        return self.tables.seconds_per_step(kind, model)
