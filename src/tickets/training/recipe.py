"""What a training run does, as validated values. Imports no torch."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

Positive = Annotated[int, Field(gt=0)]

LATER_FIELDS = ("decay", "schedule", "order", "clip_scope", "drop_last")
"""Fields younger than the first results; a dump names them only where they differ from their default."""


class Recipe(BaseModel):
    """Hyper-parameters of one training run (spec lth section 3.1); the defaults are that paper's common ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: Positive | None = Field(None, description="Optimizer steps; give either this or epochs.")
    epochs: Annotated[float, Field(gt=0)] | None = Field(None, description="Passes over the training set.")
    batch_size: Positive = Field(
        32, description="Examples a step; the last batch of an epoch may be smaller."
    )
    learning_rate: Annotated[float, Field(gt=0)] = Field(2e-5, description="Peak learning rate.")
    optimizer: Literal["adamw", "adamw-reference", "adamax", "bertadam"] = Field(
        "adamw",
        description="adamw: torch's. adamw-reference: eps before bias correction, as in the release. "
        "adamax: without bias correction, as in MT-DNN. bertadam: Adam without bias correction.",
    )
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = Field(
        (0.9, 0.999), description="Decay of the optimizer's two moments."
    )
    eps: Annotated[float, Field(gt=0)] = Field(1e-8, description="The optimizer's epsilon.")
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.0, description="Decoupled weight decay.")
    decay: Literal["all", "weights"] = Field(
        "all", description="What decays: all parameters, or weights only (no biases, no LayerNorms)."
    )
    schedule: Literal["linear", "jump", "triangular"] = Field(
        "linear",
        description="Rate after the warm-up: linear to 0; jump: as in MT-DNN, down to 1 - warmup at once, then "
        "linear to 0; triangular: linear to 0, with a first update at rate 0 like jump.",
    )
    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="Share of steps with rising rate.")
    clip: Annotated[float, Field(gt=0)] = Field(1.0, description="Gradient norm limit.")
    clip_scope: Literal["all", "tensor"] = Field(
        "all", description="What the limit holds for: the whole gradient, or each parameter tensor by itself."
    )
    order: Literal["reshuffled", "blocks"] = Field(
        "reshuffled",
        description="Batches: reshuffled: examples drawn afresh every epoch. blocks: contiguous blocks of the "
        "training file, in one order for all epochs.",
    )
    drop_last: bool = Field(False, description="Leave out the smaller last batch of an epoch.")
    mlm_probability: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.15, description="Share of tokens chosen for prediction (MLM only)."
    )
    max_length: Positive = Field(128, description="Longest input in tokens.")

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give exactly one of 'steps' and 'epochs'")
        if self.schedule != "linear" and not self.warmup:
            raise ValueError(f"schedule '{self.schedule}' rises over the warm-up: give 'warmup', e.g. 0.1")
        return self

    @model_serializer(mode="wrap")
    def _without_unused(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Fingerprints are of dumps: those of runs made before a field existed must not change with it.
        facts: dict[str, Any] = dump(self)
        defaults = {name: type(self).model_fields[name].default for name in LATER_FIELDS}
        return {k: v for k, v in facts.items() if k not in defaults or v != defaults[k]}

    def steps_per_epoch(self, n_train: int) -> int:
        """Optimizer steps of one pass over `n_train` examples; the last partial batch counts unless `drop_last`."""
        return n_train // self.batch_size if self.drop_last else math.ceil(n_train / self.batch_size)

    def total_steps(self, n_train: int) -> int:
        """Optimizer steps of a full run on `n_train` examples."""
        return self.steps_of(self.steps_per_epoch(n_train))

    def steps_of(self, steps_per_epoch: int) -> int:
        """Optimizer steps of a full run whose epochs have `steps_per_epoch` (several tasks: of all together)."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return max(1, round(self.epochs * steps_per_epoch))


def recipe_of(recipes: Mapping[str, Recipe], name: str) -> Recipe:
    """The recipe of a task, or else the one called 'default'; ValueError where neither is given."""
    if name not in recipes and "default" not in recipes:
        raise ValueError(f"recipes: neither '{name}' nor 'default' is given")
    return recipes.get(name) or recipes["default"]
