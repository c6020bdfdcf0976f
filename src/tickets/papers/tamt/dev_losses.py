"""What pre-training thinks of a mask: losses of the masked θ0 on held-out text (spec tamt section 5.4)."""

from typing import Any

import torch

from tickets.data.encoded import EncodedTask
from tickets.models.heads import Head
from tickets.models.hf import Checkpoint
from tickets.models.model import Model
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER
from tickets.training.distillation_losses import distillation_losses
from tickets.training.evaluate import predict_words
from tickets.training.recipe import Recipe
from tickets.training.resident import Resident
from tickets.training.seeds import derive_seed

MASKED_WORDS = derive_seed("tamt-dev-words")
"""Which words are hidden: the same for every mask of every preset."""


class DevLosses:
    """Judges masks of one θ0: masked words by its own MLM head, hidden states by the full model's."""

    def __init__(
        self,
        start: Checkpoint,
        words: EncodedTask,
        pairs: EncodedTask,
        recipe: Recipe,
        width: int,
        device: torch.device,
    ) -> None:
        self.start, self.words, self.recipe, self.head = start, words, recipe, Head("mlm")
        self.width = width
        self.student = Model(start.config, (self.head,), device)
        self.teacher = Model(start.config, (), device)
        self.teacher.load_body(start.body)
        self.student.load_heads({name: start.heads[name] for name in self.student.head_names})
        self.blocks = Resident(words.splits["dev"], start.config, device)
        self.pairs = Resident(pairs.splits["dev"], start.config, device)

    def of(self, mask: Mask | None) -> dict[str, Any]:
        """mlm_loss (nats), mlm_accuracy (percent), the distillation losses, and the share that is removed.

        removed leaves the pooler out, which no loss here reaches; removed_with_pooler counts it.
        """
        self.student.load_body(self.start.body)
        if mask is not None:
            self.student.apply_mask(mask)
        words = predict_words(
            self.student, self.head, self.blocks, self.words, self.recipe, MASKED_WORDS
        ).scores()
        states = distillation_losses(self.student, self.teacher, self.pairs, self.width)
        return {
            "mlm_loss": words["loss"],
            "mlm_accuracy": words["accuracy"],
            "kd_loss": states["kd"],
            "kd_loss_unpadded": states["kd_unpadded"],
            "kd_mse": states["kd_mse"],
            "removed": 0.0 if mask is None else _removed(mask),
            "removed_with_pooler": 0.0 if mask is None else mask.sparsity,
        }


def _removed(mask: Mask) -> float:
    """Sparsity over the set without the pooler."""
    return (
        mask.sparsity if POOLER not in mask else Mask({n: t for n, t in mask.items() if n != POOLER}).sparsity
    )
