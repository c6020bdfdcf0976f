"""Take a ticket away as an ordinary model folder."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tickets.commands.options import DEFAULT_CONFIG, ConfigFile, Preset


class Weights(StrEnum):
    """Which weights the ticket is over."""

    run = "run"
    pretrained = "pretrained"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(rich_help_panel="Masks")(export)


def export(
    mask: Annotated[
        Path,
        typer.Argument(
            help="A mask.safetensors, or the folder of a mask or run, also as below results/<preset>."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to write; it must not be there yet.")],
    model: Annotated[
        Path | None, typer.Option(help="The base model's folder; needed for masks of `tickets prune`.")
    ] = None,
    weights: Annotated[
        Weights, typer.Option(help="run: what the ticket's runs start from, rewound or not. pretrained: θ₀.")
    ] = Weights.run,
    remove: Annotated[
        bool,
        typer.Option("--remove", help="Leave heads and FFNs out instead of writing zeros (super tickets)."),
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    preset: Preset = None,
) -> None:
    """Write a ticket as a Hugging Face model folder with a model card, for plain transformers."""
    from tickets.config import load_config
    from tickets.exporting.folder import export as write
    from tickets.exporting.ticket import find

    results = None if mask.exists() or not config.exists() else load_config(config, preset).root
    facts = write(
        find(mask, results), out, model, weights.value, remove, lambda name: load_config(config, name)
    )
    if facts.checked.doubt:
        typer.echo(f"note: weights: {facts.checked.words}", err=True)
    what = (
        f"{facts.size:,} numbers" if facts.removed else f"{facts.zeros:,} of {facts.size:,} numbers are zero"
    )
    typer.echo(f"{out}: {what}; the card is {out / 'README.md'}")
