"""Runs executed again: their jobs, in a folder of their own, with the inputs of the stored ones (`--rerun N`)."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import stdev
from tempfile import TemporaryDirectory
from typing import Any

from tickets.audit.check import Check, Options, Unit
from tickets.audit.records import differences, read_record, shown
from tickets.audit.report import Part
from tickets.audit.subject import Subject
from tickets.config import Config
from tickets.errors import TicketsError
from tickets.grid import Job
from tickets.jobs.files import read_json
from tickets.spec import RunAddress

SAME = ("cpu", "device", "gpu", "lock_sha256", "mode", "precision", "python", "threads", "torch")
"""Circumstances under which equal runs have equal bits."""
VOLATILE = {"metrics.json": ("seconds",), "run.json": ("circumstances", "cost"), "": ("seconds_per_step",)}
"""Keys of JSON files ('': of all others) that no two executions share."""
READ = ("masks", "weights", "importance", "runs")
YARDSTICK = 3.0
"""How many standard deviations of the replicates another machine's score may be away."""
REMEDY = (
    "The stored run is not what its config and inputs give here. Compare the circumstances in both run.json "
    "(versions, processor, threads); if they agree, delete the stored run: Snakemake makes it again."
)


def units(subject: Subject, options: Options) -> Iterable[Unit]:
    """One a job."""
    return [Unit(check_job, {"index": index}) for index in drawn(subject, options)]


def drawn(subject: Subject, options: Options) -> list[int]:
    """The jobs of N random runs, each once."""
    runs = [index for index, job in enumerate(subject.jobs) for _ in job.runs]
    chosen = random.Random(options.seed).sample(runs, min(options.rerun, len(runs)))
    return sorted(set(chosen))


def announce(subject: Subject, options: Options, workers: int) -> str:
    """What executing the runs again will cost, by the records of the jobs that made them."""
    jobs = [subject.job(index) for index in drawn(subject, options)]
    seconds = 0.0
    for job in jobs:
        try:
            seconds += float(read_json(subject.root / job.record)["seconds"])
        except (TicketsError, KeyError, TypeError, ValueError):
            continue
    runs = sum(len(job.runs) for job in jobs)
    names = ", ".join(f"{job.stage.paper} {job.name}" for job in jobs)
    return (
        f"--rerun {options.rerun}: {len(jobs)} job(s) with {runs} runs in all, about {seconds:,.0f} s by their "
        f"records, on {workers} processes: {names}"
    )


def check_job(subject: Subject, index: int) -> Part:
    """Execute a job again, and compare all that it makes."""
    part, job = Part(), subject.job(index)
    inputs = [*job.inputs, *(p for role in job.models for p in subject.config.settings.model_files(role))]
    if not subject.have([*inputs, *job.outputs], part, len(job.runs)):
        return part
    with TemporaryDirectory() as temporary:
        place = Path(temporary)
        _furnish(subject, job, place)
        if wrong := _execute(subject.config, job, place):
            part.fault(
                subject.root / job.record, f"the job cannot be run again: {wrong}", "See what is named."
            )
            return part
        again = place / subject.root
        if odd := _other_circumstances(subject.root / job.record, again / job.record):
            part.note(f"executed again under other circumstances ({odd}): scores are compared, not bits")
            _compare_scores(subject, part, job, again)
        else:
            _compare_bits(subject, part, job, again)
    return part


def _furnish(subject: Subject, job: Job, place: Path) -> None:
    """Links to everything that the job may read, but to nothing that it makes."""
    own = {(subject.root / path).parent.resolve() for path in job.outputs if path != job.record}
    own |= {(subject.root / path).resolve() for path in job.outputs}
    folders = [Path("data"), Path("models"), *(Path(job.stage.paper, name) for name in READ)]
    for folder in folders:
        for file in (subject.root / folder).rglob("*"):
            if file.is_file() and file.resolve() not in own and file.parent.resolve() not in own:
                link = place / file
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file.resolve())
    if Path("envs").is_dir():
        (place / "envs").symlink_to(Path("envs").resolve())


def _execute(config: Config, job: Job, place: Path) -> str:
    """Run the job's own command there; returns the last line of what went wrong, or ''."""
    text = {"preset": config.preset, "presets": {config.preset: config.settings.model_dump(mode="json")}}
    (place / "config.yaml").write_text(json.dumps(text))
    axes = [f"{name}={value}" for name, value in job.axes.items()]
    command = [sys.executable, "-m", "tickets", "run", job.stage.paper, job.stage.name, *axes]
    own = {name: value for name, value in os.environ.items() if not name.startswith("TICKETS_")}
    threads = str(config.settings.execution.threads)
    done = subprocess.run(
        command, cwd=place, env=own | {"OMP_NUM_THREADS": threads}, capture_output=True, text=True
    )
    return (done.stderr.strip().splitlines() or ["it stopped"])[-1] if done.returncode else ""


def _other_circumstances(stored: Path, again: Path) -> str:
    """The circumstances that decide on bits and are not the same."""
    facts = [read_json(path)["circumstances"] for path in (stored, again)]
    return ", ".join(name for name in SAME if facts[0].get(name) != facts[1].get(name))


def _compare_bits(subject: Subject, part: Part, job: Job, again: Path) -> None:
    for file in sorted(path for path in again.rglob("*") if path.is_file() and not path.is_symlink()):
        path = file.relative_to(again)
        if path == job.record:
            continue
        part.items += 1
        stored = subject.root / path
        if not stored.is_file():
            part.fault(stored, "is missing, but the job makes it", REMEDY)
        elif words := _unlike(stored, file):
            part.fault(stored, f"executed again: {words}", REMEDY)


def _unlike(stored: Path, again: Path) -> str:
    """How two results of the same job differ, in a few words."""
    if stored.suffix != ".json":
        return "" if stored.read_bytes() == again.read_bytes() else "other bits"
    try:
        theirs, ours = (_lasting(read_record(path), path.name) for path in (stored, again))
    except TicketsError as error:
        return f"the stored file {error}"
    odd = next(differences(theirs, ours), None)
    return "" if odd is None else f"{odd.key} is {shown(odd.theirs)}, comes out as {shown(odd.ours)}"


def _lasting(content: dict[str, Any], name: str) -> dict[str, Any]:
    volatile = VOLATILE.get(name, VOLATILE[""])
    return {key: value for key, value in content.items() if key not in volatile}


def _compare_scores(subject: Subject, part: Part, job: Job, again: Path) -> None:
    """Scores of another machine, by the spread that the replicates have anyway."""
    for run in job.runs:
        part.items += 1
        stored, ours = (read_json(root / run.metrics) for root in (subject.root, again))
        away, spread = abs(stored["score"] - ours["score"]), _spread(subject, job, run, stored)
        if away > YARDSTICK * spread:
            words = (
                f"executed again it scores {ours['score']:.2f}, stored is {stored['score']:.2f}: "
                f"{away / spread:.1f} standard deviations of its replicates ({spread:.2f})"
            )
            part.fault(subject.root / run.metrics, words, REMEDY)


def _spread(subject: Subject, job: Job, run: RunAddress, metrics: dict[str, Any]) -> float:
    """Standard deviation over the replicates, but no less than what so few examples leave open."""
    scores = list(_replicates(subject, job, run))
    share = min(max(abs(float(metrics["score"])) / 100, 0.1), 0.9)
    sampling = 100 * float((share * (1 - share) / max(1, int(metrics["n_dev"]))) ** 0.5)
    return max(sampling, stdev(scores) if len(scores) > 1 else 0.0)


def _replicates(subject: Subject, job: Job, run: RunAddress) -> Iterator[float]:
    for other in job.runs:
        if replace(other, replicate=run.replicate) == run:
            yield float(read_json(subject.root / other.metrics)["score"])


CHECK = Check("reruns", "runs ← executed again", units)
