"""Whether this machine can run the preset, and what to do if it cannot."""

from pathlib import Path
from typing import Annotated

import typer

from tickets.commands.options import DEFAULT_CONFIG, ConfigFile, Preset


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(rich_help_panel="Look")(doctor)


def doctor(
    network: Annotated[
        bool, typer.Option("--network", help="Also try whether the hub and DVC's remote can be reached.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Also write all lines to this file.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Preset = None,
) -> None:
    """Check the environment for a preset and say what to do (exit status 1 if anything is an error)."""
    from dataclasses import asdict

    from rich.console import Console

    from tickets.doctor.check import healthy, run_checks
    from tickets.doctor.registry import CHECKS
    from tickets.doctor.show import show, summary
    from tickets.doctor.surroundings import Surroundings
    from tickets.jobs.files import write_json

    lines = run_checks(CHECKS, Surroundings(config_file=config, preset=preset, network=network))
    show(Console(), lines)
    if json is not None:
        found = {
            "healthy": healthy(lines),
            "summary": summary(lines),
            "checks": [asdict(line) for line in lines],
        }
        write_json(json, found)
    raise typer.Exit(0 if healthy(lines) else 1)
