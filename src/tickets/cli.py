"""The `tickets` command. Imports nothing heavy: each command imports what it needs."""

import sys
from typing import Any

import typer

from tickets.commands import audit, compare, doctor, export, masks, pipeline, plan, records, show
from tickets.errors import TicketsError

app = typer.Typer(
    name="tickets",
    help="Winning Tickets: three papers on lottery tickets in pre-trained language models, reproduced.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
show.register(app)
plan.register(app)
doctor.register(app)
compare.register(app)
masks.register(app)
export.register(app)
pipeline.register(app)
audit.register(app)
records.register(app)

INTERRUPTED = 143


def main(*args: Any) -> None:
    """Run a command; what a user can put right ends in one message and exit status 1, never in a traceback."""
    from tickets.training.interrupt import Interrupted

    try:
        app(*args)
    except TicketsError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
    except Interrupted as stop:
        sys.stderr.write(f"{stop}; the same command continues from there\n")
        sys.exit(INTERRUPTED)
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        sys.stderr.write(f"error: {error.filename or ''}: {error.strerror}\n")
        sys.exit(1)
