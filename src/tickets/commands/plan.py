"""`tickets plan`: what targets cost before anything starts."""

from pathlib import Path
from typing import Annotated

import typer

from tickets.commands.options import DEFAULT_CONFIG, ConfigFile, Preset
from tickets.config import load_config


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(rich_help_panel="Look")(plan)


def plan(
    targets: Annotated[
        list[str] | None, typer.Argument(help="all, a paper, a stage (lth_imp), or a table or figure.")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Preset = None,
    flops: Annotated[
        float | None, typer.Option(min=1e6, help="Assume this sustained FLOP/s instead of measured rates.")
    ] = None,
    presets: Annotated[bool, typer.Option("--presets", help="Compare all presets, a line each.")] = False,
    json: Annotated[Path | None, typer.Option(help="Also write everything, unrounded, to this file.")] = None,
) -> None:
    """Say what targets cost before anything starts; runs that several need count once."""
    from rich.console import Console

    from tickets.jobs.files import write_json
    from tickets.planning.facts import plan_facts
    from tickets.planning.plan import Plan
    from tickets.planning.tables import plan_tables, presets_table
    from tickets.planning.targets import find_targets

    if presets:
        names = preset_names(config)
        made = [Plan(load_config(config, name), flops) for name in names]
        Console().print(presets_table(made))
        if json is not None:
            write_json(json, {p.config.preset: plan_facts(p, find_targets(p, ())) for p in made})
        return
    made_plan = Plan(load_config(config, preset), flops)
    found = find_targets(made_plan, targets or ())
    Console().print(plan_tables(made_plan, found))
    if json is not None:
        write_json(json, plan_facts(made_plan, found))


def preset_names(path: Path) -> list[str]:
    """Presets that a config file defines; `load_config` checks each."""
    import yaml

    load_config(path)  # an unreadable file ends with its message here
    return list(yaml.safe_load(path.read_text())["presets"])
