"""The `supertickets` section of a preset: which part of the grid runs, and every disagreement of paper and code.

Defaults are those of spec supertickets section 9.C; a smaller preset names what it leaves out.
"""

from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import Field, model_validator

from tickets.data.tasks import task
from tickets.errors import TicketsError
from tickets.papers.supertickets.cell_columns import Selection
from tickets.section import Section
from tickets.training.recipe import Recipe, recipe_of

if TYPE_CHECKING:
    from tickets.config import Config

TASKS = ("rte", "mrpc", "cola", "sst-2", "sts-b", "qnli", "qqp", "mnli")
"""The eight GLUE tasks, in the order of the paper's tables."""
SMALL = TASKS[:5]
DOMAINS = ("snli", "scitail")
INITS = ("mnli-full", "mnli-super", "mt-dnn", "ticket-share")
"""Where domain adaptation starts: the full model and the super ticket of MNLI, and the two multi-task models."""
Method = Literal["mt-dnn", "ticket-share", "ticket-share-strict", "ticket-share-mismatched"]
SHARING: tuple[Method, ...] = get_args(Method)
Axis = Literal["model", "task", "seed", "family", "percent", "method", "rate", "init"]
Percent = Annotated[float, Field(gt=0, le=100)]


class TicketRules(Section):
    """How importance becomes tickets (spec sections 1.2 to 1.4)."""

    importance: Literal["token", "example", "batch", "triangular"] = Field(
        "token",
        description="Absolute value per token (release), example (paper) or batch; triangular: the release's bug.",
    )
    ffn_counts: Literal["release", "floor"] = Field(
        "release", description="FFNs removed at level k: k L / 12 (release) or 10 k % of L (paper)."
    )
    protect: bool = Field(True, description="Keep the best head of every layer (losing: the worst).")
    random_sampling: Literal["without", "with"] = Field(
        "without", description="Random tickets without replacement; 'with' repeats the release's error."
    )


class Replicates(Section):
    """Independent repetitions by stage; replicate r of every stage builds on replicate r of the trials."""

    trial: int = Field(5, gt=0)
    families: int = Field(5, gt=0)
    reruns: int = Field(5, gt=0)
    subsets: int = Field(5, gt=0)
    mismatch: int = Field(1, gt=0)
    multitask: int = Field(5, gt=0)
    finetune: int = Field(5, gt=0)
    domain: int = Field(5, gt=0)

    @model_validator(mode="after")
    def _tickets_exist(self) -> "Replicates":
        for name in ("families", "reruns", "mismatch", "multitask"):
            if getattr(self, name) > self.trial:
                raise ValueError(f"'{name}' needs a trial for each replicate: at most 'trial' ({self.trial})")
        return self


class Grid(Section):
    """Which tasks each stage runs on; what is left out is shown as 'not run'."""

    families: tuple[str, ...] = Field(("rte", "sst-2", "mnli"), description="Random and losing tickets.")
    reruns: tuple[str, ...] = Field(SMALL, description="Best of eight full-model reruns (control X1).")
    subset_task: str = Field("mnli", description="Task of Figure 5.")
    subset_percents: tuple[Percent, ...] = Field((1, 10, 20), description="Training subsets of Figure 5.")
    subset_models: tuple[str, ...] = ("base",)
    mismatch: tuple[str, ...] = Field(SMALL, description="Tickets found at another learning rate (C26).")
    mismatch_models: tuple[str, ...] = ("base",)
    multitask: tuple[Method, ...] = SHARING
    finetune: tuple[str, ...] = Field(TASKS, description="Multi-task models fine-tuned on one task.")
    rate_tasks: tuple[str, ...] = Field(
        SMALL, description="Tasks also fine-tuned at the other learning rates."
    )
    rate_models: tuple[str, ...] = ("large",)
    domains: tuple[str, ...] = DOMAINS
    domain_models: tuple[str, ...] = ("base",)
    domain_percents: tuple[Percent, ...] = (0.1, 1, 10, 100)
    extended_percents: tuple[Percent, ...] = Field(
        (0.1, 1), description="Subsets also trained in small batches for at least 100 updates."
    )

    @model_validator(mode="after")
    def _known_tasks(self) -> "Grid":
        named = (*self.families, *self.reruns, self.subset_task, *self.mismatch, *self.finetune)
        for name in (*named, *self.rate_tasks):
            if name not in TASKS:
                raise ValueError(f"'{name}' is not one of this paper's tasks: {', '.join(TASKS)}")
        for name in self.domains:
            if name not in DOMAINS:
                raise ValueError(f"'{name}' is not one of {', '.join(DOMAINS)}")
        if set(self.rate_tasks) - set(self.finetune):
            raise ValueError("rate_tasks must be among the tasks of 'finetune'")
        return self


class SuperticketsSettings(Section):
    """Everything that shapes the numbers of `supertickets`."""

    models: tuple[str, ...] = Field(("base", "large"), description="Roles of the models to run.")
    tasks: tuple[str, ...] = Field(TASKS, description="Tasks with trials, also those of multi-task learning.")
    recipes: dict[str, Recipe] = Field(description="Hyper-parameters by task; 'default' serves the others.")
    subset_recipes: dict[str, Recipe] = Field(
        {}, description="Other hyper-parameters for training subsets of Figure 5, by percent."
    )
    multitask_recipe: Recipe = Field(description="Hyper-parameters of multi-task learning.")
    head_dropout: dict[str, Annotated[float, Field(ge=0, lt=1)]] = Field(
        {"default": 0.1, "cola": 0.05, "mnli": 0.3}, description="Dropout before the task head, by task."
    )
    evaluations: int = Field(
        3, gt=0, description="Evaluations a run where a recipe counts steps; otherwise one after each epoch."
    )
    rate_factors: tuple[float, ...] = Field(
        (1.0, 2.0, 4.0),
        description="The learning rates of the sensitivity studies, as multiples of the recipe's.",
    )
    selection: Selection = Field(
        "full", description="Selection that decides whose weights are kept and which tickets are shared."
    )
    tickets: TicketRules = TicketRules()
    extended_batch: int = Field(8, gt=0, description="Batch size of the extended protocol of small subsets.")
    extended_steps: int = Field(100, gt=0, description="Fewest updates of the extended protocol.")
    new_task_mask: Literal["union", "mnli"] = Field(
        "union", description="Ticket-Share on a new task: the union of all tickets, or MNLI's."
    )
    replicates: Replicates = Replicates()
    grid: Grid = Grid()
    ddof: Literal[0, 1] = Field(1, description="Delta degrees of freedom of the standard deviations.")
    pack: dict[str, tuple[Axis, ...]] = Field(
        {}, description="Axes whose cells share one process, by stage or 'default'."
    )

    @model_validator(mode="after")
    def _complete(self) -> "SuperticketsSettings":
        for name in self.tasks:
            if name not in TASKS:
                raise ValueError(f"tasks: '{name}' is not one of this paper's tasks: {', '.join(TASKS)}")
        for name in (*self.tasks, *self.grid.domains, *(key for key in self.recipes if key != "default")):
            task(name)
            self.recipe(name)
        for name in self.head_dropout.keys() - {"default"}:
            task(name)
        for percent in self.subset_recipes:
            _check_percent(percent)
        if len(self.rate_factors) != 3 or self.rate_factors[0] != 1.0:
            raise ValueError("rate_factors: give three, the first of them 1.0")
        return self

    def recipe(self, name: str) -> Recipe:
        """The recipe of a task."""
        return recipe_of(self.recipes, name)

    def dropout(self, name: str) -> float:
        """Head dropout of a task."""
        return self.head_dropout.get(name, self.head_dropout.get("default", 0.1))


def _check_percent(key: str) -> None:
    try:
        usual = f"{float(key):g}"
    except ValueError:
        raise ValueError(f"subset_recipes: '{key}' is no percentage; write e.g. '10'") from None
    if key != usual:
        raise ValueError(f"subset_recipes: '{key}' is no percentage as paths have it; write '{usual}'")


def supertickets_settings(config: "Config") -> SuperticketsSettings:
    """The section of a preset. Raises `TicketsError` where the preset leaves the paper out."""
    if config.settings.supertickets is None:
        raise TicketsError(
            f"presets.{config.preset}: there is no section 'supertickets', so this paper is not run."
        )
    return config.settings.supertickets
