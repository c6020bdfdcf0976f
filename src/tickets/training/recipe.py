"""What a training run does, as validated values. Imports no torch."""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(gt=0)]


class Recipe(BaseModel):
    """Hyper-parameters of one training run (spec lth section 3.1); the defaults are the paper's common ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: Positive | None = Field(None, description="Optimizer steps; give either this or epochs.")
    epochs: Annotated[float, Field(gt=0)] | None = Field(None, description="Passes over the training set.")
    batch_size: Positive = Field(
        32, description="Examples a step; the last batch of an epoch may be smaller."
    )
    learning_rate: Annotated[float, Field(gt=0)] = Field(2e-5, description="Peak learning rate.")
    optimizer: Literal["adamw", "adamw-reference"] = Field(
        "adamw", description="adamw: torch's. adamw-reference: eps before bias correction, as in the release."
    )
    betas: tuple[float, float] = Field((0.9, 0.999), description="Decay of Adam's two moments.")
    eps: float = Field(1e-8, description="Adam's epsilon.")
    weight_decay: float = Field(0.0, description="Decoupled weight decay.")
    warmup: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="Share of steps with rising rate.")
    clip: float = Field(1.0, description="Global gradient norm limit.")
    mlm_probability: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.15, description="Share of tokens chosen for prediction (MLM only)."
    )
    max_length: Positive = Field(128, description="Longest input in tokens.")

    @model_validator(mode="after")
    def _one_length(self) -> "Recipe":
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give exactly one of 'steps' and 'epochs'")
        return self

    def total_steps(self, n_train: int) -> int:
        """Optimizer steps of a full run on `n_train` examples; the last partial batch of an epoch counts."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return max(1, round(self.epochs * math.ceil(n_train / self.batch_size)))
