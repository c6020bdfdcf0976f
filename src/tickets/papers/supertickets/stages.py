"""The experiments of `supertickets` as stages (spec supertickets section 6.1): which runs there are, what each needs.

Sharing follows from addresses: the full model is level 0 of a trial, a super ticket is one of a trial's levels, and
the first learning rate of the sensitivity study is the fine-tuning of the multi-task table.
"""

from collections.abc import Callable, Iterable

from tickets.config import Config
from tickets.grid import Axes, Cell, Stage, check_pack, packed_axes
from tickets.papers.supertickets.addresses import (
    DRAWS,
    LEVELS,
    MULTITASK,
    PAPER,
    importance_file,
    mask,
    multitask,
    percent_variant,
    run,
    ticket,
    weights_file,
)
from tickets.papers.supertickets.identity import Identity
from tickets.papers.supertickets.settings import INITS, supertickets_settings
from tickets.spec import MaskAddress, RunAddress

FAMILIES = ("random", "losing")
RATES = ("lr0", "lr1", "lr2")
MISMATCHED = "lr2"
SOURCE = "mnli"
"""Task whose full model and super ticket domain adaptation starts from."""


class Stages:
    """All stages for a config."""

    def __init__(self, config: Config) -> None:
        self.settings = supertickets_settings(config)
        self.grid, self.n = self.settings.grid, self.settings.replicates
        self.identity = Identity(config)
        self.models = tuple(m for m in self.settings.models if config.settings.model_of(m))
        self.own_tokenizers = config.settings.own_tokenizers

    def all(self) -> tuple[Stage, ...]:
        """Every stage, in the order of the spec."""
        stages = (
            self.trial(),
            self.trial_source(),
            self.families(),
            self.reruns(),
            self.subsets(),
            self.subset_families(),
            self.mismatch(),
            self.multitask(),
            self.finetune(),
            self.domain(),
        )
        check_pack("supertickets.pack", self.settings.pack, stages)
        return stages

    def _stage(
        self,
        name: str,
        title: str,
        axes: dict[str, tuple[str, ...]],
        cell: Callable[[Axes], Cell],
        execute: str,
        skip: Callable[[Axes], bool] = lambda axes: False,
        split: tuple[str, ...] = (),
    ) -> Stage:
        module = f"tickets.papers.supertickets.{execute}"
        pack = packed_axes(self.settings.pack, name)
        identity, length = self.identity.fingerprint, self.max_length
        split = tuple(axis for axis in ("seed", *split) if axis in axes)
        own = self.own_tokenizers
        return Stage(PAPER, name, title, axes, cell, identity, module, length, skip, pack, split, own)

    def max_length(self, task: str) -> int:
        """Tokens that a task's inputs are cut to."""
        return self.settings.recipe(task).max_length

    def trials(self) -> tuple[Cell, ...]:
        """Cells of all trials on whole training sets: the full model is the first run, its scores the first file."""
        stages = (self.trial(), self.trial_source())
        return tuple(cell for stage in stages for job in stage.jobs() for cell in job.plans())

    def trial(self) -> Stage:
        """The full model, its importance scores, and its winning tickets at eight levels."""
        axes = {"model": self.models, "task": self.settings.tasks, "seed": _seeds(self.n.trial)}
        title = "full models and winning tickets"
        return self._stage("trial", title, axes, self._trial, "trial:run_trials", self._is_source)

    def trial_source(self) -> Stage:
        """The same for the source of domain adaptation, keeping the weights of full model and super ticket."""

        def cell(a: Axes) -> Cell:
            m, r = a["model"], int(a["seed"])
            kept = tuple(weights_file(f"{SOURCE}-{kind}", r, m) for kind in ("full", "super"))
            made = self._trial(a)
            return Cell(made.runs, made.masks, made.files + kept, made.needs_tasks, made.needs_models)

        axes = {"model": self.models, "task": self.settings.tasks, "seed": _seeds(self.n.trial)}
        title = "full models and winning tickets of MNLI, for domain adaptation"
        skip = lambda a: not self._is_source(a)  # noqa: E731
        return self._stage("trial_source", title, axes, cell, "trial:run_trials", skip, ("task",))

    def _is_source(self, a: Axes) -> bool:
        return a["task"] == SOURCE and a["model"] in self.grid.domain_models and bool(self.grid.domains)

    def _trial(self, a: Axes, variant: str = "") -> Cell:
        m, t, r = a["model"], a["task"], int(a["seed"])
        runs = tuple(ticket("winning", t, level, r, m, variant) for level in LEVELS)
        masks = tuple(mask("winning", t, level, r, m, variant) for level in LEVELS[1:])
        return Cell(runs, masks, (importance_file(t, r, m, variant),), (t,), (m,))

    def families(self) -> Stage:
        """Random and losing tickets at the same levels (Figure 4)."""
        axes = {
            "model": self.models,
            "task": self._known(self.grid.families),
            "family": FAMILIES,
            "seed": _seeds(self.n.families),
        }
        return self._stage("families", "random and losing tickets", axes, self._family, "trial:run_families")

    def _family(self, a: Axes, variant: str = "") -> Cell:
        m, t, f, r = a["model"], a["task"], a["family"], int(a["seed"])
        runs = tuple(ticket(f, t, level, r, m, variant) for level in LEVELS[1:])
        masks = tuple(mask(f, t, level, r, m, variant) for level in LEVELS[1:])
        needs = (importance_file(t, r, m, variant),)
        return Cell(runs, masks, needs_tasks=(t,), needs_models=(m,), needs_files=needs)

    def reruns(self) -> Stage:
        """Eight more full models a trial: what choosing the best of eight gains by itself (control X1)."""

        def cell(a: Axes) -> Cell:
            m, t, r = a["model"], a["task"], int(a["seed"])
            runs = tuple(run(t, "pretrained", "rerun", t, "00", r, m, f"draw{draw}") for draw in DRAWS)
            return Cell(runs, needs_tasks=(t,), needs_models=(m,))

        axes = {
            "model": self.models,
            "task": self._known(self.grid.reruns),
            "seed": _seeds(self.n.reruns),
        }
        return self._stage("reruns", "best of eight full models (control X1)", axes, cell, "trial:run_reruns")

    def subsets(self) -> Stage:
        """Trials on random parts of the training data (Figure 5)."""

        def cell(a: Axes) -> Cell:
            return self._trial({**a, "task": self.grid.subset_task}, f"data{a['percent']}")

        title = "full models and winning tickets on less training data"
        return self._stage("subsets", title, self._subset_axes(), cell, "trial:run_trials")

    def subset_families(self) -> Stage:
        """Random and losing tickets on random parts of the training data (Figure 5)."""

        def cell(a: Axes) -> Cell:
            return self._family({**a, "task": self.grid.subset_task}, f"data{a['percent']}")

        title = "random and losing tickets on less training data"
        axes = self._subset_axes() | {"family": FAMILIES}
        return self._stage("subset_families", title, axes, cell, "trial:run_families")

    def _subset_axes(self) -> dict[str, tuple[str, ...]]:
        known = self.grid.subset_task in self.settings.tasks
        return {
            "model": tuple(m for m in self.models if m in self.grid.subset_models) if known else (),
            "percent": tuple(f"{percent:g}" for percent in self.grid.subset_percents),
            "seed": _seeds(self.n.subsets),
        }

    def mismatch(self) -> Stage:
        """Tickets found at another learning rate, trained at the first (claim C26)."""

        def cell(a: Axes) -> Cell:
            m, t, r = a["model"], a["task"], int(a["seed"])
            runs = [ticket("winning", t, "00", r, m, MISMATCHED)]
            runs += [ticket("mismatched", t, level, r, m) for level in LEVELS[1:]]
            masks = tuple(mask("mismatched", t, level, r, m) for level in LEVELS[1:])
            files = (importance_file(t, r, m, MISMATCHED),)
            return Cell(tuple(runs), masks, files, (t,), (m,))

        axes = {
            "model": tuple(m for m in self.models if m in self.grid.mismatch_models),
            "task": self._known(self.grid.mismatch),
            "seed": _seeds(self.n.mismatch),
        }
        title = "tickets found at another learning rate"
        return self._stage("mismatch", title, axes, cell, "trial:run_trials")

    def multitask(self) -> Stage:
        """Multi-task learning with and without ticket sharing (Table 3)."""

        def cell(a: Axes) -> Cell:
            m, method, r = a["model"], a["method"], int(a["seed"])
            tasks = self.settings.tasks
            runs = tuple(multitask(method, t, r, m) for t in tasks)
            needs: Cell = self._tickets_of(m, tasks, r) if method != "mt-dnn" else Cell()
            if method == "ticket-share-mismatched":
                other = self._known(self.grid.mismatch)
                more_runs = tuple(ticket("mismatched", t, lv, r, m) for t in other for lv in LEVELS[1:])
                more_masks = tuple(mask("mismatched", t, lv, r, m) for t in other for lv in LEVELS[1:])
                needs = Cell(
                    needs_runs=needs.needs_runs + more_runs, needs_masks=needs.needs_masks + more_masks
                )
            return Cell(
                runs, (), (weights_file(method, r, m),), tasks, (m,), needs.needs_masks, needs.needs_runs
            )

        def skip(a: Axes) -> bool:
            if a["method"] != "ticket-share-mismatched":
                return False
            few = int(a["seed"]) > self.n.mismatch
            return few or a["model"] not in self.grid.mismatch_models or not self.grid.mismatch

        axes = {"model": self.models, "method": self.grid.multitask, "seed": _seeds(self.n.multitask)}
        title = "multi-task learning and ticket sharing"
        return self._stage("multitask", title, axes, cell, "multitask:run_multitask", skip, ("method",))

    def finetune(self) -> Stage:
        """Multi-task models fine-tuned on single tasks, at up to three learning rates (Tables 3, 5 and 8)."""

        def cell(a: Axes) -> Cell:
            m, method, t = a["model"], a["method"], a["task"]
            level = "00" if method == "mt-dnn" else "super"
            variant = "" if a["rate"] == "lr0" else a["rate"]
            reps = range(1, self.n.finetune + 1)
            runs = tuple(run(t, method, method, MULTITASK, level, r, m, variant) for r in reps)
            needs = self._shared(method, m, (t,))
            return Cell(runs, (), (), (t,), (m,), needs.needs_masks, needs.needs_runs, needs.needs_files)

        def skip(a: Axes) -> bool:
            few = a["model"] not in self.grid.rate_models or a["task"] not in self.grid.rate_tasks
            return a["rate"] != "lr0" and few

        axes = {
            "model": self.models,
            "method": tuple(m for m in ("mt-dnn", "ticket-share") if m in self.grid.multitask),
            "task": self._known(self.grid.finetune),
            "rate": RATES,
        }
        title = "multi-task models, fine-tuned on one task"
        return self._stage("finetune", title, axes, cell, "transfer:run_transfers", skip, ("method", "rate"))

    def domain(self) -> Stage:
        """SNLI and SciTail from four starting points, on growing parts of their data (Table 4)."""

        def cell(a: Axes) -> Cell:
            m, init, t = a["model"], a["init"], a["task"]
            source = SOURCE if init.startswith(SOURCE) else MULTITASK
            level = "00" if init in ("mnli-full", "mt-dnn") else "super"
            runs = tuple(
                run(t, init, init, source, level, r, m, percent_variant(percent, extended))
                for extended, percents in (
                    (False, self.grid.domain_percents),
                    (True, self.grid.extended_percents),
                )
                for percent in percents
                for r in range(1, self.n.domain + 1)
            )
            needs = self._shared(init, m, self.settings.tasks)
            return Cell(runs, (), (), (t,), (m,), needs.needs_masks, needs.needs_runs, needs.needs_files)

        axes = {
            "model": tuple(m for m in self.models if m in self.grid.domain_models),
            "init": tuple(i for i in INITS if i.startswith(SOURCE) or i in self.grid.multitask),
            "task": self.grid.domains if SOURCE in self.settings.tasks else (),
        }
        title = "domain adaptation to SNLI and SciTail"
        return self._stage("domain", title, axes, cell, "transfer:run_transfers", split=("init",))

    def _shared(self, start: str, m: str, tasks: Iterable[str]) -> Cell:
        """What a fine-tuning from the first replicate of a shared starting point needs."""
        files = (weights_file(start, 1, m),)
        if start == f"{SOURCE}-super":
            found = self._tickets_of(m, (SOURCE,), 1)
            return Cell(needs_files=files, needs_runs=found.needs_runs, needs_masks=found.needs_masks)
        if start == "ticket-share":
            runs = tuple(multitask(start, t, 1, m) for t in tasks)
            masks = tuple(mask("winning", t, level, 1, m) for t in tasks for level in LEVELS[1:])
            return Cell(needs_files=files, needs_runs=runs, needs_masks=masks)
        return Cell(needs_files=files)

    def _tickets_of(self, m: str, tasks: Iterable[str], r: int) -> Cell:
        """All levels of a trial, from which the super tickets are chosen at run time."""
        runs: list[RunAddress] = []
        masks: list[MaskAddress] = []
        for t in tasks:
            runs += [ticket("winning", t, level, r, m) for level in LEVELS]
            masks += [mask("winning", t, level, r, m) for level in LEVELS[1:]]
        return Cell(needs_runs=tuple(runs), needs_masks=tuple(masks))

    def _known(self, tasks: Iterable[str]) -> tuple[str, ...]:
        return tuple(task for task in tasks if task in self.settings.tasks)


def _seeds(replicates: int) -> tuple[str, ...]:
    return tuple(str(r) for r in range(1, replicates + 1))
