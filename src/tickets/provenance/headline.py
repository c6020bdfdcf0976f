"""The few numbers of a paper by which two versions of its results are compared (`dvc metrics diff`)."""

from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from tickets.config import Config
from tickets.errors import TicketsError
from tickets.figures.render import read_evidence
from tickets.jobs.files import read_json, write_json
from tickets.papers.registry import Paper
from tickets.papers.verdict import Status

_DIGITS = 4


def write_headline(config: Config, paper: Paper, out: Path) -> None:
    """Write results/<preset>/<paper>/headline.json: numbers by name, in percent or counts; no times.

    Numbers of runs that the preset leaves out are not there. Equal cells and claims give equal bytes.
    """
    folder = config.root / paper.id
    ours, _ = read_evidence(
        paper.id,
        [folder / "cells.csv"],
        {frame.name: folder / f"{frame.name}.csv" for frame in paper.frames},
        Path("paper") / paper.id,
        read_json(folder / "facts.json", "Run `tickets facts` first."),
        paper.evidence_options(config),
    )
    numbers = import_module(f"tickets.papers.{paper.id}.headline").headline(ours)
    known = {name: round(value, _DIGITS) for name, value in numbers.items() if value is not None}
    write_json(out, known | claim_counts(folder / "claims.json"))


def claim_counts(path: Path) -> dict[str, int]:
    """Verdicts on our runs in a claims.json, counted: claims_reproduced, claims_not_run, ..."""
    found: Any = read_json(path, "Run `tickets claims` first.")
    try:
        counts = Counter(claim["ours"]["status"] for claim in found["claims"])
    except (KeyError, TypeError):
        raise TicketsError(f"{path}: no list of verdicts. Run `tickets claims` again.") from None
    return {f"claims_{status.replace(' ', '_')}": counts[status] for status in get_args(Status)}
