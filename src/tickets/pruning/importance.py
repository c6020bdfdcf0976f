"""How much the loss depends on each head and each FFN: gradients of gates at 1, in one sweep over the training set.

A gate multiplies a head's context or an FFN's output (spec supertickets section 1.1), so its gradient at one token is
the product of that output with its own gradient, summed over the output's entries. One backward pass a mini-batch with
one gate a token gives every reading of the score at once (section 1.2).
"""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.models.encoder import Batch, Gates, unpack
from tickets.models.heads import Head, loss
from tickets.models.model import Model
from tickets.pruning.scores import VARIANTS, Importance, Scores, Variant
from tickets.training.resident import Resident

__all__ = ["VARIANTS", "Importance", "Scores", "Variant", "accumulate", "contributions", "importance"]


def importance(
    model: Model,
    head: Head,
    resident: Resident,
    batch_size: int,
    after_batch: Callable[[int], None] | None = None,
) -> Importance:
    """Scores of every head and FFN of a full model, all variants, over `resident` in file order and without dropout.

    `batch_size` rows a mini-batch: `batch` and `triangular` depend on it, the others do not. The model is not
    changed and no parameter gets a gradient. `after_batch` is told how many batches are done. Raises `TicketsError`
    for data without labels, for MLM heads, and for scores that are not finite.
    """
    if resident.labels is None or head.kind == "mlm":
        raise TicketsError(
            f"importance: a {head.kind} head on data {'without' if resident.labels is None else 'with'} labels "
            "has no score. Use a task of sentences or spans."
        )
    if batch_size < 1:
        raise TicketsError(f"importance: batch_size is {batch_size}; it must be 1 or more.")
    found = accumulate(_sweep(model, head, resident, batch_size, after_batch))
    return Importance({name: Scores(values[:, :-1], values[:, -1]) for name, values in found.items()})


def contributions(model: Model, head: Head, resident: Resident, rows: Tensor) -> Tensor:
    """d loss / d gate at every token: [len(rows), width, layers, heads + 1], the FFN last, 0 on padding.

    `loss` is the mean over the rows (host int64). In the last layer only tokens that the head reads have any.
    """
    assert resident.labels is not None
    batch = resident.batch(rows)
    labels = resident.labels[rows.to(model.device)]
    with torch.enable_grad():
        gates, leaves = _gates(model, head, batch)
        outputs = model.forward(batch, head, gates=gates)
        gradients = torch.autograd.grad(loss(head.kind, outputs, labels), leaves)
    layers = model.config.layers
    per_token = gradients[0].new_zeros(len(batch.ids), layers, model.config.heads + 1)
    for i in range(layers):
        both = torch.cat([gradients[i], gradients[layers + i]], 1)
        if len(both) == len(per_token):
            per_token[:, i] = both
        else:
            per_token[batch.starts, i] = both
    grid = unpack(per_token.flatten(1), batch, 0.0)
    return grid.view(*grid.shape[:2], *per_token.shape[1:])


def accumulate(batches: Iterable[Tensor]) -> dict[Variant, Tensor]:
    """Scores float64 [...] from the contributions [examples, tokens, ...] of mini-batches with mean losses.

    token       mean over examples of sum over tokens |c| (spec supertickets section 1.2, the recommended reading)
    example     mean over examples of |sum over tokens c|, the paper's formula
    batch       mean over batches of |sum over examples and tokens c|, the mini-batch gradient itself
    triangular  what a gradient buffer that is never zeroed gives: of T batches, the token sum of batch t = 1..T counts
                T - t + 1 times, divided by T (section 9, B1)
    Per-example values belong to an example's own loss, hence times the batch's examples, whose mean was taken.
    """
    totals: dict[Variant, Tensor] = {}
    unzeroed = torch.zeros(())
    examples, done = 0, 0
    for batch in batches:
        signed = batch.double()
        token = signed.abs().sum((0, 1))
        of_examples = signed.sum(1)
        if not totals:
            totals = {name: torch.zeros_like(token) for name in VARIANTS}
        unzeroed = unzeroed + token
        totals["token"] += token * len(batch)
        totals["example"] += of_examples.abs().sum(0) * len(batch)
        totals["batch"] += of_examples.sum(0).abs()
        totals["triangular"] += unzeroed
        examples, done = examples + len(batch), done + 1
    counts = {"token": examples, "example": examples, "batch": done, "triangular": done}
    return {name: total / counts[name] for name, total in totals.items()}


def _sweep(
    model: Model,
    head: Head,
    resident: Resident,
    batch_size: int,
    after_batch: Callable[[int], None] | None,
) -> Iterator[Tensor]:
    for done, first in enumerate(range(0, len(resident), batch_size), start=1):
        rows = torch.arange(first, min(first + batch_size, len(resident)))
        yield contributions(model, head, resident, rows)
        if after_batch is not None:
            after_batch(done)


def _gates(model: Model, head: Head, batch: Batch) -> tuple[Gates, list[Tensor]]:
    """Gates of 1 at every token that a layer computes, and all of them as one list, heads first."""
    config, like = model.config, model.parameters.flat
    sizes = [len(batch.ids)] * config.layers
    if head.reads == "first":
        sizes[-1] = batch.rows
    heads, ffns = (
        [torch.ones(n, width, device=like.device, dtype=like.dtype, requires_grad=True) for n in sizes]
        for width in (config.heads, 1)
    )
    return Gates(heads, ffns), [*heads, *ffns]
