"""Scores, computed again from what the runs predicted, and everything that a paper derives from them."""

import random
from collections.abc import Iterable, Iterator
from typing import Any

from tickets.audit.check import Check, Options, Unit
from tickets.audit.expected import Expected, Numbers, expected
from tickets.audit.reading import predictions
from tickets.audit.records import Differs, differences, near, read_record, shown
from tickets.audit.report import Part
from tickets.audit.scoring import Reference, score_of
from tickets.audit.subject import Subject
from tickets.errors import TicketsError
from tickets.grid import Cell
from tickets.spec import RunAddress

SAMPLE = 3
"""Runs of a paper and task whose predictions are also scored by the independent implementation."""
REMEDY = (
    "Predictions or metrics were edited. Restore the run's folder (`dvc checkout`, or a fresh copy), or delete "
    "metrics.json: Snakemake then makes the run again."
)


def units(subject: Subject, options: Options) -> Iterable[Unit]:
    """One a job, and one for the independent implementation."""
    yield from (Unit(check_job, {"index": i}) for i, job in enumerate(subject.jobs) if job.runs)
    if not options.quick:
        yield from (Unit(check_sample, {"paper": id, "seed": options.seed}) for id in subject.papers)


def check_job(subject: Subject, index: int) -> Part:
    """All runs of a job."""
    part, job = Part(), subject.job(index)
    found = expected(subject, job)
    for cell in job.plans():
        if cell.runs:
            _check_cell(subject, part, found, cell)
    return part


def _check_cell(subject: Subject, part: Part, found: Expected, cell: Cell) -> None:
    """Runs of one cell; the tasks of a shared model are scored together or not at all."""
    done = 0
    needs = [*(run.metrics for run in cell.runs), *cell.inputs]
    if not subject.have(needs, part, len(cell.runs)):
        return
    try:
        for run, numbers in found.numbers(cell):
            done += 1
            compare(subject, part, run, numbers)
    except (TicketsError, KeyError, IndexError, ValueError) as error:
        left = len(cell.runs) - done
        file, _, wrong = str(error).partition(": ")
        if not isinstance(error, TicketsError) or not wrong:
            file, wrong = (
                str(subject.root / cell.runs[done].folder),
                f"its predictions cannot be scored ({error})",
            )
        part.fault(file, wrong, REMEDY)
        part.skip("runs beside one whose predictions cannot be scored", left - 1)


def compare(subject: Subject, part: Part, run: RunAddress, numbers: Numbers) -> None:
    """Stored numbers of a run with those that must be."""
    path = subject.root / run.metrics
    try:
        stored = read_record(path)
    except TicketsError:
        part.skip("the run's metrics.json cannot be read (see certificates)")
        return
    part.items += 1
    if numbers.undetermined:
        part.skip("numbers that no stored predictions determine", numbers.undetermined)
    wrong = [difference for difference in _unlike(stored, numbers.facts) if not near(*difference[1:])]
    rounded = any(near(*difference[1:]) for difference in _unlike(stored, numbers.facts))
    if rounded:
        part.note("runs whose numbers agree to nine digits only (another processor, or versions)")
    if wrong:
        words = "; ".join(
            f"{d.key} is {shown(d.theirs)}, its predictions give {shown(d.ours)}" for d in wrong[:4]
        )
        part.fault(path, words + ("; and more" if len(wrong) > 4 else ""), REMEDY)


def _unlike(stored: dict[str, Any], facts: Any) -> Iterator[Differs]:
    """Differences in what `facts` speak of; of `extra` only the keys that they have."""
    for name, value in facts.items():
        if name == "extra":
            own = stored.get("extra", {})
            yield from differences({k: v for k, v in own.items() if k in value}, value, "extra")
        else:
            yield from differences(stored.get(name), value, name)


def check_sample(subject: Subject, paper: str, seed: int) -> Part:
    """A few runs of every task, scored by scikit-learn and scipy instead of the jobs' own functions."""
    part, by_task = Part(), dict[str, list[tuple[int, RunAddress]]]()
    for index, job in enumerate(subject.jobs):
        for run in job.runs if job.stage.paper == paper else ():
            by_task.setdefault(run.task, []).append((index, run))
    draw = random.Random(seed)
    for found in by_task.values():
        for index, run in draw.sample(found, min(SAMPLE, len(found))):
            if (subject.root / run.metrics).is_file() and (
                subject.root / subject.job(index).data_file(run.task)
            ).is_file():
                _check_reference(subject, part, index, run)
    return part


def _check_reference(subject: Subject, part: Part, index: int, run: RunAddress) -> None:
    try:
        predicted = predictions(subject.root / run.folder)
        stored = read_record(subject.root / run.metrics)["scores"]
    except (TicketsError, KeyError):
        return  # found by the runs' own checks
    data = expected(subject, subject.job(index)).reading.data(run.task)
    for name, values in predicted.items():
        if name not in stored:
            continue
        split = name.removeprefix("final.")
        told = {metric: value for metric, value in stored[name].items() if metric != "loss"}
        scored = score_of(run.task, values, data.splits[split], split, Reference)
        part.items += 1
        part.note("predictions also scored by the independent implementation (metrics/reference)")
        odd = [d for d in differences(told, scored) if not near(d.theirs, d.ours)]
        if odd:
            words = (
                f"{name}.{odd[0].key} is {shown(odd[0].theirs)}, by metrics/reference {shown(odd[0].ours)}"
            )
            part.fault(subject.root / run.metrics, words, REMEDY)


CHECK = Check("scores", "metrics.json ← predictions", units)
