"""Commands that the workflow calls, one a rule; each works by hand too."""

from typing import Annotated

import typer

from tickets.commands.options import DEFAULT_CONFIG, ConfigFile, Paper, Preset
from tickets.config import load_config
from tickets.errors import TicketsError
from tickets.grid import find_stage
from tickets.papers.registry import cell_stages
from tickets.papers.registry import chapter as find_chapter
from tickets.papers.registry import frame as find_frame
from tickets.papers.registry import paper as find_paper


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for command in (encode, model, run, frame, collect, facts, render, claims, report):
        app.command(rich_help_panel="Pipeline (called by the workflow)")(command)


def encode(
    task: Annotated[str, typer.Argument(help="Task id, e.g. rte.")],
    max_length: Annotated[int, typer.Argument(min=3, help="Longest input in tokens.")],
    role: Annotated[str, typer.Argument(help="A model with a tokenizer of its own, e.g. roberta.")] = "",
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Preset = None,
) -> None:
    """Encode the data of a task: results/<preset>/data/[<role>/]<task>-<max_length>.safetensors."""
    from tickets.data.tasks import task as known
    from tickets.jobs.prepare import encode as encode_task

    encode_task(load_config(config, preset), known(task).id, max_length, role)


def model(
    role: Annotated[str, typer.Argument(help="Which of the preset's models, e.g. large.")] = "base",
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Preset = None,
) -> None:
    """Pre-train, copy or download a pre-trained model: results/<preset>/models/<name>/."""
    from tickets.jobs.prepare import place_model

    place_model(load_config(config, preset), role)


def run(
    paper: Paper,
    stage: Annotated[str, typer.Argument(help="Stage, e.g. imp.")],
    axes: Annotated[list[str] | None, typer.Argument(help="Axis values, e.g. task=rte source=mlm.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Preset = None,
    checkpoint_steps: Annotated[int | None, typer.Option(help="Also checkpoint every so many steps.")] = None,
) -> None:
    """Train all runs of one job; a stopped job continues where it was."""
    loaded = load_config(config, preset)
    found = find_stage(find_paper(paper).stages(loaded), stage)
    job = found.job(parse_axes(axes or []))
    from tickets.jobs.runner import run_job

    run_job(loaded, job, checkpoint_steps)


def parse_axes(pairs: list[str]) -> dict[str, str]:
    """['task=rte'] -> {'task': 'rte'}."""
    parsed: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise TicketsError(f"'{pair}': axis values are given as name=value, e.g. task=rte.")
        if name in parsed:
            raise TicketsError(f"'{pair}': the axis '{name}' is given twice; a job has one value of it.")
        parsed[name] = value
    return parsed


def frame(
    paper: Paper,
    name: Annotated[str, typer.Argument(help="File without .csv, e.g. overlap.")],
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Preset = None,
) -> None:
    """Write a paper's other tidy file, e.g. results/<preset>/lth/overlap.csv from all its masks."""
    loaded = load_config(config, preset)
    found = find_frame(find_chapter(paper), name)
    found.write(loaded, loaded.root / paper / f"{name}.csv")


def collect(
    paper: Paper,
    stage: Annotated[str | None, typer.Argument(help="Stage; without it, merge all stages.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Preset = None,
) -> None:
    """Gather runs into cells/<stage>.csv, or all stages into cells.csv with their costs in costs.csv."""
    from tickets.provenance.collect import collect_costs, collect_stage, merge_cells

    loaded, found = load_config(config, preset), find_paper(paper)
    folder, stages = loaded.root / paper, found.stages(loaded)
    if stage is not None:
        out = folder / "cells" / f"{stage}.csv"
        collect_stage(loaded.root, find_stage(stages, stage), out, found.cell_columns)
        return
    parts = [folder / "cells" / f"{name}.csv" for name in cell_stages(loaded, found)]
    merge_cells(parts, folder / "cells.csv", found.cell_columns)
    collect_costs(loaded.root, stages, folder / "costs.csv")


def facts(paper: Paper, config: ConfigFile = DEFAULT_CONFIG, preset: Preset = None) -> None:
    """Write the preset's recipe with its data sizes: results/<preset>/<paper>/facts.json."""
    from tickets.provenance.facts import write_facts

    loaded = load_config(config, preset)
    write_facts(loaded, find_paper(paper), loaded.root / paper / "facts.json")


def render(
    artifact: Annotated[str, typer.Argument(help="Artifact id, e.g. lth_fig2a.")],
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Preset = None,
) -> None:
    """Render one table or figure from the collected cells."""
    from tickets.papers.making import render as make
    from tickets.papers.registry import artifact as find_artifact

    make(load_config(config, preset), find_artifact(artifact))


def claims(paper: Paper, config: ConfigFile = DEFAULT_CONFIG, preset: Preset = None) -> None:
    """Judge every claim of a paper: results/<preset>/<paper>/claims.{json,md}."""
    from tickets.papers.judge import judge
    from tickets.papers.making import read_facts

    loaded = load_config(config, preset)
    judge(loaded, find_paper(paper), read_facts(loaded.root / paper))


def report(config: ConfigFile = DEFAULT_CONFIG, preset: Preset = None) -> None:
    """Write the report page: results/<preset>/report/index.html."""
    from tickets.papers.registry import chapters
    from tickets.provenance.report import write_report

    loaded = load_config(config, preset)
    out = loaded.root / "report" / "index.html"
    write_report(loaded.preset, loaded.root, tuple(chapters(loaded)), out)
    typer.echo(f"report: {out}")
