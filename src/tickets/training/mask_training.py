"""Training a mask instead of weights: real-valued scores, with a threshold for each matrix (spec tamt section 1).

What makes it fast is that nothing is re-parametrised: the masked weights are written into the model's flat vector
once a step, gradients come back with one product, and of the word table only the rows of the batch are touched
(benchmarks/plain_mask_training.py is the same training as the formulas say it; tests compare the two).
"""

from collections.abc import Callable, Mapping
from math import gcd

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.models.layout import Shape
from tickets.models.lookup import ScoredRows
from tickets.models.model import Model
from tickets.models.parameters import Parameters
from tickets.pruning.local import zeros_of
from tickets.pruning.mask import Mask
from tickets.pruning.prunable import POOLER, WORDS
from tickets.training.mask_policy import MaskPolicy

DECODER = "decoder.weight"
"""Of a store: the copy of the word table that an MLM head decodes with, where that is trained."""


class MaskTraining:
    """Scores over a model's matrices, and the model that runs with weights * (scores > thresholds).

    A `Way` for `train(..., through=...)`. The model's weights must be the dense ones; they stay as they are but for the
    matrices, which hold the masked weights from the first step until `close`. The scores are of every matrix in `start`
    except the pooler, which no loss of pre-training reaches: it keeps its mask from `start` (spec tamt section 1.3). An
    MLM head of the model is trained along, in a copy, and so is its decoder if the policy wants it; lookups always read
    the frozen table. All else is frozen. `store` holds the scores and what is trained along.

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
        self.store, self._prefix, self._along = _store(model, shapes, policy)
        self.thresholds = torch.full((len(self.names),), policy.phi, device=model.device)
        self.grad_rms: float | None = None
        """Root mean square of the scores' gradient before clipping, at the latest step where `log_due` held."""
        self._counts = {name: zeros_of(self.store.view(name).numel(), sparsity) for name in self.names}
        flat = model.parameters.flat.data
        self._weights = flat[: self._prefix].clone()
        self._before = [flat[there].clone() for _, there in self._along]
        sizes = [self.store.view(name).numel() for name in self.names if name != WORDS]
        self._blocks = _Blocks(sizes, model.device)
        self._init_scores()
        self._attach()

    def _init_scores(self) -> None:
        policy = self.policy
        for name in self.names:
            kept = self.start[name].to(self.model.device)
            self.store.view(name).copy_(kept * torch.tensor(policy.alpha * policy.phi, device=kept.device))
        for (here, _), value in zip(self._along, self._before, strict=True):
            self.store.flat.data[here].copy_(value)

    def _attach(self) -> None:
        """Freeze what is not trained and have words looked up by score."""
        parameters = self.model.parameters
        matrices = {name for name in self.names if name != WORDS}
        decodes = {WORDS} if DECODER in self.store.spans else set()
        parameters.train_only(matrices | decodes | set(self.store.spans) - {*self.names, DECODER})
        parameters.grad.zero_()
        if WORDS in self.names:
            scores, pad, keeps = self.store.leaf(WORDS), self.model.config.pad_id, self.policy.kept
            table = self._before[0].view(scores.shape) if decodes else parameters.leaf(WORDS).data
            self.model.encoder.lookup = ScoredRows(table, scores, self.thresholds[-1], pad, keeps)

    def close(self) -> None:
        """Give the model back as it was: dense weights, its own head, everything trainable."""
        flat = self.model.parameters.flat.data
        flat[: self._prefix].copy_(self._weights)
        for (_, there), value in zip(self._along, self._before, strict=True):
            flat[there].copy_(value)
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
        self.policy.write_kept(blocks.view(scores[: self._prefix]), thresholds, blocks.view(prefix))
        prefix.mul_(self._weights)
        for here, there in self._along:
            flat[there].copy_(scores[here])

    def collect(self, step: int) -> None:
        """Gradient of the scores: weights * gradient of the masked weights, pruned ones included (spec tamt 1.7)."""
        grad, into = self.model.parameters.grad, self.store.grad
        torch.mul(self._weights, grad[: self._prefix], out=into[: self._prefix])
        grad[: self._prefix].zero_()
        for here, there in self._along:
            into[here].copy_(grad[there])
            grad[there].zero_()
        if self.log_due is not None and self.log_due(step):
            scores = into[: self._scores_total]
            self.grad_rms = float(torch.linalg.vector_norm(scores)) / len(scores) ** 0.5

    def updated(self, step: int) -> None:
        """New thresholds, where the policy has them due after this step."""
        if self.policy.due(step, self.steps_per_epoch):
            self.thresholds.copy_(self._fresh())

    def _fresh(self) -> Tensor:
        of, counts = self.policy.threshold, self._counts
        return torch.stack([of(self.store.view(name), counts[name]) for name in self.names])

    def mask(self) -> Mask:
        """The mask at this moment, by thresholds of its own: saving one never changes the run (spec tamt O20)."""
        kept: dict[str, Tensor] = {}
        for name in self.start:
            if name in self.names:
                kept[name] = self.policy.mask(self.store.view(name), self._counts[name])
            else:
                kept[name] = self.start[name]
        return Mask(kept)

    def realised(self) -> float:
        """Fraction of the scored weights that the thresholds of the training now remove."""
        pairs = zip(self.names, self.thresholds, strict=True)
        kept = torch.stack([self.policy.kept(self.store.view(name), value).sum() for name, value in pairs])
        return (self._scores_total - int(kept.sum())) / self._scores_total

    def state(self) -> dict[str, Tensor]:
        """Scores with what is trained along, and thresholds."""
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


def _store(
    model: Model, shapes: dict[str, Shape], policy: MaskPolicy
) -> tuple[Parameters, int, list[tuple[slice, slice]]]:
    """Scores, then what is trained along; the length of the model's scored prefix; and where in the store and in the
    model that lies which is trained along: the decoder if it is, the MLM heads if there are any.
    """
    spans = model.parameters.spans
    prefix = sum(span.stop - span.start for name, span in spans.items() if name in shapes and name != WORDS)
    head = [n for h in model.heads if h.kind == "mlm" for n in h.shapes(model.config)]
    decoder = [DECODER] if head and policy.decoder == "trained" else []
    if decoder and WORDS not in shapes:
        raise TicketsError(
            "mask training: a trained decoder needs scores of the word table, which the first mask leaves out. Use a "
            "mask over the word table, or the policy 'decoder: frozen'."
        )
    along = dict.fromkeys(decoder, spans[WORDS].shape) | {name: spans[name].shape for name in head}
    store = Parameters(shapes | along, len(shapes), model.device)
    groups = [names for names in (decoder, head) if names]
    return store, prefix, [(_stretch(store, names), _stretch(model.parameters, names)) for names in groups]


def _stretch(parameters: Parameters, names: list[str]) -> slice:
    """Where neighbours lie; a model's decoder is its word table."""
    spans = [parameters.spans[name if name in parameters.spans else WORDS] for name in names]
    return slice(spans[0].start, spans[-1].stop)
