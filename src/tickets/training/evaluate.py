"""Predictions of a model on a split, in large length-sorted batches without padding waste."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tickets.data.encoded import EncodedTask
from tickets.models.encoder import Gates, grid_tokens
from tickets.models.heads import Head
from tickets.models.model import Model
from tickets.training.objective import masked_rows
from tickets.training.recipe import Recipe
from tickets.training.resident import Resident

EVAL_TOKENS = 16_384


@dataclass(frozen=True)
class MaskedWords:
    """MLM evaluation: exact micro-averages over the predicted positions (spec lth section 3.1)."""

    correct: int
    total: int
    loss_sum: float

    def scores(self) -> dict[str, float]:
        """Top-1 accuracy in percent and mean cross-entropy in nats."""
        return {"accuracy": 100.0 * self.correct / self.total, "loss": self.loss_sum / self.total}


def batches(resident: Resident) -> Iterator[Tensor]:
    """Row numbers in batches of at most EVAL_TOKENS padded tokens, shortest rows first."""
    order = torch.argsort(resident.host_lengths, stable=True)
    begin = 0
    while begin < len(order):
        stop = min(len(order), begin + 4096)
        while stop > begin + 1 and int(resident.host_lengths[order[stop - 1]]) * (stop - begin) > EVAL_TOKENS:
            stop = begin + max(1, (stop - begin) // 2)
        yield order[begin:stop]
        begin = stop


@torch.inference_mode()
def predict(model: Model, head: Head, resident: Resident, gates: Gates | None = None) -> Tensor:
    """Outputs of a head on every row, in row order, on the host; under `gates` those of a ticket.

    Sentences: [n, k]. Spans: start and end logits [n, longest, 2], -inf on padding.
    """
    longest = int(resident.host_lengths.max())
    shape = (len(resident), longest, 2) if head.kind == "span" else (len(resident), head.outputs)
    outputs = torch.full(shape, float("-inf"))
    for rows in batches(resident):
        values = model.forward(resident.batch(rows), head, gates=gates).cpu()
        if head.kind == "span":
            outputs[rows, : values.shape[1]] = values
        else:
            outputs[rows] = values
    return outputs


@torch.inference_mode()
def predict_words(
    model: Model, head: Head, resident: Resident, data: EncodedTask, recipe: Recipe, seed: int
) -> MaskedWords:
    """MLM accuracy and loss under a masking fixed by `seed`, so that every run is judged on the same words."""
    correct, total, loss_sum = 0, 0, 0.0
    for rows in batches(resident):
        ids, labels = masked_rows(resident, rows, data.meta, recipe, seed)
        batch = resident.batch(rows, ids)
        chosen = labels != -100
        if not bool(chosen.any()):
            continue
        logits = model.forward(batch, head, read=grid_tokens(batch, chosen))
        targets = labels[chosen]
        correct += int((logits.argmax(-1) == targets).sum())
        total += len(targets)
        loss_sum += float(torch.nn.functional.cross_entropy(logits, targets, reduction="sum"))
    return MaskedWords(correct, total, loss_sum)
