"""How scores become masks: when thresholds move, and which scores they keep (spec tamt sections 1.5 to 1.9, 9)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from tickets.pruning.local import kth_smallest, smallest


@dataclass(frozen=True)
class MaskPolicy:
    """What the config decides about scores; the defaults are those of TAMT-MLM in the release.

    phi, alpha  first threshold, and the scores of kept weights in units of it; the others start at 0
    ties        of a mask that is saved. strict: as the threshold has it, all alike; exact: all but the first k (O5)
    every       a threshold update is due after step t where (t + shift) % every == 0,
    at_first    after step 1 as well,
    at_epoch_end  and after the last step of each epoch
    binarise    kept is a score above its threshold (release), or one of at least that (paper) (A3)
    rank        what is compared and ranked: signed scores (release), or their absolute values (paper) (A4)
    decoder     of an MLM head. frozen: the dense word table (release); trained: a copy of it, with the head (A6)
    """

    phi: float = 0.01
    alpha: float = 2.0
    ties: Literal["strict", "exact"] = "strict"
    every: int = 1000
    at_first: bool = False
    shift: int = 0
    at_epoch_end: bool = False
    binarise: Literal["above", "at-least"] = "above"
    rank: Literal["signed", "absolute"] = "signed"
    decoder: Literal["frozen", "trained"] = "frozen"

    def due(self, step: int, steps_per_epoch: int | None = None) -> bool:
        """Whether thresholds are computed anew after the update of `step`, counted from 1."""
        if self.at_epoch_end and steps_per_epoch is None:
            raise ValueError("a policy with 'at_epoch_end' needs the steps of an epoch")
        ends = self.at_epoch_end and steps_per_epoch is not None and step % steps_per_epoch == 0
        return (step + self.shift) % self.every == 0 or (self.at_first and step == 1) or ends

    @property
    def _compare(self) -> Callable[..., Tensor]:
        return torch.ge if self.binarise == "at-least" else torch.gt

    def _ranked(self, scores: Tensor) -> Tensor:
        return scores.abs() if self.rank == "absolute" else scores

    def kept(self, scores: Tensor, threshold: Tensor) -> Tensor:
        """Which scores a threshold keeps: bool, of the shape of `scores`."""
        return self._compare(self._ranked(scores), threshold)

    def write_kept(self, scores: Tensor, threshold: Tensor, out: Tensor) -> None:
        """The same as 1 and 0 in `out`, of the shape and dtype of `scores`; no memory beside it is needed."""
        values = torch.abs(scores, out=out) if self.rank == "absolute" else scores
        self._compare(values, threshold, out=out)

    def threshold(self, scores: Tensor, k: int) -> Tensor:
        """The threshold (0-d) that removes the k lowest scores, k < n: all that tie with the last, or none (O5)."""
        first_kept = self.binarise == "at-least"
        return kth_smallest(self._ranked(scores), k + first_kept)

    def mask(self, scores: Tensor, k: int) -> Tensor:
        """Which scores are kept without the k lowest, ties as the policy has it."""
        if self.ties == "exact":
            return ~smallest(self._ranked(scores), k)
        return self.kept(scores, self.threshold(scores, k))
