"""Structured tickets of the micro-world study: a model with switches, and which to turn off."""

import torch
from torch import Tensor

from tickets.data.encoded import Split
from tickets.models.encoder import Batch, Gates
from tickets.models.heads import Head, loss
from tickets.models.model import Model
from tickets.training.resident import Resident

EXAMPLES, BATCH = 800, 8


class GatedModel(Model):
    """A model whose heads and FFNs can be switched off, in training and evaluation alike."""

    gates: Gates | None = None

    def forward(
        self,
        batch: Batch,
        head: Head,
        *,
        read: Tensor | None = None,
        train: bool = False,
        gates: Gates | None = None,
    ) -> Tensor:
        """As in `Model`; the own gates hold unless others are given."""
        return super().forward(batch, head, read=read, train=train, gates=gates or self.gates)


def importance(model: Model, train: Split) -> tuple[Tensor, Tensor]:
    """E |dL/dgate| over batches of the first training examples, at the model as it stands.

    Heads [layers, heads] with unit norm in each layer, FFNs [layers] (Liang et al. 2021, section 3).
    """
    config, head = model.config, model.heads[0]
    resident = Resident(train.head(EXAMPLES), config)
    assert resident.labels is not None
    gates = Gates(
        torch.ones(config.layers, config.heads, requires_grad=True),
        torch.ones(config.layers, requires_grad=True),
    )
    heads, ffns = torch.zeros_like(gates.heads), torch.zeros_like(gates.ffns)
    for start in range(0, len(resident), BATCH):
        rows = torch.arange(start, min(start + BATCH, len(resident)))
        outputs = model.forward(resident.batch(rows), head, gates=gates)
        batch_loss = loss(head.kind, outputs, resident.labels[rows])
        of_heads, of_ffns = torch.autograd.grad(batch_loss, (gates.heads, gates.ffns))
        heads += of_heads.abs()
        ffns += of_ffns.abs()
    return heads / heads.norm(dim=1, keepdim=True), ffns


def switch_off(scores: Tensor, count: int, variant: str, generator: torch.Generator, protect: bool) -> Tensor:
    """Gates [layers, k] with `count` zeros: at the lowest scores (winning), the highest (losing) or at random.

    protect: the last that a layer would lose stays (not for random tickets).
    """
    if variant == "random":
        ranks = torch.rand(scores.shape, generator=generator)
    else:
        ranks = scores.clone() if variant == "winning" else -scores
        if protect:
            ranks.scatter_(1, ranks.argmax(1, keepdim=True), float("inf"))
    gates = torch.ones(scores.numel())
    gates[ranks.flatten().argsort(stable=True)[:count]] = 0.0
    return gates.view(scores.shape)
