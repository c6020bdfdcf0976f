"""Structured masks: which attention heads and feed-forward layers (FFNs) a ticket keeps."""

from dataclasses import dataclass

import torch
from torch import Tensor

from tickets.errors import TicketsError
from tickets.pruning.mask import Mask


@dataclass(frozen=True, eq=False)
class StructuredMask:
    """Kept heads and FFNs (spec supertickets section 1.1); True = kept.

    heads  bool [layers, heads]
    ffns   bool [layers]
    """

    heads: Tensor
    ffns: Tensor

    def __post_init__(self) -> None:
        wrong = self.heads.dtype != torch.bool or self.ffns.dtype != torch.bool
        if wrong or self.heads.ndim != 2 or self.ffns.shape != self.heads.shape[:1]:
            raise TicketsError(
                f"structured mask: heads {self.heads.dtype} {list(self.heads.shape)} and FFNs {self.ffns.dtype} "
                f"{list(self.ffns.shape)} do not fit; expected bool [layers, heads] and bool [layers]."
            )

    @classmethod
    def full(cls, layers: int, heads: int) -> "StructuredMask":
        """The mask that keeps everything."""
        return cls(torch.ones(layers, heads, dtype=torch.bool), torch.ones(layers, dtype=torch.bool))

    @classmethod
    def without(
        cls, layers: int, heads: int, removed_heads: Tensor, removed_ffns: Tensor
    ) -> "StructuredMask":
        """Everything but the heads of flat index layer * heads + head and the FFNs of these layers (int64)."""
        kept_heads = torch.ones(layers * heads, dtype=torch.bool)
        kept_ffns = torch.ones(layers, dtype=torch.bool)
        kept_heads[removed_heads] = False
        kept_ffns[removed_ffns] = False
        return cls(kept_heads.view(layers, heads), kept_ffns)

    @staticmethod
    def describes(mask: Mask) -> bool:
        """Whether a mask is over heads and FFNs, not over weights."""
        return set(mask) == {"heads", "ffns"}

    @classmethod
    def from_mask(cls, mask: Mask) -> "StructuredMask":
        """The inverse of `mask()`. Raises `TicketsError` for a mask over weights."""
        if not cls.describes(mask):
            raise TicketsError(
                f"mask: it covers {next(iter(mask))} and is no mask of heads and FFNs. "
                "Use one that a structured method made."
            )
        return cls(mask["heads"], mask["ffns"])

    def mask(self) -> Mask:
        """As a `Mask` over the tensors `heads` and `ffns`, to store, compare and hash."""
        return Mask({"heads": self.heads, "ffns": self.ffns})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StructuredMask):
            return NotImplemented
        return torch.equal(self.heads, other.heads) and torch.equal(self.ffns, other.ffns)

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: "StructuredMask") -> "StructuredMask":
        return StructuredMask(self.heads | other.heads, self.ffns | other.ffns)

    @property
    def removed_heads(self) -> int:
        """Heads removed, n_h."""
        return int((~self.heads).sum())

    @property
    def removed_ffns(self) -> int:
        """FFNs removed, n_f."""
        return int((~self.ffns).sum())

    @property
    def is_full(self) -> bool:
        """Whether nothing is removed."""
        return bool(self.heads.all()) and bool(self.ffns.all())
