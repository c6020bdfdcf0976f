"""Training a mask instead of weights: real-valued scores, with a threshold for each matrix (spec tamt section 1).

What makes it fast is that nothing is re-parametrised: the masked weights are written into the model's flat vector
once a step, gradients come back with one product, and of the word table only the rows of the batch are touched
(benchmarks/plain_mask_training.py is the same training as the formulas say it; tests compare the two).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import gcd
from typing import Literal

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.models.layout import Shape
from tickets.models.lookup import ScoredRows
from tickets.models.model import Model
from tickets.models.parameters import Parameters
from tickets.pruning.local import kth_smallest, smallest, zeros_of
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER, WORDS


@dataclass(frozen=True)
class MaskPolicy:
    """How scores begin and when thresholds move (spec tamt sections 1.5, 1.8; the defaults are those of TAMT-MLM).

    phi, alpha  first threshold, and the scores of kept weights in units of it; the others start at 0
    ties        of a mask that is saved. strict: score > k-th smallest; exact: all but the first k in order (O5)
    every       a threshold update is due after step t where (t + shift) % every == 0,
    at_first    after step 1 as well,
    at_epoch_end  and after the last step of each epoch
    """

    phi: float = 0.01
    alpha: float = 2.0
    ties: Literal["strict", "exact"] = "strict"
    every: int = 1000
    at_first: bool = False
    shift: int = 0
    at_epoch_end: bool = False

    def due(self, step: int, steps_per_epoch: int | None = None) -> bool:
        """Whether thresholds are computed anew after the update of `step`, counted from 1."""
        if self.at_epoch_end and steps_per_epoch is None:
            raise ValueError("a policy with 'at_epoch_end' needs the steps of an epoch")
        ends = self.at_epoch_end and steps_per_epoch is not None and step % steps_per_epoch == 0
        return (step + self.shift) % self.every == 0 or (self.at_first and step == 1) or ends


class MaskTraining:
    """Scores over a model's matrices, and the model that runs with weights * (scores > thresholds).

    A `Way` for `train(..., through=...)`. The model's weights must be the dense ones; they stay as they are but for the
    matrices, which hold the masked weights from the first step until `close`. The scores are of every matrix in `start`
    except the pooler, which no loss of pre-training reaches: it keeps its mask from `start` (spec tamt section 1.3). An
    MLM head of the model is trained along, in a copy; all else is frozen. `store` holds the scores and the head's copy.

    start            the first mask, by magnitude or random, over what `Model.apply_mask` takes
    sparsity         removed from each matrix by each new threshold
    steps_per_epoch  for policies with `at_epoch_end`
    log_due          steps, counted from 1, of which `grad_rms` is wanted
    """

    def __init__(
        self,
        model: Model,
        start: Mask,
        policy: MaskPolicy,
        sparsity: float,
        *,
        steps_per_epoch: int | None = None,
        log_due: Callable[[int], bool] | None = None,
    ) -> None:
        self.model, self.policy, self.sparsity = model, policy, sparsity
        self.steps_per_epoch, self.log_due = steps_per_epoch, log_due
        self.start, shapes = start, _scored(model, start)
        self.names = tuple(shapes)
        self.store, self._prefix, self._head = _store(model, shapes)
        self.thresholds = torch.full((len(self.names),), policy.phi, device=model.device)
        self.grad_rms: float | None = None
        """Root mean square of the scores' gradient before clipping, at the latest step where `log_due` held."""
        self._counts = {name: zeros_of(self.store.view(name).numel(), sparsity) for name in self.names}
        flat = model.parameters.flat.data
        self._weights = flat[: self._prefix].clone()
        self._head_before = flat[self._head].clone()
        sizes = [self.store.view(name).numel() for name in self.names if name != WORDS]
        self._blocks = _Blocks(sizes, model.device)
        self._init_scores()
        self._attach()

    def _init_scores(self) -> None:
        policy = self.policy
        for name in self.names:
            kept = self.start[name].to(self.model.device)
            self.store.view(name).copy_(kept * torch.tensor(policy.alpha * policy.phi, device=kept.device))
        self.store.flat.data[self._scores_total :].copy_(self._head_before)

    def _attach(self) -> None:
        """Freeze what is not trained and have words looked up by score."""
        parameters = self.model.parameters
        matrices = {name for name in self.names if name != WORDS}
        parameters.train_only(matrices | set(self.store.spans) - set(self.names))
        parameters.grad.zero_()
        if WORDS in self.names:
            table, scores = parameters.leaf(WORDS), self.store.leaf(WORDS)
            pad = self.model.config.pad_id
            self.model.encoder.lookup = ScoredRows(table.data, scores, self.thresholds[-1], pad)

    def close(self) -> None:
        """Give the model back as it was: dense weights, its own head, everything trainable."""
        flat = self.model.parameters.flat.data
        flat[: self._prefix].copy_(self._weights)
        flat[self._head].copy_(self._head_before)
        self.model.parameters.train_only(None)
        self.model.encoder.lookup = None

    @property
    def _scores_total(self) -> int:
        return self.store.spans[self.names[-1]].stop

    def write(self) -> None:
        """Set the model's matrices to weights * (scores > thresholds) and its head to the trained one."""
        flat, scores = self.model.parameters.flat.data, self.store.flat.data
        blocks, thresholds = self._blocks, self._blocks.spread(self.thresholds)
        prefix = flat[: self._prefix]
        # As floats, and in place: on a CPU a bool mask makes this seven times as slow.
        torch.gt(blocks.view(scores[: self._prefix]), thresholds, out=blocks.view(prefix))
        prefix.mul_(self._weights)
        flat[self._head].copy_(scores[self._scores_total :])

    def collect(self, step: int) -> None:
        """Gradient of the scores: weights * gradient of the masked weights, pruned ones included (spec tamt 1.7)."""
        grad, into = self.model.parameters.grad, self.store.grad
        torch.mul(self._weights, grad[: self._prefix], out=into[: self._prefix])
        into[self._scores_total :].copy_(grad[self._head])
        grad[: self._prefix].zero_()
        grad[self._head].zero_()
        if self.log_due is not None and self.log_due(step):
            scores = into[: self._scores_total]
            self.grad_rms = float(torch.linalg.vector_norm(scores)) / len(scores) ** 0.5

    def updated(self, step: int) -> None:
        """New thresholds, where the policy has them due after this step."""
        if self.policy.due(step, self.steps_per_epoch):
            self.thresholds.copy_(self._fresh())

    def _fresh(self) -> Tensor:
        return torch.stack([kth_smallest(self.store.view(name), self._counts[name]) for name in self.names])

    def mask(self) -> Mask:
        """The mask at this moment, by thresholds of its own: saving one never changes the run (spec tamt O20)."""
        kept: dict[str, Tensor] = {}
        for name in self.start:
            if name not in self.names:
                kept[name] = self.start[name]
                continue
            scores, k = self.store.view(name), self._counts[name]
            exact = self.policy.ties == "exact"
            kept[name] = ~smallest(scores, k) if exact else scores > kth_smallest(scores, k)
        return Mask(kept)

    def realised(self) -> float:
        """Fraction of the scored weights that the thresholds of the training now remove."""
        pairs = zip(self.names, self.thresholds, strict=True)
        removed = torch.stack([(self.store.view(name) <= threshold).sum() for name, threshold in pairs])
        return int(removed.sum()) / self._scores_total

    def state(self) -> dict[str, Tensor]:
        """Scores with the head's copy, and thresholds."""
        return {"scores": self.store.flat, "thresholds": self.thresholds}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a checkpoint's state."""
        self.store.flat.data.copy_(state["scores"])
        self.thresholds.copy_(state["thresholds"])


class _Blocks:
    """Matrices end to end, cut into blocks of their greatest common size, so that one operation serves them all."""

    def __init__(self, sizes: list[int], device: torch.device) -> None:
        self.size = gcd(*sizes)
        matrices = [m for m, size in enumerate(sizes) for _ in range(size // self.size)]
        self._matrix = torch.tensor(matrices, device=device)

    def view(self, flat: Tensor) -> Tensor:
        """As [blocks, size]."""
        return flat.view(-1, self.size)

    def spread(self, values: Tensor) -> Tensor:
        """One value a matrix -> one a block [blocks, 1]."""
        return values[self._matrix][:, None]


def _scored(model: Model, start: Mask) -> dict[str, Shape]:
    """The matrices that get scores, in flat order. Raises `TicketsError` for a mask or a model that does not fit."""
    if model.parameters.flat.dtype != torch.float32:
        raise TicketsError(
            f"mask training: the model is {model.parameters.flat.dtype}; steps of 5e-5 would be lost on its scores. "
            "Use a float32 model."
        )
    shapes = model.maskable(start)
    start.check_covers(shapes)
    return {name: shape for name, shape in shapes.items() if name != POOLER}


def _store(model: Model, shapes: dict[str, Shape]) -> tuple[Parameters, int, slice]:
    """Scores, then the MLM heads; the length of the model's scored prefix; where its heads lie."""
    spans = model.parameters.spans
    prefix = sum(span.stop - span.start for name, span in spans.items() if name in shapes and name != WORDS)
    head = [n for h in model.heads if h.kind == "mlm" for n in h.shapes(model.config)]
    places = slice(spans[head[0]].start, spans[head[-1]].stop) if head else slice(0, 0)
    store = Parameters(shapes | {n: spans[n].shape for n in head}, len(shapes), model.device)
    return store, prefix, places
