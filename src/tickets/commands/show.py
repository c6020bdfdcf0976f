"""Commands that only look."""

import typer

from tickets.commands.options import DEFAULT_CONFIG, ConfigFile, Preset
from tickets.config import load_config
from tickets.papers.registry import chapters, papers


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
    runs = {
        (id, stage.name): sum(len(job.runs) for job in stage.jobs())
        for id, paper in papers(loaded).items()
        for stage in paper.stages(loaded)
    }
    for chapter in chapters(loaded).values():
        for item in chapter.artifacts:
            made = all(path.exists() for path in item.outputs(loaded.root / chapter.id))
            state = "[green]made[/]" if made else "not made"
            needs = sum(runs.get((id, name), 0) for id, names in item.reads.items() for name in names)
            table.add_row(item.id, item.number, item.title, state, str(needs))
        for id, reason in chapter.not_reproduced.items():
            table.add_row(id, "", reason, "not reproduced", "")
    Console().print(table)
