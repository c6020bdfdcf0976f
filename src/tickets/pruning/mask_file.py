"""How a mask lies on disk: bit-packed safetensors, one uint8 tensor a weight matrix.

The header's only metadata entry is one JSON document (format, shapes in the mask's order, sha256 of the mask,
provenance, and a seal over all of these), so that equal masks with equal provenance are equal files. A
flipped byte is found on reading: in a tensor by the sha256, in the header by the seal.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from tickets.errors import TicketsError
from tickets.permissions import open_to_readers
from tickets.pruning.mask import Mask
from tickets.pruning.sealed import seal, unseal

FORMAT = "tickets-mask/1"
_KEY = "tickets-mask"
_ADVICE = "Restore the file (`dvc checkout`, or a fresh copy) or delete it and make the mask again."
_REMEDY = "Use the version of tickets that wrote it, or make the mask again."


def write_mask(mask: Mask, path: Path, provenance: Mapping[str, Any]) -> None:
    """Write atomically: the file appears complete or not at all.

    `provenance` must be JSON (strings, finite numbers, booleans, None, lists, dicts with string keys).
    Raises `TicketsError` when the file cannot be written.
    """
    header: dict[str, Any] = {
        "format": FORMAT,
        "provenance": dict(provenance),
        "sha256": mask.digest(),
        "shapes": [[name, list(shape)] for name, shape in mask.shapes.items()],
    }
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(mask.packed(), part, metadata={_KEY: seal(header)})
        open_to_readers(part)
        part.replace(path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            part.unlink()
        raise TicketsError(
            f"{path}: cannot write the mask ({error}). Check the folder's permissions and the free space."
        ) from None


def read_mask(path: Path) -> Mask:
    """Read a mask and verify its header, its padding bits and its sha256.

    Raises `TicketsError` if the file is missing, truncated, damaged, or no mask of ours.
    """
    header, packed = _open(path, tensors=True)
    shapes = {name: tuple(shape) for name, shape in header["shapes"]}
    if shapes.keys() != packed.keys():
        raise TicketsError(f"{path}: the tensors are not those of the header; the file is damaged. {_ADVICE}")
    mask = Mask({name: _unpack(path, name, packed[name], shape) for name, shape in shapes.items()})
    if mask.digest() != header["sha256"]:
        raise TicketsError(f"{path}: content does not match its sha256; the file is damaged. {_ADVICE}")
    return mask


def read_provenance(path: Path) -> dict[str, Any]:
    """What the mask's maker wrote about it. Reads and verifies the header only, not the bits."""
    header, _ = _open(path, tensors=False)
    facts: dict[str, Any] = header["provenance"]
    return facts


def _open(path: Path, tensors: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        with safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get(_KEY)
            names = file.keys() if tensors and text else ()
            packed = {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise TicketsError(f"{path}: mask not found. Check the path, or make it first.") from None
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise TicketsError(f"{path}: not a readable safetensors file ({error}). {_ADVICE}") from None
    if text is None:
        raise TicketsError(
            f"{path}: a safetensors file, but not a mask of this program (no {_KEY!r} entry in its header). "
            "Masks come from `tickets prune` and from the pipeline."
        )
    return unseal(path, text, FORMAT, _ADVICE, _REMEDY), packed


def _unpack(path: Path, name: str, packed: Any, shape: tuple[int, ...]) -> torch.Tensor:
    count = int(np.prod(shape, dtype=np.int64))
    if packed.dtype != np.uint8 or packed.shape != (-(-count // 8),):
        raise TicketsError(f"{path}: {name} does not hold {count} bits; the file is damaged. {_ADVICE}")
    if np.unpackbits(packed[-1:])[(count - 1) % 8 + 1 :].any():
        raise TicketsError(
            f"{path}: {name} has padding bits that are not zero; the file is damaged. {_ADVICE}"
        )
    return torch.from_numpy(np.unpackbits(packed, count=count).astype(np.bool_)).view(shape)
