"""Tidy files that only gather: cells and costs, row by row against what they were gathered from."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tickets.audit.check import Check, Options, Unit
from tickets.audit.report import Part
from tickets.audit.subject import Subject
from tickets.audit.tidy import unlike
from tickets.errors import TicketsError
from tickets.grid import find_stage
from tickets.papers.registry import cell_stages
from tickets.provenance.collect import COLUMNS, cell_row, collect_costs, csv_text, merge_cells
from tickets.spec import RunAddress

MANY = 500
"""Differences of one file that are named."""


def units(subject: Subject, options: Options) -> Iterable[Unit]:
    """One a stage, and two a paper for what all stages make together."""
    for id, paper in subject.papers.items():
        for stage in cell_stages(subject.config, paper):
            yield Unit(check_stage, {"paper": id, "stage": stage})
        yield Unit(check_merged, {"paper": id})
        yield Unit(check_costs, {"paper": id})


def check_stage(subject: Subject, paper: str, stage: str) -> Part:
    """cells/<stage>.csv against the metrics of the stage's runs."""
    part, file = Part(), Path(paper, "cells", f"{stage}.csv")
    found, extra = find_stage(subject.stages[paper], stage), subject.papers[paper].cell_columns
    runs = [run for job in found.jobs() for run in job.runs]
    if not subject.have([file], part, len(runs)):
        return part
    rows, lost = [], set()
    for run in runs:
        try:
            if subject.have([run.metrics], part):
                rows.append(cell_row(subject.root, stage, run, extra))
            else:
                lost.add(run)
        except TicketsError:
            part.skip("the run's metrics.json cannot be read (see certificates)")
            lost.add(run)
    part.items += len(rows)
    again = csv_text((*COLUMNS, *extra), rows)
    _report(part, subject.root / file, again, lost, "the runs' metrics.json", f"{paper}_cells_{stage}")
    return part


def _report(part: Part, file: Path, again: str, lost: Iterable[RunAddress], source: str, target: str) -> None:
    """What is unlike, each value by itself; rows of runs that are not there are no news."""
    gone = frozenset(run.folder.as_posix() for run in lost)
    remedy = f"If {source} is right, `snakemake --force {target}` makes it again; else restore the source."
    for words in unlike(file, again.encode(), gone, MANY):
        part.fault(file, words.replace("made again", f"in {source}"), remedy)


def check_merged(subject: Subject, paper: str) -> Part:
    """cells.csv against its parts."""
    part, found = Part(), subject.papers[paper]
    stages = cell_stages(subject.config, found)
    parts = [Path(paper, "cells", f"{stage}.csv") for stage in stages]
    if not subject.have([Path(paper, "cells.csv"), *parts], part, len(parts)):
        return part
    with TemporaryDirectory() as temporary:
        again = Path(temporary, "cells.csv")
        merge_cells([subject.root / path for path in parts], again, found.cell_columns)
        text = again.read_text(encoding="utf-8")
    part.items += len(parts)
    _report(part, subject.root / paper / "cells.csv", text, (), "cells/", f"{paper}_cells")
    return part


def check_costs(subject: Subject, paper: str) -> Part:
    """costs.csv against the jobs' records."""
    part, stages = Part(), subject.stages[paper]
    records = [job.record for stage in stages for job in stage.jobs()]
    if not subject.have([Path(paper, "costs.csv"), *records], part, len(records)):
        return part
    with TemporaryDirectory() as temporary:
        again = Path(temporary, "costs.csv")
        collect_costs(subject.root, stages, again)
        text = again.read_text(encoding="utf-8")
    part.items += len(records)
    _report(part, subject.root / paper / "costs.csv", text, (), "jobs/", f"{paper}_cells")
    return part


CHECK = Check("cells", "cells.csv, costs.csv ← metrics.json, jobs/", units)
