"""Masks: which weights a ticket keeps.

`Mask` is the value that every pruning method returns and every training run takes; how it lies on disk is in
`mask_file`.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tickets.errors import TicketsError

Shapes = Mapping[str, Sequence[int]]


class Mask(Mapping[str, Tensor]):
    """An immutable set of kept weights: tensor name -> bool tensor, True = kept.

    The mapping's order is the order of `flat()` and of every tie-break. Tensors live on the CPU and belong to
    the mask: they are copied in, and each access hands out a fresh copy, so take it once and move it where it
    is used.
    Raises `TicketsError` on anything but a non-empty mapping of names to non-empty bool tensors.
    """

    __slots__ = ("_kept", "_tensors")

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        if not tensors:
            raise TicketsError(
                "mask: it covers no tensor. Give one bool tensor for each weight to be masked."
            )
        own: dict[str, Tensor] = {}
        for name, tensor in tensors.items():
            _check(name, tensor)
            own[name] = tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        self._tensors = own
        self._kept = {name: int(tensor.sum()) for name, tensor in own.items()}

    @classmethod
    def dense(cls, shapes: Shapes) -> "Mask":
        """The mask that keeps every weight of tensors with these shapes."""
        return cls({name: torch.ones(tuple(shape), dtype=torch.bool) for name, shape in shapes.items()})

    @classmethod
    def from_flat(cls, flat: Tensor, shapes: Shapes) -> "Mask":
        """Cut a bool vector [total] into tensors, in the order of `shapes`; the inverse of `flat()`."""
        sizes = [int(np.prod(tuple(shape), dtype=np.int64)) for shape in shapes.values()]
        if flat.shape != (sum(sizes),):
            raise TicketsError(
                f"mask: a vector of shape {list(flat.shape)} does not fill {len(sizes)} tensors of "
                f"{sum(sizes)} weights in all. Give one bool for each weight."
            )
        parts = torch.split(flat, sizes)
        return cls({n: part.view(tuple(s)) for (n, s), part in zip(shapes.items(), parts, strict=True)})

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name].clone()

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        return (
            f"Mask({len(self)} tensors, {self.kept:,} of {self.total:,} kept, sparsity {self.sparsity:.4f})"
        )

    @property
    def shapes(self) -> dict[str, torch.Size]:
        """Tensor name -> shape, in the mapping's order."""
        return {name: tensor.shape for name, tensor in self._tensors.items()}

    @property
    def total(self) -> int:
        """Weights covered, N."""
        return sum(tensor.numel() for tensor in self._tensors.values())

    @property
    def kept(self) -> int:
        """Weights kept."""
        return sum(self._kept.values())

    @property
    def sparsity(self) -> float:
        """Fraction removed over the whole set, in [0, 1]; counted in the mask, not in the weights (O8)."""
        return (self.total - self.kept) / self.total

    def kept_per_tensor(self) -> dict[str, int]:
        """Weights kept in each tensor."""
        return dict(self._kept)

    def flat(self) -> Tensor:
        """All tensors as one bool vector [total], in the mapping's order."""
        return torch.cat([tensor.reshape(-1) for tensor in self._tensors.values()])

    def __and__(self, other: "Mask") -> "Mask":
        return self._combine(other, torch.logical_and)

    def __or__(self, other: "Mask") -> "Mask":
        return self._combine(other, torch.logical_or)

    def __eq__(self, other: object) -> bool:
        """Same names, shapes and bits; the order of the names does not count."""
        if not isinstance(other, Mask):
            return NotImplemented
        if self._kept != other._kept:
            return False
        return all(torch.equal(tensor, other._tensors[name]) for name, tensor in self._tensors.items())

    __hash__ = None  # type: ignore[assignment]  # equality is a scan of every bit; `digest()` is the key to use

    def nested_in(self, other: "Mask") -> bool:
        """Whether `other` keeps every weight that this mask keeps."""
        self.check_covers(other.shapes)
        return not any(bool((t & ~other._tensors[name]).any()) for name, t in self._tensors.items())

    def check_covers(self, shapes: Shapes) -> None:
        """Raise `TicketsError` unless the mask covers exactly the tensors of `shapes`, shape by shape."""
        if odd := sorted(self._tensors.keys() ^ shapes.keys()):
            where = "the mask" if odd[0] in self else "the model"
            raise TicketsError(
                f"mask: {len(odd)} tensors differ; the first, {odd[0]}, is only in {where}. "
                "Masks fit only the architecture (layers, pooler) that they were made for."
            )
        for name, tensor in self._tensors.items():
            if tuple(tensor.shape) != tuple(shapes[name]):
                raise TicketsError(
                    f"mask: {name} has shape {list(tensor.shape)}, expected {list(shapes[name])}. "
                    "Use a mask that was made for this model."
                )

    def packed(self) -> dict[str, np.ndarray[Any, np.dtype[np.uint8]]]:
        """Eight weights a byte, the first in the highest bit, each tensor's last byte padded with zeros."""
        return {name: np.packbits(tensor.numpy().reshape(-1)) for name, tensor in self._tensors.items()}

    def digest(self) -> str:
        """sha256 over names, shapes and bits; equal masks have equal digests, whatever their order."""
        packed = self.packed()
        digest = hashlib.sha256()
        for name in sorted(packed):
            digest.update(f"{name}|{tuple(self._tensors[name].shape)}|".encode())
            digest.update(packed[name].data)
        return digest.hexdigest()

    def to_torch_state(self) -> dict[str, Tensor]:
        """The buffers `torch.nn.utils.prune` would store for this mask: `<name>_mask`, float32, 1 = kept."""
        return {f"{name}_mask": tensor.to(torch.float32) for name, tensor in self._tensors.items()}

    def save(self, path: Path, provenance: Mapping[str, Any]) -> None:
        """Write the mask and the JSON facts about its making; see `mask_file.write_mask`."""
        from tickets.pruning.mask_file import write_mask

        write_mask(self, path, provenance)

    @classmethod
    def load(cls, path: Path) -> "Mask":
        """Read and verify what `save` wrote; see `mask_file.read_mask`."""
        from tickets.pruning.mask_file import read_mask

        return read_mask(path)

    @staticmethod
    def provenance(path: Path) -> dict[str, Any]:
        """The facts that `save` was given, from the header alone; see `mask_file.read_provenance`."""
        from tickets.pruning.mask_file import read_provenance

        return read_provenance(path)

    def _combine(self, other: "Mask", join: Callable[[Tensor, Tensor], Tensor]) -> "Mask":
        self.check_covers(other.shapes)
        return Mask({name: join(tensor, other._tensors[name]) for name, tensor in self._tensors.items()})


def _check(name: object, tensor: object) -> None:
    if not isinstance(name, str):
        raise TicketsError(f"mask: {name!r} is no tensor name. Names are strings.")
    if not isinstance(tensor, Tensor) or tensor.dtype != torch.bool:
        found = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
        raise TicketsError(
            f"mask: {name} is {found}, expected a bool tensor (True = kept). Convert it first."
        )
    if tensor.numel() == 0:
        raise TicketsError(f"mask: {name} is empty (shape {list(tensor.shape)}). Leave it out.")
