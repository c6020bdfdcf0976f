"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[Path, typer.Option("--config", envvar="TICKETS_CONFIG", help="The config file.")]
Preset = Annotated[
    str | None, typer.Option("--preset", envvar="TICKETS_PRESET", help="Preset, if not the file's own.")
]
Paper = Annotated[str, typer.Argument(help="Paper id, e.g. lth.")]
DEFAULT_CONFIG = Path("config.yaml")
