"""Lookups of word embeddings under a mask, where the table itself must stay whole because an MLM head decodes with it.

An encoder that has no lookup of its own reads the rows of its table as they are.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Lookup = Callable[[Tensor], Tensor]
"""Embeddings [tokens, hidden] of the token ids int64 [tokens]."""
Keeps = Callable[[Tensor, Tensor], Tensor]
"""Which scores a threshold keeps, bool."""


class KeptRows:
    """Rows of `table` [vocabulary, hidden] times a fixed mask; what is masked gets no gradient from a lookup."""

    def __init__(self, table: Tensor, kept: Tensor) -> None:
        self.table, self.kept = table, kept.to(table.device)

    def __call__(self, ids: Tensor) -> Tensor:
        """See `Lookup`."""
        return F.embedding(ids, self.table) * self.kept[ids].to(self.table.dtype)


class ScoredRows:
    """Rows of a frozen `table` times keeps(scores, threshold), both [vocabulary, hidden]; `threshold` is 0-d.

    Backward adds row * dL/drow straight into `scores.grad`, pruned entries included, and nothing for the padding id
    (spec tamt section 1.7, O8). Only the rows of the batch are ever touched.
    """

    def __init__(
        self, table: Tensor, scores: Tensor, threshold: Tensor, pad_id: int, keeps: Keeps = torch.gt
    ) -> None:
        self.table, self.scores, self.threshold, self.pad_id = table, scores, threshold, pad_id
        self.keeps = keeps

    def __call__(self, ids: Tensor) -> Tensor:
        """See `Lookup`."""
        rows: Tensor = _ScoredRows.apply(  # type: ignore[no-untyped-call]
            self.scores, self.table, ids, self.threshold, self.pad_id, self.keeps
        )
        return rows


class _ScoredRows(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, scores: Tensor, table: Tensor, ids: Tensor, threshold: Tensor, pad_id: int, keeps: Keeps
    ) -> Tensor:
        rows = table[ids]
        ctx.save_for_backward(rows, ids)
        ctx.into, ctx.pad_id = scores.grad, pad_id
        return keeps(scores[ids], threshold).to(rows.dtype).mul_(rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, ...]:
        rows, ids = ctx.saved_tensors
        by_row = rows.mul(gradients[0]).masked_fill_((ids == ctx.pad_id)[:, None], 0.0)
        if by_row.is_cuda:
            # Unlike index_add_, this sorts and so gives the same bits every time.
            ctx.into.index_put_((ids,), by_row, accumulate=True)
        else:
            ctx.into.index_add_(0, ids, by_row)
        return None, None, None, None, None, None
