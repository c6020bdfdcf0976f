"""The `lth` section of a preset: which part of the grid runs, and every disagreement between paper and code.

Defaults are the paper's (spec lth sections 3 and 4); a smaller preset names what it leaves out.
"""

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from tickets.data.tasks import task
from tickets.errors import TicketsError
from tickets.papers.lth.tasks import TASKS
from tickets.section import Section
from tickets.training.recipe import Recipe, recipe_of

if TYPE_CHECKING:
    from tickets.config import Config

ALL = tuple(TASKS)
MASK_LEVELS = tuple(str(percent) for percent in range(10, 100, 10))
Rewinding = Literal["rewind05", "rewind10", "rewind20", "rewind50", "standard"]


class ChainPolicy(Section):
    """What happens between two rounds of IMP (spec lth sections 2 and 3.2)."""

    amount: Literal["original", "remaining"] = Field(
        "original",
        description="10 % a round of the original weights (released code) or of the remaining (Alg. 1).",
    )
    rewind: bool = Field(True, description="Reset the body to its starting weights after each pruning.")
    head: Literal["reset", "carry"] = Field(
        "reset", description="Head at a rewind: same initial draw, or trained."
    )
    schedule: Literal["round", "span"] = Field(
        "round", description="Learning rate falls to 0 within a round, or once over ten rounds (release)."
    )
    optimizer: Literal["fresh", "continued"] = Field(
        "fresh",
        description="New Adam moments each round, or one optimizer throughout (release, no rewinding).",
    )
    prune_first: bool = Field(False, description="Prune 10 % before any training (the release's MLM script).")


class Replicates(Section):
    """Independent repetitions by stage: own masks, head draws and data orders."""

    imp: int = Field(5, gt=0)
    baselines: int = Field(5, gt=0)
    oneshot: int = Field(3, gt=0)
    transfer: int = Field(3, gt=0)
    mlm_ticket: int = Field(5, gt=0)
    rewind: int = Field(3, gt=0)
    rewind_transfer: int = Field(3, gt=0)
    multitask: int = Field(3, gt=0)
    datasize: int = Field(3, gt=0)
    ablations: int = Field(1, gt=0)

    @model_validator(mode="after")
    def _masks_exist(self) -> "Replicates":
        for name in ("baselines", "transfer", "mlm_ticket", "rewind"):
            if getattr(self, name) > self.imp:
                raise ValueError(
                    f"'{name}' needs a mask for each replicate, so it cannot exceed 'imp' ({self.imp})"
                )
        return self


class Grid(Section):
    """Which sources and targets run; what is left out is shown as 'not run'."""

    transfer_sources: tuple[str, ...] = ALL
    transfer_targets: tuple[str, ...] = ALL
    transfer_levels: tuple[str, ...] = ("70", "50")
    winning_sources: tuple[str, ...] = Field(ALL, description="Sources at their own s* (Figure 6).")
    mlm_ticket_targets: tuple[str, ...] = tuple(id for id in ALL if id != "mlm")
    strict_baselines: tuple[str, ...] = Field(
        ALL, description="Tasks with baselines at the strict s* (Table 4)."
    )
    rewindings: tuple[Rewinding, ...] = ("rewind05", "rewind10", "rewind20", "rewind50", "standard")
    rewind_tasks: tuple[str, ...] = ALL
    rewind_sources: tuple[str, ...] = Field(
        ("squad", "mlm", "mnli"), description="Sources of Figures 4, 7, 8."
    )
    rewind_targets: tuple[str, ...] = ALL
    norewind_targets: tuple[str, ...] = Field(
        ALL, description="Targets of the MLM mask found without rewinding."
    )
    multitask: tuple[tuple[str, ...], ...] = (
        ("mlm", "qnli"),
        ("mlm", "qnli", "cola"),
        ("mlm", "mnli", "qnli", "sst-2"),
        ("mlm", "squad", "qnli", "sst-2"),
    )
    multitask_targets: tuple[str, ...] = ALL
    datasize: dict[str, int] = Field(
        {"sst-2": 67_360, "cola": 8_576, "squad": 88_656},
        description="MLM sequences matched to a task (Table 8).",
    )
    profile_tasks: tuple[str, ...] = Field(
        ("sts-b", "mrpc", "rte", "cola"), description="Tasks on which the released code's profile C runs too."
    )
    overlap_levels: tuple[str, ...] = ("60", "70")

    @model_validator(mode="after")
    def _known_tasks(self) -> "Grid":
        named = [
            *self.transfer_sources,
            *self.transfer_targets,
            *self.winning_sources,
            *self.mlm_ticket_targets,
        ]
        named += [*self.strict_baselines, *self.rewind_tasks, *self.rewind_sources, *self.rewind_targets]
        named += [*self.norewind_targets, *self.multitask_targets, *self.datasize, *self.profile_tasks]
        named += [name for combo in self.multitask for name in combo]
        for name in named:
            task(name)
        for level in (*self.transfer_levels, *self.overlap_levels):
            if level not in MASK_LEVELS:
                raise ValueError(
                    f"there is no mask of sparsity '{level}'; there are {', '.join(MASK_LEVELS)}"
                )
        return self


class LthSettings(Section):
    """Everything that shapes the numbers of `lth`."""

    tasks: tuple[str, ...] = Field(ALL, description="Tasks with IMP chains of their own.")
    recipes: dict[str, Recipe] = Field(description="Hyper-parameters by task; 'default' serves the others.")
    multitask_recipe: Recipe = Field(description="Hyper-parameters of multi-task IMP.")
    replicates: Replicates = Replicates()
    grid: Grid = Grid()
    chain: ChainPolicy = ChainPolicy()
    code_chain: ChainPolicy = Field(
        ChainPolicy(head="carry", schedule="span"), description="Profile C, what the released scripts do."
    )
    code_mlm_chain: ChainPolicy = Field(
        ChainPolicy(head="carry", schedule="span", rewind=False, prune_first=True),
        description="Profile C for MLM: its rewinding has no effect, and it prunes before training.",
    )
    rewind_method: Literal["chain", "shortcut"] = Field(
        "chain",
        description="chain: Algorithm 1. shortcut: the theta_0 mask, theta_i by masked training (release).",
    )
    standard_chain: ChainPolicy = Field(
        ChainPolicy(rewind=False), description="Standard pruning: train, prune, train on."
    )
    ddof: Literal[0, 1] = Field(1, description="Delta degrees of freedom of the standard deviation.")
    eval_mask_seed: int = Field(2020, description="Fixes which words MLM is judged on.")
    pack: dict[str, tuple[Literal["task", "source", "variant", "combo"], ...]] = Field(
        {},
        description="Axes whose cells share one process, by stage or 'default'; saves start-up of short runs.",
    )

    @model_validator(mode="after")
    def _complete(self) -> "LthSettings":
        for name in (*self.tasks, *(key for key in self.recipes if key != "default")):
            task(name)
            self.recipe(name)
        return self

    def recipe(self, name: str) -> Recipe:
        """The recipe of a task."""
        return recipe_of(self.recipes, name)


def lth_settings(config: "Config") -> LthSettings:
    """The section of a preset. Raises `TicketsError` where the preset leaves the paper out."""
    if config.settings.lth is None:
        raise TicketsError(f"presets.{config.preset}: there is no section 'lth', so this paper is not run.")
    return config.settings.lth
