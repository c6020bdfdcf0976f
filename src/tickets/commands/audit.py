"""`tickets audit`: whether every number follows from what is stored."""

from pathlib import Path
from typing import Annotated

import typer

from tickets.commands.options import DEFAULT_CONFIG, ConfigFile, Preset


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(rich_help_panel="Trust")(audit)


def audit(
    papers: Annotated[list[str] | None, typer.Argument(help="Paper ids, e.g. lth; none: all.")] = None,
    rerun: Annotated[int, typer.Option(min=0, help="Execute the jobs of so many random runs again.")] = 0,
    seed: Annotated[int, typer.Option(help="Which runs are drawn.")] = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out frames, pixels, encoding, reference metrics.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Write everything found to this file.")] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="Processes; by default one a core.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Preset = None,
) -> None:
    """Check that tables follow from cells, cells from runs, runs from predictions, and all of it from the config.

    Needs no GPU. Exit status 1 if something is wrong.
    """
    from rich.console import Console

    from tickets.audit import screen
    from tickets.audit.check import Options
    from tickets.audit.reruns import announce
    from tickets.audit.runner import audit as run
    from tickets.audit.runner import cores as available
    from tickets.audit.steps import checks
    from tickets.audit.subject import Source, subject_of
    from tickets.jobs.files import write_json

    source, options = Source(config, preset, tuple(papers or ())), Options(quick, rerun, seed)
    console, steps = Console(), checks(options)
    if not console.is_terminal:
        console = Console(width=120)
    if rerun:
        console.print(announce(subject_of(source), options, cores or available()), highlight=False)
    with screen.progress(console, steps) as watch:
        report = run(source, steps, options, cores or available(), watch)
    screen.show(console, report)
    if json is not None:
        write_json(json, report.facts())
    if report.findings:
        raise typer.Exit(1)
