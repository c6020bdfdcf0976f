"""The encoder that later fine-tuning starts from, as one safetensors file."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tickets.errors import TicketsError


def save_body(body: Mapping[str, Tensor], path: Path) -> None:
    """Write θ in one rename, by Hugging Face names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    save_file({name: value.cpu().contiguous() for name, value in body.items()}, part)
    part.replace(path)


def load_body(path: Path) -> dict[str, Tensor]:
    """Read what `save_body` wrote. Raises `TicketsError` where it is missing or damaged."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise TicketsError(f"{path}: not readable ({error}). Run the job that makes it again.") from None
