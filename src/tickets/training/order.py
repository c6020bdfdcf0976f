"""Which examples a step trains on."""

from typing import Protocol

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.training.recipe import Recipe
from tickets.training.seeds import derive_seed


class Order(Protocol):
    """Row numbers as a function of the step alone, so that any step can be entered directly."""

    steps_per_epoch: int

    def __call__(self, step: int) -> Tensor:
        """Row numbers int64 [<= batch_size] of the 0-based `step`."""
        ...


def batches_of(n: int, batch_size: int, drop_last: bool) -> int:
    """Batches in a pass over `n` examples. Raises `TicketsError` where only a smaller one is there and is left out."""
    if drop_last and n < batch_size:
        raise TicketsError(
            f"{n} training examples do not fill one batch of {batch_size}, and drop_last leaves smaller ones out; "
            "lower batch_size in the recipe."
        )
    return n // batch_size if drop_last else -(-n // batch_size)


class EpochOrder:
    """A fresh permutation every epoch, a function of (seed, epoch) alone, so any step can be entered directly.

    The last, smaller batch of an epoch is kept (spec lth section 3.1) unless `drop_last` (spec tamt section 1.11).
    """

    def __init__(self, n: int, batch_size: int, seed: int, drop_last: bool = False) -> None:
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.steps_per_epoch = batches_of(n, batch_size, drop_last)
        self._epoch, self._permutation = -1, torch.empty(0, dtype=torch.long)

    def __call__(self, step: int) -> Tensor:
        """Row numbers int64 [<= batch_size] of the 0-based `step`."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(derive_seed("order", self.seed, epoch))
            self._epoch, self._permutation = epoch, torch.randperm(self.n, generator=generator)
        return self._permutation[place * self.batch_size : (place + 1) * self.batch_size]


class BlockOrder:
    """Contiguous blocks of the training file in an order drawn once, the same in every epoch.

    The reference's batches (spec supertickets section 2.4). The file's last block may be smaller, and it comes where
    the draw puts it, unless `drop_last`.
    """

    def __init__(self, n: int, batch_size: int, seed: int, drop_last: bool = False) -> None:
        self.n, self.batch_size = n, batch_size
        self.steps_per_epoch = batches_of(n, batch_size, drop_last)
        generator = torch.Generator().manual_seed(derive_seed("blocks", seed))
        self.blocks: list[int] = torch.randperm(self.steps_per_epoch, generator=generator).tolist()

    def __call__(self, step: int) -> Tensor:
        """Row numbers int64 [<= batch_size] of the 0-based `step`."""
        begin = self.blocks[step % self.steps_per_epoch] * self.batch_size
        return torch.arange(begin, min(begin + self.batch_size, self.n))


def order_for(recipe: Recipe, n: int, seed: int) -> Order:
    """The order a recipe names, over `n` training examples."""
    kind = BlockOrder if recipe.order == "blocks" else EpochOrder
    return kind(n, recipe.batch_size, seed, recipe.drop_last)
