"""The doctor's page."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tickets.doctor.check import Line

_MARKS = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "error": ("ERROR", "bold red"),
          "not needed": ("–", "dim")}  # fmt: skip


def show(console: Console, lines: Sequence[Line]) -> None:
    """A line a check by group, what to do below what was found; last the count."""
    for group, members in groupby(lines, key=lambda line: line.group):
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=7)
        table.add_column(width=max(len(line.name) for line in lines))
        table.add_column(overflow="fold")
        for line in members:
            word, style = _MARKS[line.state]
            said = Text(line.found, style="dim" if line.state == "not needed" else "")
            if line.advice:
                said.append(f"\n→ {line.advice}", style=style)
            table.add_row(Text(word, style=style), line.name, said)
        console.print(Text(group, style="bold"))
        console.print(table)
    console.print(summary(lines), style="bold", highlight=False, markup=False)


def summary(lines: Sequence[Line]) -> str:
    """'2 errors (driver, disk), 1 warning (git), 20 ok, 5 not needed.'"""
    said = []
    for state, word in (("error", "error"), ("warning", "warning")):
        names = [line.name for line in lines if line.state == state]
        if names:
            said.append(f"{len(names)} {word}{'s' if len(names) > 1 else ''} ({', '.join(names)})")
    counts = {state: sum(line.state == state for line in lines) for state in ("ok", "not needed")}
    return ", ".join([*said, f"{counts['ok']} ok", f"{counts['not needed']} not needed"]) + "."
