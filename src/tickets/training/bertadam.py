"""BertAdam: Adam without bias correction over one flat parameter vector."""

import math

import torch

from tickets.training.adamw import AdamW


class BertAdam(AdamW):
    """Adam as Google's BERT has it, which distilled masks are trained with (spec tamt section 1.12, O13):

    m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  p <- p - lr (m / (sqrt(v) + eps) + decay p).

    That is AdamW after so many steps that its bias corrections 1 - b^k have become 1; its fused kernel is told so.
    """

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Update the parameters from their gradients."""
        self.steps += 1
        self._counter.fill_(math.inf)
        self._fused(lr)
