"""Commands around versioned results: Snakemake's records beside them, and their headline numbers."""

import typer

from tickets.commands.options import DEFAULT_CONFIG, ConfigFile, Paper, Preset
from tickets.config import load_config


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    records = typer.Typer(
        help="Snakemake's records of results that are pulled or pushed.", no_args_is_help=True
    )
    for command in (save, restore):
        records.command()(command)
    app.add_typer(records, name="records", rich_help_panel="Trust")
    app.command(rich_help_panel="Pipeline (called by the workflow)")(headline)


def save(config: ConfigFile = DEFAULT_CONFIG, preset: Preset = None) -> None:
    """Pack Snakemake's records of a preset's files into results/<preset>/snakemake.tar.gz (before `dvc commit`)."""
    from tickets.provenance.snakemake_records import ARCHIVE, save

    root = load_config(config, preset).root
    typer.echo(f"{root / ARCHIVE}: records of {save(root)} files")


def restore(config: ConfigFile = DEFAULT_CONFIG, preset: Preset = None) -> None:
    """Put the records back of all files that are as they were then; the workflow does so too after a `dvc pull`."""
    from tickets.provenance.snakemake_records import ARCHIVE, restore

    root = load_config(config, preset).root
    typer.echo(f"{root / ARCHIVE}: {restore(root)}")


def headline(paper: Paper, config: ConfigFile = DEFAULT_CONFIG, preset: Preset = None) -> None:
    """Write the few numbers to compare versions by: results/<preset>/<paper>/headline.json."""
    from tickets.papers.registry import paper as find_paper
    from tickets.provenance.headline import write_headline

    loaded = load_config(config, preset)
    write_headline(loaded, find_paper(paper), loaded.root / paper / "headline.json")
