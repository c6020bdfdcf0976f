"""Tidy files of a paper beside cells.csv: what they are made of and by whom. Imports nothing heavy."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from tickets.config import Config


@dataclass(frozen=True)
class Frame:
    """`<name>.csv` of a paper.

    inputs   config -> files below results/<preset> that it is made of
    models   roles of the pre-trained models that it reads
    execute  'module:function' (config, out) that writes it
    """

    name: str
    title: str
    inputs: Callable[[Config], list[Path]]
    execute: str
    models: tuple[str, ...] = ()

    def write(self, config: Config, out: Path) -> None:
        """Make the file."""
        module, name = self.execute.split(":")
        getattr(import_module(module), name)(config, out)
