"""What a step minimises: one task, several tasks at once, or masked words with next-sentence pairs."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from tickets.data.encoded import EncodedTask
from tickets.data.masking import mask_tokens
from tickets.models.encoder import Gates, grid_tokens
from tickets.models.heads import Head, loss
from tickets.models.model import Model
from tickets.training.order import EpochOrder, order_for
from tickets.training.recipe import Recipe
from tickets.training.resident import Resident
from tickets.training.seeds import derive_seed


class Objective(Protocol):
    """A loss that is a function of the model and the step number alone (apart from dropout)."""

    steps_per_epoch: int

    def loss(self, model: Model, step: int) -> Tensor:
        """Mean loss of the batch of the 0-based `step`."""
        ...


class TaskObjective:
    """Fine-tuning on one task, MLM included.

    resident  training examples that are on the device already (of the whole split if not given), for runs that
              share them
    gates     the ticket under which the model runs; a model without the pruned structures needs none
    """

    def __init__(
        self,
        data: EncodedTask,
        head: Head,
        recipe: Recipe,
        model: Model,
        seed: int,
        rows: int | None = None,
        *,
        resident: Resident | None = None,
        gates: Gates | None = None,
    ) -> None:
        if resident is None:
            train = data.splits["train"]
            resident = Resident(train if rows is None else train.head(rows), model.config, model.device)
        elif rows is not None:
            raise ValueError("'rows' cuts the training split; a resident is cut already")
        self.train, self.gates = resident, gates
        self.head, self.recipe, self.meta, self.seed = head, recipe, data.meta, seed
        self.order = order_for(recipe, len(self.train), seed)
        self.steps_per_epoch = self.order.steps_per_epoch

    def loss(self, model: Model, step: int) -> Tensor:
        """See `Objective`."""
        rows = self.order(step)
        if self.head.kind == "mlm":
            return self._mlm(model, rows, step)
        assert self.train.labels is not None
        outputs = model.forward(self.train.batch(rows), self.head, train=True, gates=self.gates)
        return loss(self.head.kind, outputs, self.train.labels[rows.to(model.device)])

    def _mlm(self, model: Model, rows: Tensor, step: int) -> Tensor:
        ids, labels = masked_rows(
            self.train, rows, self.meta, self.recipe, derive_seed(self.seed, "mask", step)
        )
        batch = self.train.batch(rows, ids)
        read = grid_tokens(batch, labels != -100)
        outputs = model.forward(batch, self.head, read=read, train=True, gates=self.gates)
        return loss("mlm", outputs, labels[labels != -100])


def masked_rows(
    resident: Resident, rows: Tensor, meta: object, recipe: Recipe, seed: int
) -> tuple[Tensor, Tensor]:
    """Corrupted ids and labels (-100 where nothing is predicted) of `rows`, on the device [rows, width]."""
    assert isinstance(meta, dict)
    width = int(resident.host_lengths[rows].max())
    generator = torch.Generator().manual_seed(seed)
    ids = resident.split.ids[rows, :width].long()
    corrupted, labels = mask_tokens(
        ids,
        special_ids=meta["special_ids"],
        mask_id=meta["mask_id"],
        vocab_size=meta["vocab_size"],
        probability=recipe.mlm_probability,
        generator=generator,
    )
    device = resident.ids.device
    return corrupted.to(device), labels.to(device)


class SumObjective:
    """Unweighted sum of task losses on a shared body, one batch a task a step (spec lth section 4.7)."""

    def __init__(self, parts: Sequence[TaskObjective]) -> None:
        self.parts = tuple(parts)
        self.steps_per_epoch = max(part.steps_per_epoch for part in self.parts)

    def loss(self, model: Model, step: int) -> Tensor:
        """See `Objective`; smaller sets cycle."""
        return torch.stack([part.loss(model, step) for part in self.parts]).sum()


class PretrainingObjective:
    """Masked words on corrupted true pairs, and next-sentence prediction on clean pairs, in one forward pass.

    NSP on corrupted inputs stays unlearnt at this scale (docs/explanation/micro-world.md), hence the two halves.
    With `nsp=False` the whole batch is for MLM; the model then needs no head for next sentences, its second.
    """

    def __init__(self, data: EncodedTask, recipe: Recipe, model: Model, seed: int, nsp: bool) -> None:
        train = data.splits["train"]
        assert train.labels is not None
        self.train = Resident(train, model.config, model.device)
        self.recipe, self.meta, self.seed = recipe, data.meta, seed
        self.positive = train.labels.nonzero().squeeze(1)
        half = recipe.batch_size // 2
        self.nsp_order = EpochOrder(len(train), half, derive_seed(seed, "nsp")) if nsp else None
        size = half if nsp else recipe.batch_size
        self.mlm_order = EpochOrder(len(self.positive), size, derive_seed(seed, "mlm"))
        self.steps_per_epoch = self.mlm_order.steps_per_epoch

    def loss(self, model: Model, step: int) -> Tensor:
        """See `Objective`."""
        mlm, *rest = model.heads
        rows = self.positive[self.mlm_order(step)]
        clean = self.nsp_order(step) if self.nsp_order is not None else rows[:0]
        both = torch.cat([rows, clean])
        width = int(self.train.host_lengths[both].max())
        ids, labels = masked_rows(
            self.train, rows, self.meta, self.recipe, derive_seed(self.seed, "mask", step)
        )
        grid = self.train.ids[both, :width].long()
        grid[: len(rows), : ids.shape[1]] = ids
        chosen = torch.zeros_like(grid, dtype=torch.bool)
        chosen[: len(rows), : ids.shape[1]] = labels != -100
        batch = self.train.batch(both, grid)
        masked = grid_tokens(batch, chosen)
        states = model.encoder(batch, torch.cat([masked, batch.starts[len(rows) :]]), train=True)
        words = model.head_outputs(mlm, states[: len(masked)], batch, train=True)
        total = loss("mlm", words, labels[labels != -100])
        if self.nsp_order is None:
            return total
        assert self.train.labels is not None
        outputs = model.head_outputs(rest[0], states[len(masked) :], batch, train=True)
        return total + loss("nsp", outputs, self.train.labels[clean.to(model.device)])
