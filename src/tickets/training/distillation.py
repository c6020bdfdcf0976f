"""Distillation of hidden states: a student is to compute in every layer what its teacher does (spec tamt 1.10)."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from tickets.data.encoded import EncodedTask
from tickets.data.masking import IGNORE
from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.models.encoder import Batch, grid_tokens, pack_padded
from tickets.models.heads import Head, loss
from tickets.models.model import Model
from tickets.training.objective import masked_rows
from tickets.training.order import order_for
from tickets.training.recipe import Recipe
from tickets.training.resident import Resident
from tickets.training.seeds import derive_seed

Distance = Literal["cosine", "mse"]
Pads = Literal["include", "exclude"]


def token_distances(student: Sequence[Tensor], teacher: Sequence[Tensor], kind: Distance) -> Tensor:
    """Distance of two models at every token, mean over layers [tokens].

    student, teacher  states [tokens, hidden] of the embeddings and of every layer; the embeddings' do not count
    kind              cosine: 1 - cos; mse: mean squared difference over the hidden units
    """
    pairs = zip(student[1:], teacher[1:], strict=True)
    if kind == "cosine":
        layers = [1 - F.cosine_similarity(s.float(), t.float(), dim=-1) for s, t in pairs]
    else:
        layers = [(s.float() - t.float()).square().mean(-1) for s, t in pairs]
    return torch.stack(layers).mean(0)


def hidden_loss(student: Sequence[Tensor], teacher: Sequence[Tensor], kind: Distance = "cosine") -> Tensor:
    """Equation 6: mean over layers and tokens of the distance of hidden states (oracle tamt O12).

    Arguments as in `token_distances`. Whether padding counts is decided by what the batch holds.
    """
    return token_distances(student, teacher, kind).mean()


def padded_batch(
    resident: Resident, rows: Tensor, width: int, pad_id: int, ids: Tensor | None = None
) -> Batch:
    """The rows padded to `width` tokens, padding computed with; `ids` [rows, any] replace their token ids."""
    there = rows.to(resident.ids.device)
    ids = resident.ids[there] if ids is None else ids
    grids = ((ids, pad_id), (resident.segments[there], 0))
    wide = [F.pad(grid[:, :width], (0, max(0, width - grid.shape[1])), value=fill) for grid, fill in grids]
    return pack_padded(wide[0], wide[1], resident.lengths[there], width, resident.offset)


def fixed_width(resident: Resident, config: EncoderConfig, max_length: int) -> int:
    """`max_length`, to which all inputs are padded. Raises `TicketsError` if one is longer, or the model too short."""
    if max_length > config.max_length:
        raise TicketsError(
            f"inputs are to be padded to {max_length} tokens, the model takes {config.max_length}; lower max_length "
            "in the recipe."
        )
    longest = int(resident.host_lengths.max())
    if longest > max_length:
        raise TicketsError(
            f"an input has {longest} tokens, but inputs are to be padded to {max_length}; raise max_length in the "
            "recipe, or encode the data with the shorter one."
        )
    return max_length


class DistillationObjective:
    """The cosine loss towards a teacher, alone or with masked words at equal weight.

    teacher          the dense model; nothing of it is trained
    pads             include: inputs are padded to `recipe.max_length`, as the reference does whatever the longest
                     input is, and padding counts in the mean (A7). exclude: real tokens only
    teacher_dropout  the teacher in train mode, with dropout of its own (A8)
    words            an MLM head of the student: words are then masked afresh at every visit, the teacher sees
                     the masked input too, and both losses come from one pass of the student (A23). Without it the
                     inputs are taken as they are; corruption, if any, is in the data
    resident         training examples that are on the device already (else the train split is put there)

    Raises `TicketsError` where inputs cannot be padded to `recipe.max_length`, `ValueError` for a teacher of another
    configuration.
    """

    def __init__(
        self,
        data: EncodedTask,
        recipe: Recipe,
        model: Model,
        teacher: Model,
        seed: int,
        *,
        pads: Pads,
        teacher_dropout: bool,
        words: Head | None = None,
        resident: Resident | None = None,
    ) -> None:
        if teacher.config != model.config:
            raise ValueError("teacher and student are of different configurations")
        self.train = resident or Resident(data.splits["train"], model.config, model.device)
        self.teacher, self.teacher_dropout = teacher, teacher_dropout
        self.recipe, self.meta, self.seed, self.words = recipe, data.meta, seed, words
        self.width = fixed_width(self.train, model.config, recipe.max_length) if pads == "include" else None
        self.order = order_for(recipe, len(self.train), seed)
        self.steps_per_epoch = self.order.steps_per_epoch

    def loss(self, model: Model, step: int) -> Tensor:
        """See `Objective`."""
        rows = self.order(step)
        if self.words is None:
            return self._distance(model, self._batch(rows, model))[0]
        ids, labels = masked_rows(
            self.train, rows, self.meta, self.recipe, derive_seed(self.seed, "mask", step)
        )
        batch = self._batch(rows, model, ids)
        distance, last = self._distance(model, batch)
        chosen = F.pad(labels, (0, batch.width - labels.shape[1]), value=IGNORE) != IGNORE
        outputs = model.head_outputs(self.words, last[grid_tokens(batch, chosen)], batch, train=True)
        return loss("mlm", outputs, labels[labels != IGNORE]) + distance

    def _batch(self, rows: Tensor, model: Model, ids: Tensor | None = None) -> Batch:
        if self.width is None:
            return self.train.batch(rows, ids)
        return padded_batch(self.train, rows, self.width, model.config.pad_id, ids)

    def _distance(self, model: Model, batch: Batch) -> tuple[Tensor, Tensor]:
        """The loss, and the student's final states."""
        # The student goes first, so that its dropout is the same whatever the teacher's is.
        states = model.encoder.hidden_states(batch, train=True)
        with torch.no_grad():
            targets = self.teacher.encoder.hidden_states(batch, train=self.teacher_dropout)
        return hidden_loss(states, targets), states[-1]
