"""Mask training (spec tamt section 1) as its formulas say it, on transformers' models: what ours is compared with.

Every masked matrix is re-parametrised in every forward pass, the word table as a whole, the MLM head computes the
logits of all positions, and torch's own AdamW and `clip_grad_norm_` do the update. Nothing here is fast, and nothing
of `tickets` is used. tests/unit/models/test_plain_mask_training.py holds the two together.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

POOLER = "pooler.dense"
WORDS = "embeddings.word_embeddings"


class Binarise(torch.autograd.Function):
    """1 where a score is above the threshold; backward passes the gradient on as it is."""

    @staticmethod
    def forward(ctx, scores: Tensor, threshold: Tensor) -> Tensor:
        return (scores > threshold).to(scores.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


class Masked(nn.Module):
    """A linear layer or an embedding table whose weight is frozen and multiplied by its binarised scores."""

    def __init__(self, module: nn.Module, kept: Tensor, phi: float, alpha: float) -> None:
        super().__init__()
        self.frozen = module.weight.detach()
        self.bias = getattr(module, "bias", None)
        self.padding_idx = getattr(module, "padding_idx", None)
        self.is_table = isinstance(module, nn.Embedding)
        self.scores = nn.Parameter(kept.to(self.frozen.device).float() * (alpha * phi))
        self.threshold = torch.tensor(phi, device=self.frozen.device)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.frozen * Binarise.apply(self.scores, self.threshold)
        if self.is_table:
            return F.embedding(x, weight, self.padding_idx)
        return F.linear(x, weight, self.bias)


class PlainMaskTraining:
    """Masks on a BertForMaskedLM or RobertaForMaskedLM, trained on MLM or on any loss of its outputs.

    model  transformers' model; it is changed in place
    kept   name of a module without the model's prefix (encoder.layer.0.attention.self.query, ...) -> bool tensor
    zeros  module name -> how many scores each new threshold removes
    """

    def __init__(
        self,
        model: nn.Module,
        kept: Mapping[str, Tensor],
        zeros: Mapping[str, int],
        *,
        phi: float = 0.01,
        alpha: float = 2.0,
        lr: float = 5e-5,
        eps: float = 1e-8,
        clip: float = 1.0,
        every: int = 1000,
    ) -> None:
        self.model, self.zeros, self.clip, self.every, self.steps = model, dict(zeros), clip, every, 0
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        body = model.base_model
        self.masked: dict[str, Masked] = {}
        for name, mask in kept.items():
            parent, _, child = name.rpartition(".")
            owner = body.get_submodule(parent)
            self.masked[name] = Masked(getattr(owner, child), mask, phi, alpha)
            setattr(owner, child, self.masked[name])
        self.head = [p for n, p in model.named_parameters() if self._of_head(n)]
        for parameter in self.head:
            parameter.requires_grad_(True)
        self.trained = [*(m.scores for m in self.masked.values()), *self.head]
        fused = self.trained[0].is_cuda
        self.optimizer = torch.optim.AdamW(
            self.trained, lr=lr, betas=(0.9, 0.999), eps=eps, weight_decay=0.0, fused=fused
        )

    def _of_head(self, name: str) -> bool:
        return not name.startswith(self.model.base_model_prefix + ".") and not name.endswith("decoder.weight")

    def mlm_loss(self, inputs: Mapping[str, Tensor], labels: Tensor) -> Tensor:
        """Mean cross-entropy over the labels [rows, width] that are not -100."""
        logits = self.model(**inputs).logits
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)

    def step(self, loss: Tensor, lr: float) -> None:
        """Backward, clipping, AdamW, and new thresholds where they are due."""
        self.optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(self.trained, self.clip)
        self.optimizer.param_groups[0]["lr"] = lr
        self.optimizer.step()
        self.steps += 1
        if self.steps % self.every == 0:
            for name, masked in self.masked.items():
                masked.threshold = self._fresh(name)

    def _fresh(self, name: str) -> Tensor:
        return self.masked[name].scores.detach().flatten().sort().values[self.zeros[name] - 1]

    def masks(self) -> dict[str, Tensor]:
        """Scores above a fresh threshold, by module name."""
        return {name: masked.scores.detach() > self._fresh(name) for name, masked in self.masked.items()}
