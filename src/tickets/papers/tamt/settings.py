"""The `tamt` section of a preset: which part of the grid runs, and every disagreement of paper and code.

Defaults are those of spec tamt section 9; a smaller preset names what it leaves out.
"""

from typing import TYPE_CHECKING, Annotated, Literal, get_args

from pydantic import Field, model_validator

from tickets.errors import TicketsError
from tickets.section import Section
from tickets.training.recipe import Recipe, recipe_of

if TYPE_CHECKING:
    from tickets.config import Config

TASKS = ("mnli", "sst-2", "cola", "sts-b", "mrpc", "rte", "squad")
"""The seven downstream tasks, in the paper's order."""
WORDS, PAIRS = "wikitext", "wikitext-pairs"
"""Pre-training data: blocks of running text, and the documents that distillation alone reads."""
FIVE = ("cola", "sst-2", "mnli", "sts-b", "squad")
"""The tasks of everything but the main figures."""
Objective = Literal["mlm", "kd", "mlm-kd"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
Flavour = Literal["imp", "imp-rewind"]
Ablation = Literal["always", "calm", "adamw", "unpadded"]
Axis = Literal["model", "task", "method", "level", "mask", "size"]
Level = Annotated[str, Field(pattern="^[1-9][0-9]$")]
Positive = Annotated[int, Field(gt=0)]


class Threshold(Section):
    """When the thresholds of real-valued masks are computed again (spec tamt section 1.8)."""

    every: Positive = Field(1000, description="Optimizer steps between updates.")
    shift: Literal[0, 1] = Field(0, description="Updates after the steps t with (t + shift) % every = 0.")
    at_first: bool = Field(False, description="Also after the first step.")
    at_epoch_end: bool = Field(False, description="Also after the last step of every epoch.")


class MaskTraining(Section):
    """How one objective trains masks (spec tamt sections 1.8 to 1.13)."""

    recipe: Recipe = Field(description="Its steps are those that the learning rate falls over, to 0.")
    threshold: Threshold = Threshold()
    teacher_dropout: bool = Field(False, description="The teacher of a distillation keeps its dropout.")
    pads: Literal["include", "exclude"] = Field(
        "include", description="Whether padding counts in the mean of a distillation loss."
    )


class Scores(Section):
    """Real-valued masks (spec tamt sections 1.4 to 1.8)."""

    phi: Annotated[float, Field(gt=0)] = Field(0.01, description="Threshold before its first update.")
    alpha: Annotated[float, Field(ge=1)] = Field(
        2.0, description="Kept weights start at alpha phi; 1 only goes with 'binarise: at-least'."
    )
    ties: Literal["strict", "exact"] = Field(
        "strict",
        description="Scores equal to the threshold of a mask: all alike, or just as many pruned as there must be.",
    )
    binarise: Literal["above", "at-least"] = Field(
        "above", description="Kept is a score above its threshold (release), or one of at least that (paper)."
    )
    rank: Literal["signed", "absolute"] = Field(
        "signed", description="Compared and ranked are scores (release), or their absolute values (paper)."
    )
    decoder: Literal["frozen", "trained"] = Field(
        "frozen",
        description="Decoder of masked words: the dense word table (release), or a copy of it that is trained with "
        "the head (paper); lookups read the frozen table.",
    )
    pooler: bool = Field(
        True, description="BERT's pooler is prunable (release); it never is where a checkpoint has none."
    )

    @model_validator(mode="after")
    def _keeps_what_starts_kept(self) -> "Scores":
        if self.alpha == 1 and self.binarise == "above":
            raise ValueError("alpha: 1 puts no score above phi; use more, or 'binarise: at-least'")
        return self


class Imp(Section):
    """Iterative magnitude pruning on masked words (spec tamt section 2.3)."""

    recipe: Recipe = Field(description="Its steps are those that the learning rate falls over, to 0.")
    interval: Positive = Field(2792, description="Steps between two prunings.")
    intervals: tuple[Positive, ...] = Field((200, 300, 500, 900), description="Others, for the cost curves.")
    distance_intervals: tuple[Positive, ...] = Field(
        (1396,), description="Others, whose masks are only compared."
    )
    flavours: tuple[Flavour, ...] = Field(
        ("imp", "imp-rewind"),
        description="imp: weights go on after a pruning (what the release does); imp-rewind: they are reset "
        "(what the paper says).",
    )


class Few(Section):
    """A training subset (spec tamt section 5.1)."""

    epochs: Annotated[float, Field(gt=0)] | None = None
    steps: Positive | None = Field(None, description="In place of epochs.")
    every: Positive = Field(description="Steps between evaluations; the last is a candidate here.")

    @model_validator(mode="after")
    def _one_length(self) -> "Few":
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give exactly one of 'epochs' and 'steps'")
        return self


def _few(**sizes: tuple[float, int]) -> dict[str, Few]:
    return {size[1:]: Few(epochs=epochs, every=every) for size, (epochs, every) in sizes.items()}


class Replicates(Section):
    """Mask seeds and fine-tuning seeds."""

    masks: int = Field(3, gt=0)
    finetune: int = Field(3, gt=0)
    few: int = Field(5, gt=0, description="Fine-tuning seeds on few examples.")
    crossed: bool = Field(
        True,
        description="Every mask with every fine-tuning seed; false: each with the seed of its own number.",
    )
    ablations: int = Field(1, gt=0, description="Mask seeds of the ablations.")


class Grid(Section):
    """Which masks are trained, and which of them fine-tuned; what is left out is shown as 'not run'."""

    baseline_levels: tuple[Level, ...] = Field(
        tuple(str(p) for p in range(10, 100, 10)), description="Sparsities of one-shot and random masks."
    )
    levels: dict[str, tuple[Level, ...]] = Field(
        {
            "base": tuple(str(p) for p in range(50, 100, 10)),
            "roberta": tuple(str(p) for p in range(20, 100, 10)),
        },
        description="Sparsities of trained and IMP masks, by model.",
    )
    tuned_levels: tuple[Level, ...] | None = Field(
        None, description="Those of `levels` at which main masks are fine-tuned; null: all."
    )
    objectives: tuple[Objective, ...] = OBJECTIVES
    rewind_tasks: tuple[str, ...] = Field(TASKS, description="Tasks of IMP with rewinding.")
    step_levels: tuple[Level, ...] = ("50", "60", "70", "80")
    interval_levels: tuple[Level, ...] = ("60", "70", "80")
    step_tasks: tuple[str, ...] = Field(FIVE, description="Tasks of the cost curves.")
    random_levels: tuple[Level, ...] = Field(("70",), description="Masks trained from a random start.")
    few: dict[str, dict[str, Few]] = Field(
        {
            "cola": _few(n1000=(8, 50), n2000=(8, 50), n5000=(3, 50)),
            "sst-2": _few(n1000=(8, 50), n5000=(3, 50), n10000=(3, 50), n30000=(3, 50)),
            "mnli": _few(n1000=(8, 500), n5000=(3, 500), n10000=(3, 500), n50000=(3, 500), n100000=(3, 500)),
            "squad": _few(n1000=(8, 63), n5000=(2, 313), n10000=(2, 500), n20000=(2, 500), n40000=(2, 500)),
        },
        description="Training subsets by task and number of examples (SQuAD: features).",
    )
    few_level: Level = "70"
    ablations: tuple[Ablation, ...] = get_args(Ablation)
    ablation_levels: tuple[Level, ...] = ("70",)
    ablation_tasks: tuple[str, ...] = FIVE

    @model_validator(mode="after")
    def _known(self) -> "Grid":
        for name in (*self.rewind_tasks, *self.step_tasks, *self.ablation_tasks, *self.few):
            if name not in TASKS:
                raise ValueError(f"'{name}' is not one of this paper's tasks: {', '.join(TASKS)}")
        for sizes in self.few.values():
            if odd := [size for size in sizes if not size.isdigit() or int(size) < 1]:
                raise ValueError(f"few: '{odd[0]}' is no number of examples")
        return self


class TamtSettings(Section):
    """Everything that shapes the numbers of `tamt`."""

    models: tuple[str, ...] = Field(("base", "roberta"), description="Roles of the models to run.")
    tasks: tuple[str, ...] = Field(TASKS, description="Downstream tasks.")
    recipes: dict[str, Recipe] = Field(description="Fine-tuning by task; 'default' serves the others.")
    evaluate_every: dict[str, Positive] = Field(
        {"default": 50, "mnli": 500, "squad": 1000},
        description="Steps between evaluations on dev, by task; the best of them is the score.",
    )
    mask_training: dict[Objective, MaskTraining] = Field(description="By objective.")
    scores: Scores = Scores()
    imp: Imp
    main_steps: dict[Level, Positive] = Field(
        {
            "20": 3000, "30": 6000, "40": 8000, "50": 11000, "60": 14000, "70": 17000, "80": 20000, "90": 22000
        },
        description="Steps of mask training by sparsity (Table 2).",
    )  # fmt: skip
    steps: tuple[Positive, ...] = Field(
        (1000, 2000, 3000, 5000, 10000, 20000, 25000), description="Checkpoints of the cost curves."
    )
    log_every: Positive = Field(100, description="Steps between two rows of training.csv.")
    replicates: Replicates = Replicates()
    grid: Grid = Grid()
    ddof: Literal[0, 1] = Field(0, description="Delta degrees of freedom of the standard deviations.")
    pack: dict[str, tuple[Axis, ...]] = Field(
        {}, description="Axes whose cells share one process, by stage or 'default'."
    )

    @model_validator(mode="after")
    def _complete(self) -> "TamtSettings":
        for name in self.tasks:
            if name not in TASKS:
                raise ValueError(f"tasks: '{name}' is not one of this paper's tasks: {', '.join(TASKS)}")
            self.recipe(name)
        for key, given in (("recipes", self.recipes), ("evaluate_every", self.evaluate_every)):
            if unknown := sorted(set(given) - {"default", *TASKS}):
                raise ValueError(
                    f"{key}: '{unknown[0]}' is not one of this paper's tasks: {', '.join(TASKS)}"
                )
        if missing := set(self.grid.objectives) - set(self.mask_training):
            raise ValueError(f"mask_training: '{min(missing)}' is not given, but in grid.objectives")
        if "default" not in self.evaluate_every and (rest := set(self.tasks) - set(self.evaluate_every)):
            raise ValueError(f"evaluate_every: neither '{min(rest)}' nor 'default' is given")
        if "adamw" in self.grid.ablations and {"mlm", "kd"} - set(self.mask_training) == {"mlm"}:
            raise ValueError(
                "mask_training: the ablation 'adamw' has the optimizer of 'mlm', which is not given"
            )
        lengths = {t.recipe.max_length for o, t in self.mask_training.items() if o != "kd"}
        if lengths - {self.imp.recipe.max_length}:
            raise ValueError("mask_training: 'mlm', 'mlm-kd' and imp read the same text: give one max_length")
        n = self.replicates
        if n.ablations > n.masks:
            raise ValueError("replicates.ablations: at most as many as 'masks'")
        if not n.crossed and min(n.finetune, n.few) < n.masks:
            raise ValueError("replicates: without 'crossed', every mask needs a fine-tuning seed of its own")
        return self

    @model_validator(mode="after")
    def _possible_sparsities(self) -> "TamtSettings":
        grid = self.grid
        for role in self.models:
            if role not in grid.levels:
                raise ValueError(f"grid.levels: no sparsities for the model '{role}'")
            for level in grid.levels[role]:
                if level not in self.main_steps:
                    raise ValueError(f"main_steps: none for the sparsity '{level}'")
                if level not in grid.baseline_levels:
                    raise ValueError(
                        f"grid.baseline_levels: no '{level}', which masks of grid.levels start from"
                    )
                if not level.endswith("0"):
                    raise ValueError(f"grid.levels: '{level}' is no multiple of 10; IMP prunes by tenths")
        more = (*((grid.few_level,) if grid.few else ()), *(grid.ablation_levels if grid.ablations else ()))
        for level in (*grid.step_levels, *grid.interval_levels, *grid.random_levels, *more):
            if "base" in self.models and level not in grid.levels["base"]:
                raise ValueError(f"grid: sparsity '{level}' is none of grid.levels.base")
        known = {level for role in self.models for level in grid.levels[role]}
        if odd := sorted(set(grid.tuned_levels or ()) - known):
            raise ValueError(f"grid.tuned_levels: there are no masks of sparsity '{odd[0]}' in grid.levels")
        return self

    def recipe(self, name: str) -> Recipe:
        """The fine-tuning recipe of a task, or for pre-training data that of the mask training on them."""
        if name not in (WORDS, PAIRS):
            return recipe_of(self.recipes, name)
        kd = self.mask_training.get("kd")
        return self.imp.recipe if name == WORDS or kd is None else kd.recipe

    def every(self, name: str) -> int:
        """Steps between evaluations of a task."""
        return self.evaluate_every.get(name) or self.evaluate_every["default"]

    def trained_levels(self, role: str) -> tuple[str, ...]:
        """Sparsities of the trained and IMP masks of a model."""
        return self.grid.levels[role]


def tamt_settings(config: "Config") -> TamtSettings:
    """The section of a preset. Raises `TicketsError` where the preset leaves the paper out."""
    if config.settings.tamt is None:
        raise TicketsError(f"presets.{config.preset}: there is no section 'tamt', so this paper is not run.")
    return config.settings.tamt
