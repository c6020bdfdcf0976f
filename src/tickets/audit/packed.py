"""Masks as they lie on disk, eight weights a byte: hashed, counted and compared without unpacking them.

Written apart from `pruning.mask_file`, which the jobs use: what one of the two gets wrong the other finds.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from tickets.errors import TicketsError
from tickets.pruning.mask_file import FORMAT
from tickets.pruning.sealed import seal, unseal

KEY = "tickets-mask"
DAMAGED = "the file is damaged"


@dataclass(frozen=True, eq=False)
class PackedMask:
    """A mask file: its sealed header, and uint8 [ceil(n / 8)] a tensor of n weights."""

    header: Mapping[str, Any]
    tensors: Mapping[str, NDArray[np.uint8]]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Tensor name -> shape, as the header has it."""
        return {name: tuple(shape) for name, shape in self.header["shapes"]}

    def fits(self) -> bool:
        """Whether the tensors are as long as the header's shapes say, with blanks at the end."""
        shapes = self.shapes
        if shapes.keys() != self.tensors.keys():
            return False
        return all(_fits(self.tensors[name], prod(shape)) for name, shape in shapes.items())

    def digest(self) -> str:
        """sha256 over names, shapes and bits, as `Mask.digest` defines it."""
        found, shapes = hashlib.sha256(), self.shapes
        for name in sorted(shapes):
            found.update(f"{name}|{shapes[name]}|".encode())
            found.update(self.tensors[name].tobytes())
        return found.hexdigest()

    def kept(self) -> dict[str, int]:
        """Weights kept, by tensor."""
        return {name: int(np.bitwise_count(self.tensors[name]).sum()) for name in self.shapes}

    @property
    def sparsity(self) -> float:
        """Fraction removed."""
        total = sum(prod(shape) for shape in self.shapes.values())
        return (total - sum(self.kept().values())) / total

    def nested_in(self, other: "PackedMask") -> bool:
        """Whether `other`, over the same tensors, keeps all that this mask keeps."""
        return not any(bool((bits & ~other.tensors[name]).any()) for name, bits in self.tensors.items())

    def data(self) -> bytes:
        """The file that holds this mask, byte by byte."""
        return save(dict(self.tensors), metadata={KEY: seal(self.header)})


def _fits(bits: NDArray[np.uint8], count: int) -> bool:
    if bits.dtype != np.uint8 or bits.shape != (-(-count // 8),):
        return False
    return not (int(bits[-1]) & ((1 << (-count % 8)) - 1))


def read_packed(path: Path) -> PackedMask:
    """Read a mask file whose header is whole. `TicketsError` says in a few words what is wrong."""
    header, tensors = _open(path, True)
    return PackedMask(header, tensors)


def header_of(path: Path) -> dict[str, Any]:
    """The sealed header of a mask file, without its bits."""
    return _open(path, False)[0]


def _open(path: Path, bits: bool) -> tuple[dict[str, Any], dict[str, NDArray[np.uint8]]]:
    try:
        with safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get(KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()} if bits else {}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise TicketsError(f"{path}: {DAMAGED} ({error})") from None
    if text is None:
        raise TicketsError(f"{path}: no mask of this program")
    try:
        return unseal(path, text, FORMAT, "", ""), tensors
    except TicketsError:
        raise TicketsError(f"{path}: its header does not match its seal: {DAMAGED}") from None
