"""In-flight state of a run: atomic, keyed by the run's fingerprint, free of pickle."""

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from tickets.errors import TicketsError


class Checkpoint:
    """One file, `<folder>/<name>.safetensors`; `identity` says whose it is, and a stranger's is refused."""

    def __init__(self, folder: Path, identity: str, name: str = "step") -> None:
        self.path, self.identity = folder / f"{name}.safetensors", identity

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Replace the file in one rename; a kill at any moment leaves the old or the new one."""
        header = {"identity": self.identity, "facts": json.dumps(dict(facts))}
        part = self.path.with_name(self.path.name + ".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, part, metadata=header)
            part.replace(self.path)
        except (SafetensorError, OSError) as error:
            with suppress(OSError):
                part.unlink()
            raise TicketsError(
                f"{self.path}: cannot write the checkpoint ({error}). Check the free space and the permissions."
            ) from None

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The saved state, or None where there is none. A damaged or foreign file is an error, never a restart."""
        if not self.path.exists():
            return None
        advice = f"Delete {self.path.parent} to start the run afresh."
        try:
            with safe_open(self.path, framework="pt") as file:
                header = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise TicketsError(f"{self.path}: checkpoint is damaged ({error}). {advice}") from None
        if header.get("identity") != self.identity:
            raise TicketsError(f"{self.path}: belongs to another run. {advice}")
        return tensors, json.loads(header["facts"])

    def clear(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def discard(folder: Path) -> None:
    """Remove an in-flight folder and everything below it.

    It is renamed first: after a kill half-way no part of it may be taken for the state of a run.
    """
    trash = folder.with_name(folder.name + ".trash")
    shutil.rmtree(trash, ignore_errors=True)
    if folder.exists():
        folder.replace(trash)
        shutil.rmtree(trash, ignore_errors=True)
