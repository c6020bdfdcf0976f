"""Commands that only look."""

import typer

from tickets.commands.options import DEFAULT_CONFIG, ConfigFile, Preset
from tickets.config import load_config


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("list", rich_help_panel="Look")(list_artifacts)


def list_artifacts(config: ConfigFile = DEFAULT_CONFIG, preset: Preset = None) -> None:
    """List every table and figure with its target, state, and what it needs: runs, optimizer steps, time."""
    from rich.console import Console

    from tickets.planning.listing import listing
    from tickets.planning.plan import Plan

    Console().print(listing(Plan(load_config(config, preset))))
