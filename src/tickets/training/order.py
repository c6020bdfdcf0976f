"""Which examples a step trains on."""

import torch
from torch import Tensor

from tickets.training.seeds import derive_seed


class EpochOrder:
    """A fresh permutation every epoch, a function of (seed, epoch) alone, so any step can be entered directly.

    The last, smaller batch of an epoch is kept (spec lth section 3.1).
    """

    def __init__(self, n: int, batch_size: int, seed: int) -> None:
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.steps_per_epoch = -(-n // batch_size)
        self._epoch, self._permutation = -1, torch.empty(0, dtype=torch.long)

    def __call__(self, step: int) -> Tensor:
        """Row numbers int64 [<= batch_size] of the 0-based `step`."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(derive_seed("order", self.seed, epoch))
            self._epoch, self._permutation = epoch, torch.randperm(self.n, generator=generator)
        return self._permutation[place * self.batch_size : (place + 1) * self.batch_size]
