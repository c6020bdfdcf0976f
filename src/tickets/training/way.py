"""How the parameters that an optimizer moves become the weights that a model runs with."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from tickets.models.model import Model
from tickets.models.parameters import Parameters
from tickets.pruning.mask import Mask


class Way(Protocol):
    """Between the optimizer and the model. `store` holds what is trained; steps are counted from 1."""

    store: Parameters

    def write(self) -> None:
        """Before a forward pass: set the model's weights."""
        ...

    def collect(self, step: int) -> None:
        """After the backward pass of a step: bring its gradient to the store."""
        ...

    def updated(self, step: int) -> None:
        """After the optimizer's update of a step."""
        ...

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint must hold beside the optimizer's state."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a checkpoint's state."""
        ...


class Direct:
    """The model's own weights are trained; with a mask, masked ones are zero and stay so."""

    def __init__(self, model: Model, mask: Mask | None) -> None:
        self.store = model.parameters
        self.keep = None if mask is None else model.apply_mask(mask)

    def clear(self, values: Tensor) -> None:
        """Zero what belongs to masked weights in a vector [total]."""
        if self.keep is not None:
            values[: len(self.keep)].mul_(self.keep)

    def write(self) -> None:
        """See `Way`."""

    def collect(self, step: int) -> None:
        """See `Way`."""
        self.clear(self.store.grad)

    def updated(self, step: int) -> None:
        """See `Way`."""

    def state(self) -> dict[str, Tensor]:
        """See `Way`."""
        return {"flat": self.store.flat}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """See `Way`."""
        self.store.flat.data.copy_(state["flat"])
