"""Commands that only look."""

import typer

from tickets.commands.options import DEFAULT_CONFIG, ConfigFile, Preset
from tickets.config import load_config
from tickets.papers.registry import papers


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("list", rich_help_panel="Look")(list_artifacts)


def list_artifacts(config: ConfigFile = DEFAULT_CONFIG, preset: Preset = None) -> None:
    """List every table and figure with its target, state and the runs it needs."""
    from rich.console import Console
    from rich.table import Table

    loaded = load_config(config, preset)
    table = Table(title=f"Tables and figures, preset {loaded.preset}", title_justify="left")
    for name, justify in (("target", "left"), ("published as", "left"), ("title", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    table.add_column("state", no_wrap=True)
    table.add_column("runs", justify="right")
    for paper in papers(loaded).values():
        runs = {s.name: sum(len(job.runs) for job in s.jobs()) for s in paper.stages(loaded)}
        for item in paper.artifacts:
            made = all(path.exists() for path in item.outputs(loaded.root / paper.id))
            state = "[green]made[/]" if made else "not made"
            table.add_row(item.id, item.number, item.title, state, str(sum(runs[s] for s in item.stages)))
        for id, reason in paper.not_reproduced.items():
            table.add_row(id, "", reason, "not reproduced", "")
    Console().print(table)
