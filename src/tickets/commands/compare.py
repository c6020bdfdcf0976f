"""Our results beside the published ones, or beside those of another folder."""

from pathlib import Path
from typing import Annotated

import typer

from tickets.commands.options import DEFAULT_CONFIG, ConfigFile, Preset
from tickets.config import load_config


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(rich_help_panel="Look")(compare)


def compare(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ARTIFACT|PAPER ...]", help="What to compare; without any, all."),
    ] = None,
    other: Annotated[
        Path | None,
        typer.Option(
            "--with", help="Another results/<preset> folder, or a checkout; without it, the papers."
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Also write everything that was found to this file.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="With --with: draw the scores here against those there (.png or .pdf)."),
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Preset = None,
) -> None:
    """Compare our numbers with the published ones, or with another results folder (exit status 1 if they differ)."""
    from rich.console import Console

    from tickets.comparing.report import FolderReport, PublishedReport, against_folder, against_papers
    from tickets.jobs.files import write_json

    loaded = load_config(config, preset)
    if other is None and plot is not None:
        raise typer.BadParameter(
            "it draws two results folders; name the other one --with.", param_hint="--plot"
        )
    report: PublishedReport | FolderReport = (
        against_papers(loaded, names or []) if other is None else against_folder(loaded, names or [], other)
    )
    report.show(Console())
    if json is not None:
        write_json(json, report.facts())
    if plot is not None and isinstance(report, FolderReport):
        report.draw(plot)
    raise typer.Exit(0 if report.good else 1)
