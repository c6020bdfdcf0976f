"""The experiments of `tamt` as stages (spec tamt sections 2, 4 and 5): which masks and runs there are.

One training serves all its checkpoints, and one IMP chain all its sparsities. A checkpoint at the main step of its
sparsity *is* the main mask, and a random start at step 0 is the random mask of the same seed: neither runs twice.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tickets.config import Config
from tickets.grid import Axes, Cell, Stage, check_pack, packed_axes
from tickets.papers.tamt.addresses import (
    FULL,
    PAPER,
    full_losses_file,
    losses_file,
    mask,
    mask_of,
    run,
    start_of,
    training_file,
)
from tickets.papers.tamt.identity import Identity
from tickets.papers.tamt.methods import INITS, Method, tamt
from tickets.papers.tamt.settings import PAIRS, TASKS, WORDS, tamt_settings
from tickets.spec import MaskAddress

BASE = "base"
CURVES = ("mlm", "kd")
"""Objectives whose checkpoints are fine-tuned."""
ABLATED = {"always": ("mlm", "kd"), "calm": ("kd",), "adamw": ("kd",), "unpadded": ("kd",)}
FEW_METHODS = (FULL, "omp", "imp", "tamt-mlm", "tamt-kd")
Axes_ = Mapping[str, tuple[str, ...]]


class Stages:
    """All stages for a config."""

    def __init__(self, config: Config) -> None:
        self.settings, self.own = tamt_settings(config), config.settings.own_tokenizers
        self.grid, self.n = self.settings.grid, self.settings.replicates
        self.identity = Identity(config)
        self.models = tuple(m for m in self.settings.models if config.settings.model_of(m))
        self.tasks = tuple(t for t in TASKS if t in self.settings.tasks)
        self.base = tuple(m for m in self.models if m == BASE)

    def all(self) -> tuple[Stage, ...]:
        """Every stage: masks first, then what is fine-tuned under them."""
        stages = (
            self.baseline_masks(),
            self.imp_masks(),
            self.mask_training(),
            self.full(),
            self.baselines(),
            self.methods(),
            self.steps(),
            self.few(),
            self.ablations(),
        )
        check_pack("tamt.pack", self.settings.pack, stages)
        return stages

    def _stage(
        self,
        name: str,
        title: str,
        axes: Axes_,
        cell: Callable[[Axes], Cell],
        execute: str,
        skip: Callable[[Axes], bool] = lambda axes: False,
        split: tuple[str, ...] = (),
    ) -> Stage:
        module = f"tickets.papers.tamt.{execute}"
        pack = packed_axes(self.settings.pack, name)
        identity, length = self.identity.fingerprint, self.max_length
        return Stage(PAPER, name, title, axes, cell, identity, module, length, skip, pack, split, self.own)

    def max_length(self, task: str) -> int:
        """Tokens that a task's inputs are cut to."""
        return self.settings.recipe(task).max_length

    def baseline_masks(self) -> Stage:
        """One-shot and random masks of every sparsity (spec sections 2.1 and 2.2)."""

        def cell(a: Axes) -> Cell:
            role, seeds = a["model"], _seeds(1 if a["method"] == "omp" else self.n.masks)
            levels = self.grid.baseline_levels
            masks = tuple(mask(a["method"], lv, int(s), role) for lv in levels for s in seeds)
            files = [losses_file(m) for m in masks]
            files += [full_losses_file(role)] if a["method"] == "omp" else []
            return self._masks(masks, files, role)

        axes = {"model": self.models, "method": ("omp", "random")}
        title = "one-shot and random masks"
        return self._stage("baseline_masks", title, axes, cell, "baselines:run_baselines", split=("method",))

    def imp_masks(self) -> Stage:
        """Iterative magnitude pruning on masked words, at several intervals (section 2.3)."""
        imp, main = self.settings.imp, self.settings.imp.flavours
        others = [Method("imp", interval=p).token for p in (*imp.intervals, *imp.distance_intervals)]

        def cell(a: Axes) -> Cell:
            role, method, s = a["model"], Method.parse(a["method"]), int(a["mask"])
            main_levels = self.settings.trained_levels(role)
            levels = main_levels if method.interval is None else self.grid.interval_levels
            masks = tuple(mask(a["method"], level, s, role) for level in levels)
            files = [*(losses_file(m) for m in masks), training_file(method, "all", s, role)]
            return self._masks(masks, files, role)

        def skip(a: Axes) -> bool:
            return a["model"] != BASE and a["method"] not in main

        axes = {"model": self.models, "method": (*main, *others), "mask": _seeds(self.n.masks)}
        title = "masks by iterative magnitude pruning on masked words"
        return self._stage("imp_masks", title, axes, cell, "imp:run_imp", skip, ("model", "method", "mask"))

    def mask_training(self) -> Stage:
        """Task-agnostic mask training: the paper's method (section 1)."""
        methods = [tamt(o).token for o in self.grid.objectives]
        methods += [tamt(o, "random").token for o in self._curves()]
        methods += self._ablated()

        def cell(a: Axes) -> Cell:
            role, s, level = a["model"], int(a["mask"]), a["level"]
            method = Method.parse(a["method"])
            masks = tuple(mask(m.token, level, s, role) for m in self.checkpoints(method, level, role))
            files = [*(losses_file(m) for m in masks), training_file(method, level, s, role)]
            return self._masks(masks, files, role, (start_of(masks[0]),))

        axes = {
            "model": self.models,
            "method": tuple(methods),
            "level": tuple(dict.fromkeys(lv for m in self.models for lv in self.settings.trained_levels(m))),
            "mask": _seeds(self.n.masks),
        }
        title = "task-agnostic mask training"
        split = ("model", "method", "level", "mask")
        return self._stage(
            "mask_training", title, axes, cell, "mask_search:run_search", self._no_search, split
        )

    def _no_search(self, a: Axes) -> bool:
        method, level = Method.parse(a["method"]), a["level"]
        if method.ablation:
            few = int(a["mask"]) > self.n.ablations
            return few or a["model"] != BASE or level not in self.grid.ablation_levels
        if method.init == "random":
            return a["model"] != BASE or level not in self.grid.random_levels
        return level not in self.settings.trained_levels(a["model"])

    def checkpoints(self, method: Method, level: str, role: str) -> tuple[Method, ...]:
        """The masks that are kept of a training: the main step's, and those of the cost curves where it has them.

        A random start has no main setting, only a curve.
        """
        main = self.settings.main_steps[level]
        curve = role == BASE and not method.ablation and method.objective in CURVES
        levels = self.grid.random_levels if method.init == "random" else self.grid.step_levels
        steps = set(self.settings.steps if curve and level in levels else ())
        steps |= {main} if method.init == "omp" else set()
        return tuple(
            tamt(method.objective, method.init, method.ablation, None if step == main else step)
            for step in sorted(steps)
        )

    def _trained(self) -> tuple[str, ...]:
        return (*self.settings.imp.flavours, *(tamt(o).token for o in self.grid.objectives))

    def _curves(self) -> tuple[str, ...]:
        return tuple(o for o in CURVES if o in self.grid.objectives)

    def _ablated(self) -> list[str]:
        pairs = [(o, a) for a in self.grid.ablations for o in ABLATED[a] if o in self.grid.objectives]
        return [tamt(objective, ablation=ablation).token for objective, ablation in pairs]

    def _masks(
        self,
        masks: tuple[MaskAddress, ...],
        files: Iterable[Path],
        role: str,
        needs: tuple[MaskAddress, ...] = (),
    ) -> Cell:
        return Cell((), masks, tuple(files), (WORDS, PAIRS), (role,), needs)

    def full(self) -> Stage:
        """The full model."""
        return self._finetuning("full", "full models", {"model": self.models, "task": self.tasks})

    def baselines(self) -> Stage:
        """One-shot and random masks, fine-tuned (Figures 1, 10 and 11)."""
        axes = self._axes(("omp", "random"), self.grid.baseline_levels)
        return self._finetuning("baselines", "one-shot and random masks, fine-tuned", axes)

    def methods(self) -> Stage:
        """Trained and IMP masks at their main steps (Figures 3 and 4)."""
        levels = dict.fromkeys(lv for m in self.models for lv in self.settings.trained_levels(m))

        def skip(a: Axes) -> bool:
            rewound = a["method"] == "imp-rewind" and a["task"] not in self.grid.rewind_tasks
            tuned = self.grid.tuned_levels is None or a["level"] in self.grid.tuned_levels
            return rewound or not tuned or a["level"] not in self.settings.trained_levels(a["model"])

        axes = self._axes(self._trained(), levels)
        return self._finetuning("methods", "trained and IMP masks, fine-tuned", axes, skip)

    def steps(self) -> Stage:
        """Masks on the way to the main step, from both starts, and IMP at other intervals (Figures 5 to 8)."""
        intervals = [Method("imp", interval=p).token for p in self.settings.imp.intervals]
        curves = [
            tamt(o, i, step=t).token for o in self._curves() for i in INITS for t in self.settings.steps
        ]
        random = [tamt(o, "random").token for o in self._curves()]
        levels = (*self.grid.step_levels, *self.grid.interval_levels, *self.grid.random_levels)

        def skip(a: Axes) -> bool:
            method, level = Method.parse(a["method"]), a["level"]
            if not method.trained:
                return level not in self.grid.interval_levels
            kept = level in (self.grid.random_levels if method.init == "random" else self.grid.step_levels)
            return not kept or method not in self.checkpoints(method.run, level, BASE)

        tasks = tuple(t for t in self.tasks if t in self.grid.step_tasks)
        axes = self._axes((*curves, *random, *intervals), dict.fromkeys(levels))
        axes |= {"model": self.base, "task": tasks}
        return self._finetuning("steps", "masks on the way, and IMP at other intervals", axes, skip)

    def few(self) -> Stage:
        """Fine-tuning on few examples (Figure 9)."""
        sizes = dict.fromkeys(size for task in self.grid.few.values() for size in task)
        made = (FULL, "omp", *self._trained())
        axes = self._axes(tuple(m for m in FEW_METHODS if m in made), ())
        del axes["level"]  # of the full model there is but one
        axes |= {"model": self.base, "task": tuple(t for t in self.tasks if t in self.grid.few)}
        axes["size"] = tuple(sorted(sizes, key=int))

        def skip(a: Axes) -> bool:
            return a["size"] not in self.grid.few[a["task"]]

        return self._finetuning("few", "fine-tuning on few examples", axes, skip, self.n.few)

    def ablations(self) -> Stage:
        """What the release does and the paper does not say (spec section 9: A5, A7, A8, A22)."""
        axes = self._axes(tuple(self._ablated()), self.grid.ablation_levels, self.n.ablations)
        axes |= {"model": self.base, "task": tuple(t for t in self.tasks if t in self.grid.ablation_tasks)}
        return self._finetuning("ablations", "masks trained in other ways, fine-tuned", axes)

    def _axes(
        self, methods: tuple[str, ...], levels: Iterable[str], masks: int | None = None
    ) -> dict[str, tuple[str, ...]]:
        return {
            "model": self.models,
            "task": self.tasks,
            "method": methods,
            "level": tuple(levels),
            "mask": _seeds(masks or self.n.masks),
        }

    def _finetuning(
        self,
        name: str,
        title: str,
        axes: Axes_,
        skip: Callable[[Axes], bool] = lambda axes: False,
        seeds: int | None = None,
    ) -> Stage:
        """A stage whose cells fine-tune one mask on one task with all its fine-tuning seeds."""

        def cell(a: Axes) -> Cell:
            method, seed, size = a.get("method", FULL), a.get("mask", "1"), a.get("size", "")
            level = "00" if method == FULL else a.get("level", self.grid.few_level)
            runs = tuple(
                run(a["task"], method, level, int(seed), int(r), a["model"], size)
                for r in self.seeds_of(method, seed, seeds or self.n.finetune)
            )
            found = mask_of(runs[0])
            needs = () if found is None else (found,)
            return Cell(runs, needs_tasks=(a["task"],), needs_models=(a["model"],), needs_masks=needs)

        def none(a: Axes) -> bool:
            single = a.get("method") in (FULL, "omp")
            return (single and a["mask"] != "1") or skip(a)

        split = tuple(axis for axis in ("method", "mask") if axis in axes)
        return self._stage(name, title, axes, cell, "finetune:run_finetuning", none, split)

    def seeds_of(self, method: str, mask: str, n: int) -> tuple[str, ...]:
        """Fine-tuning seeds of a mask. Of the full model and the one-shot mask there is only one, so it gets all."""
        return _seeds(n) if self.n.crossed or method in (FULL, "omp") else (mask,)


def _seeds(n: int) -> tuple[str, ...]:
    return tuple(str(seed) for seed in range(1, n + 1))
