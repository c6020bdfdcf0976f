"""The experiments of `lth` as stages (spec lth sections 4 to 6): which runs there are and what each needs.

Sharing follows from addresses: dense runs are round 0 of the IMP chains, the evaluation of an IMP mask on its own
task is the chain's round, so diagonal transfers need no runs.
"""

from collections.abc import Callable, Iterable

from tickets.config import Config
from tickets.grid import Axes, Cell, Stage, check_pack, packed_axes
from tickets.papers.lth.addresses import (
    LEVELS,
    PAPER,
    SOURCE_LEVEL,
    datasize_source,
    mask,
    multitask_source,
    run,
    weights_file,
)
from tickets.papers.lth.identity import Identity, source_tasks
from tickets.papers.lth.settings import lth_settings
from tickets.spec import MaskAddress, RunAddress

REWIND_TITLES = "rewinding to 5, 10, 20, 50 % of training, and standard pruning"


class Stages:
    """All stages for a config."""

    def __init__(self, config: Config) -> None:
        self.settings = lth_settings(config)
        self.grid, self.n = self.settings.grid, self.settings.replicates
        self.identity = Identity(config)

    def all(self) -> tuple[Stage, ...]:
        """Every stage, in the order of the spec."""
        stages = self._all()
        check_pack("lth.pack", self.settings.pack, stages)
        return stages

    def _all(self) -> tuple[Stage, ...]:
        return (
            self.imp(),
            self.baselines(),
            self.oneshot(),
            self.transfer(),
            self.transfer_winning(),
            self.mlm_ticket(),
            self.rewind(),
            self.rewind_source(),
            self.rewind_transfer(),
            self.norewind_transfer(),
            self.multitask(),
            self.multitask_transfer(),
            self.datasize(),
            self.datasize_transfer(),
            self.code_profile(),
        )

    def _stage(
        self,
        name: str,
        title: str,
        axes: dict[str, tuple[str, ...]],
        cell: Callable[[Axes], Cell],
        execute: str,
        skip: Callable[[Axes], bool] = lambda axes: False,
    ) -> Stage:
        module = f"tickets.papers.lth.{execute}"
        pack = packed_axes(self.settings.pack, name)
        return Stage(
            PAPER, name, title, axes, cell, self.identity.fingerprint, module, self.max_length, skip, pack
        )

    def max_length(self, task: str) -> int:
        """Tokens that a task's inputs are cut to."""
        return self.settings.recipe(task).max_length

    def imp(self) -> Stage:
        """IMP chains with rewinding to theta_0: dense, and every sparsity from 10 to 90 %."""

        def cell(a: Axes) -> Cell:
            t, reps = a["task"], _reps(self.n.imp)
            runs = tuple(run(t, "pretrained", "imp", t, level, r) for r in reps for level in LEVELS)
            masks = tuple(mask("imp", t, level, r) for r in reps for level in LEVELS[1:])
            return Cell(runs, masks, needs_tasks=(t,))

        return self._stage(
            "imp", "IMP with rewinding to θ0", {"task": self.settings.tasks}, cell, "chains:run_imp"
        )

    def baselines(self) -> Stage:
        """Random pruning, and the IMP mask on re-initialised and on shuffled weights, at s*(T)."""

        def cell(a: Axes) -> Cell:
            t, reps = a["task"], _reps(self.n.baselines)
            kinds = [("pretrained", "random", "any"), ("reinit", "imp", t), ("shuffled", "imp", t)]
            runs = [run(t, w, m, s, "winning", r) for r in reps for w, m, s in kinds]
            runs += [run(t, "shuffled-elements", "imp", t, "winning", r) for r in reps]
            runs += [run(t, w, m, s, "strict", r) for r in reps for w, m, s in kinds]
            return Cell(tuple(runs), needs_tasks=(t,), needs_runs=self._chain_of(t))

        axes = {"task": self._known(self.grid.strict_baselines)}
        return self._stage(
            "baselines", "random pruning, re-initialised and shuffled weights", axes, cell, SUBNETWORKS
        )

    def oneshot(self) -> Stage:
        """One-shot magnitude pruning of theta_0."""

        def cell(a: Axes) -> Cell:
            t, levels = a["task"], self.grid.transfer_levels
            runs = [
                run(t, "pretrained", "oneshot", "any", s, r) for s in levels for r in _reps(self.n.oneshot)
            ]
            return Cell(tuple(runs), needs_tasks=(t,))

        return self._stage(
            "oneshot", "one-shot pruning of θ0", {"task": self.grid.transfer_targets}, cell, SUBNETWORKS
        )

    def transfer(self) -> Stage:
        """IMP masks of S trained on T at fixed sparsities."""

        def cell(a: Axes) -> Cell:
            s, t, reps = a["source"], a["task"], _reps(self.n.transfer)
            runs = [
                run(t, "pretrained", "imp", s, level, r) for level in self.grid.transfer_levels for r in reps
            ]
            return Cell(tuple(runs), needs_tasks=(t,), needs_masks=_masks_of(runs))

        axes = {"source": self._known(self.grid.transfer_sources), "task": self.grid.transfer_targets}
        return self._stage("transfer", "transfer at fixed sparsity", axes, cell, SUBNETWORKS, _diagonal)

    def transfer_winning(self) -> Stage:
        """IMP masks of S at s*(S), trained on T (Figure 6)."""

        def cell(a: Axes) -> Cell:
            s, t, reps = a["source"], a["task"], _reps(self.n.transfer)
            runs = tuple(run(t, "pretrained", "imp", s, "own", r) for r in reps)
            shared = tuple(
                run(t, "pretrained", "imp", s, level, r) for level in self.grid.transfer_levels for r in reps
            )
            return Cell(runs, needs_tasks=(t,), needs_runs=self._chain_of(s) + shared)

        sources = tuple(s for s in self.grid.winning_sources if s in self.grid.transfer_sources)
        axes = {"source": self._known(sources), "task": self.grid.transfer_targets}
        return self._stage(
            "transfer_winning", "transfer at the source's own sparsity", axes, cell, SUBNETWORKS, _diagonal
        )

    def mlm_ticket(self) -> Stage:
        """The MLM mask at s*(T) on T (Table 7)."""

        def cell(a: Axes) -> Cell:
            t, reps = a["task"], _reps(self.n.mlm_ticket)
            runs = tuple(run(t, "pretrained", "imp", "mlm", "winning", r) for r in reps)
            shared = min(self.n.transfer, self.n.mlm_ticket)
            levels = self.grid.transfer_levels
            extra = tuple(run(t, "pretrained", "imp", "mlm", s, r) for s in levels for r in _reps(shared))
            return Cell(runs, needs_tasks=(t,), needs_runs=self._chain_of(t) + self._chain_of("mlm") + extra)

        known = self._known(self.grid.mlm_ticket_targets)
        targets = tuple(t for t in known if t in self.grid.transfer_targets)
        if "mlm" not in self._known(self.grid.transfer_sources):
            targets = ()
        return self._stage("mlm_ticket", "the MLM mask at s*(T)", {"task": targets}, cell, SUBNETWORKS)

    def rewind(self) -> Stage:
        """Chains with later rewinding points, and standard pruning, up to s*(T) (Table 3)."""

        def cell(a: Axes) -> Cell:
            v, t, reps = a["variant"], a["task"], _reps(self.n.rewind)
            runs = tuple(run(t, v, f"imp-{v}", t, "winning", r) for r in reps)
            return Cell(runs, needs_tasks=(t,), needs_runs=self._chain_of(t))

        tasks = tuple(t for t in self._known(self.grid.rewind_tasks) if t not in self.grid.rewind_sources)
        axes = {"variant": tuple(self.grid.rewindings), "task": tasks}
        return self._stage("rewind", REWIND_TITLES, axes, cell, "rewinding:run_rewind")

    def rewind_source(self) -> Stage:
        """The same for the sources of Figures 4, 7 and 8, up to 70 % or s*(T), keeping mask and weights at 70 %."""

        def cell(a: Axes) -> Cell:
            v, t, reps = a["variant"], a["task"], _reps(self.n.rewind)
            levels = ("winning", SOURCE_LEVEL)
            runs = tuple(run(t, v, f"imp-{v}", t, level, r) for r in reps for level in levels)
            masks = tuple(mask(f"imp-{v}", t, SOURCE_LEVEL, r) for r in reps)
            files = tuple(weights_file(v, t, r) for r in reps)
            return Cell(runs, masks, files, needs_tasks=(t,), needs_runs=self._chain_of(t))

        axes = {"variant": tuple(self.grid.rewindings), "task": self._known(self.grid.rewind_sources)}
        return self._stage(
            "rewind_source", f"{REWIND_TITLES}, for transfer", axes, cell, "rewinding:run_rewind"
        )

    def rewind_transfer(self) -> Stage:
        """Rewound or standard-pruned subnetworks of S, with their weights, trained on T (Figures 4, 7, 8)."""

        def cell(a: Axes) -> Cell:
            v, s, t = a["variant"], a["source"], a["task"]
            reps = _reps(min(self.n.rewind_transfer, self.n.rewind))
            runs = tuple(run(t, v, f"imp-{v}", s, SOURCE_LEVEL, r) for r in reps)
            files = tuple(weights_file(v, s, r) for r in reps)
            return Cell(runs, needs_tasks=(t,), needs_masks=_masks_of(runs), needs_files=files)

        axes = {
            "variant": tuple(self.grid.rewindings),
            "source": self._known(self.grid.rewind_sources),
            "task": self.grid.rewind_targets,
        }
        return self._stage(
            "rewind_transfer", "transfer of rewound subnetworks", axes, cell, SUBNETWORKS, _diagonal
        )

    def norewind_transfer(self) -> Stage:
        """The MLM mask of a chain without rewinding (what the release does), on theta_0, trained on T."""

        def cell(a: Axes) -> Cell:
            t, reps = a["task"], _reps(min(self.n.ablations, self.n.rewind))
            runs = tuple(run(t, "pretrained", "imp-standard", "mlm", SOURCE_LEVEL, r) for r in reps)
            return Cell(runs, needs_tasks=(t,), needs_masks=_masks_of(runs))

        there = "mlm" in self._known(self.grid.rewind_sources) and "standard" in self.grid.rewindings
        axes = {"task": self.grid.norewind_targets if there else ()}
        return self._stage(
            "norewind_transfer", "the MLM mask found without rewinding", axes, cell, SUBNETWORKS
        )

    def multitask(self) -> Stage:
        """Multi-task IMP to 70 %."""

        def cell(a: Axes) -> Cell:
            combo = a["combo"]
            masks = tuple(mask("imp", combo, SOURCE_LEVEL, r) for r in _reps(self.n.multitask))
            return Cell((), masks, needs_tasks=source_tasks(combo))

        axes = {"combo": tuple(multitask_source(c) for c in self.grid.multitask)}
        return self._stage("multitask", "multi-task IMP", axes, cell, "mask_search:run_multitask")

    def multitask_transfer(self) -> Stage:
        """Multi-task masks trained on T (Figure 9)."""

        def cell(a: Axes) -> Cell:
            reps = _reps(self.n.multitask)
            runs = tuple(run(a["task"], "pretrained", "imp", a["combo"], SOURCE_LEVEL, r) for r in reps)
            return Cell(runs, needs_tasks=(a["task"],), needs_masks=_masks_of(runs))

        axes = {
            "combo": tuple(multitask_source(c) for c in self.grid.multitask),
            "task": self.grid.multitask_targets,
        }
        return self._stage("multitask_transfer", "transfer of multi-task masks", axes, cell, SUBNETWORKS)

    def datasize(self) -> Stage:
        """IMP on MLM with as many sequences as a downstream task has examples."""

        def cell(a: Axes) -> Cell:
            source = datasize_source(a["task"])
            masks = tuple(mask("imp", source, SOURCE_LEVEL, r) for r in _reps(self.n.datasize))
            return Cell((), masks, needs_tasks=("mlm",))

        axes = {"task": tuple(sorted(self.grid.datasize))}
        return self._stage("datasize", "MLM-IMP on less data", axes, cell, "mask_search:run_datasize")

    def datasize_transfer(self) -> Stage:
        """Those masks trained on the task they were matched to (Table 8)."""

        def cell(a: Axes) -> Cell:
            t, reps = a["task"], _reps(self.n.datasize)
            runs = tuple(run(t, "pretrained", "imp", datasize_source(t), SOURCE_LEVEL, r) for r in reps)
            return Cell(runs, needs_tasks=(t,), needs_masks=_masks_of(runs))

        axes = {"task": tuple(sorted(self.grid.datasize))}
        return self._stage("datasize_transfer", "transfer of MLM masks by data size", axes, cell, SUBNETWORKS)

    def code_profile(self) -> Stage:
        """Profile C: the chain as the released scripts run it; its masks evaluated as any ticket."""

        def cell(a: Axes) -> Cell:
            t, reps = a["task"], _reps(self.n.ablations)
            levels = self.grid.transfer_levels
            runs = tuple(run(t, "pretrained", "imp-code", t, level, r) for r in reps for level in levels)
            masks = tuple(mask("imp-code", t, level, r) for r in reps for level in levels)
            return Cell(runs, masks, needs_tasks=(t,))

        axes = {"task": self.grid.profile_tasks}
        return self._stage(
            "code_profile", "IMP as the released code runs it", axes, cell, "mask_search:run_code_profile"
        )

    def _known(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """Those that have an IMP chain of their own in this preset."""
        return tuple(t for t in tasks if t in self.settings.tasks)

    def _chain_of(self, task: str) -> tuple[RunAddress, ...]:
        """What a cell needs whose sparsity is chosen by the chain of `task`: the chain's scores.

        Its masks are outputs of the same job, so they are there too; naming all nine levels of them as inputs would
        only make Snakemake look at ten times as many files.
        """
        return tuple(
            run(task, "pretrained", "imp", task, level, r) for level in LEVELS for r in _reps(self.n.imp)
        )


SUBNETWORKS = "subnetworks:run_subnetworks"


def _reps(n: int) -> range:
    return range(1, n + 1)


def _masks_of(runs: Iterable[RunAddress]) -> tuple[MaskAddress, ...]:
    return tuple(dict.fromkeys(r.mask for r in runs))


def _diagonal(axes: Axes) -> bool:
    return axes["source"] == axes["task"]
