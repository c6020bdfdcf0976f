"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[Path, typer.Option("--config", help="The config file.", show_default=True)]
Preset = Annotated[str | None, typer.Option("--preset", help="Preset to use instead of the file's own.")]
Paper = Annotated[str, typer.Argument(help="Paper id, e.g. lth.")]
DEFAULT_CONFIG = Path("config.yaml")
