"""Multi-task training on batches of one task each (MT-DNN), and Ticket-Share (spec supertickets section 3)."""

from collections.abc import Mapping

import torch
from torch import Tensor

from tickets.models.model import Model
from tickets.training.objective import TaskObjective
from tickets.training.seeds import derive_seed


class UnionObjective:
    """Every epoch all mini-batches of all tasks, interleaved at random; losses unweighted.

    The interleaving is drawn afresh every epoch, as a function of (seed, epoch) and the tasks' sizes; each task's
    batches come in the task's own order, whatever lies between them. Parts with gates make this Algorithm 1: each
    batch then goes through its task's ticket.
    """

    def __init__(self, parts: Mapping[str, TaskObjective], seed: int) -> None:
        self.parts, self.seed = dict(parts), seed
        self.tasks = tuple(self.parts)
        sizes = torch.tensor([part.steps_per_epoch for part in self.parts.values()])
        self._slots = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
        self.steps_per_epoch = len(self._slots)
        self._epoch, self._drawn, self._places = -1, self._slots, self._slots

    def _at(self, step: int) -> tuple[str, int]:
        """Task of a step, and which step of that task it is."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._draw(epoch)
        task = self.tasks[int(self._drawn[place])]
        return task, epoch * self.parts[task].steps_per_epoch + int(self._places[place])

    def _draw(self, epoch: int) -> None:
        generator = torch.Generator().manual_seed(derive_seed("interleaving", self.seed, epoch))
        self._epoch = epoch
        self._drawn = self._slots[torch.randperm(self.steps_per_epoch, generator=generator)]
        self._places = torch.empty_like(self._drawn)
        for index, part in enumerate(self.parts.values()):
            self._places[self._drawn == index] = torch.arange(part.steps_per_epoch)

    def task_of(self, step: int) -> str:
        """Task of the 0-based `step`."""
        return self._at(step)[0]

    def loss(self, model: Model, step: int) -> Tensor:
        """See `Objective`."""
        task, own = self._at(step)
        return self.parts[task].loss(model, own)
