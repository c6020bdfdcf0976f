"""Snakemake rules of a paper's stages, as plain values for workflow/rules. Imports no torch."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.errors import TicketsError
from tickets.grid import Job, Stage

Group = tuple[Mapping[str, str], tuple[Job, ...]]


@dataclass(frozen=True)
class RulePlan:
    """One rule. `inputs`, `command` and `identity` are functions of the wildcards."""

    name: str
    inputs: Callable[[Any], list[str]]
    outputs: list[str]
    constraints: Mapping[str, str]
    log: str
    command: Callable[[Any], str]
    identity: Callable[[Any], str]
    message: str
    priority: int


def plans(config: Config, stages: Iterable[Stage]) -> list[RulePlan]:
    """A rule a stage, with the stage's axes as wildcards, as far as Snakemake can tell its jobs apart by them."""
    return [_plan(config, stage, *group) for stage in stages for group in _groups(stage)]


def model_files(config: Config, job: Job) -> list[Path]:
    """The files of the pre-trained models that a job starts from, below results/<preset>."""
    return [path for role in job.models for path in config.settings.model_files(role)]


def _groups(stage: Stage) -> Iterator[Group]:
    """The jobs of a stage by rule, with the axis values that all jobs of the rule share.

    Wildcards are constrained one by one, so a rule with several must have all combinations of their values: a
    stage that skips some has a rule for each value of one axis. Packed jobs differ in what they make, so each
    has a rule of its own.
    """
    jobs = tuple(stage.jobs())
    if not jobs:
        return
    if stage.packed():
        yield from ((job.axes, (job,)) for job in jobs)
        return
    for values in dict.fromkeys(tuple(job.axes[axis] for axis in stage.split) for job in jobs):
        fixed = dict(zip(stage.split, values, strict=True))
        part = tuple(job for job in jobs if fixed.items() <= job.axes.items())
        rest = tuple(axis for axis in stage.axes if axis not in fixed)
        yield from (({**fixed, **more}, group) for more, group in _by_wildcards(part, rest))


def _by_wildcards(jobs: tuple[Job, ...], axes: tuple[str, ...]) -> Iterator[Group]:
    """Jobs that differ in `axes` only, grouped so that each group has all combinations of its values."""
    if _complete(jobs, axes):
        yield {}, jobs
        return
    for axis in reversed(axes):
        values = tuple(dict.fromkeys(job.axes[axis] for job in jobs))
        rest = tuple(name for name in axes if name != axis)
        parts = [(value, tuple(job for job in jobs if job.axes[axis] == value)) for value in values]
        if all(_complete(part, rest) for _, part in parts):
            yield from (({axis: value}, part) for value, part in parts if part)
            return
    yield from ((job.axes, (job,)) for job in jobs)


def _complete(jobs: tuple[Job, ...], axes: tuple[str, ...]) -> bool:
    """Whether the jobs are all combinations of the values that they have on these axes."""
    combinations = 1
    for axis in axes:
        combinations *= len({job.axes[axis] for job in jobs})
    return len(jobs) == combinations


def _plan(config: Config, stage: Stage, fixed: Mapping[str, str], jobs: tuple[Job, ...]) -> RulePlan:
    root, axes = config.root, tuple(jobs[0].axes)
    wild = tuple(axis for axis in axes if axis not in fixed)
    by_values = {tuple(job.axes[axis] for axis in wild): job for job in jobs}

    def job(wildcards: Any) -> Job:
        return by_values[tuple(getattr(wildcards, axis) for axis in wild)]

    pattern = {axis: fixed.get(axis, f"{{{axis}}}") for axis in axes}
    outputs = Job(stage, pattern, (pattern,)).outputs if wild else jobs[0].outputs
    label = (fixed.get(axis, f"{{wildcards.{axis}}}") for axis in axes)
    return RulePlan(
        re.sub(r"\W", "_", "_".join([stage.paper, stage.name, *fixed.values()])),
        lambda wildcards: [
            str(root / path) for path in (*model_files(config, job(wildcards)), *job(wildcards).inputs)
        ],
        [str(root / path) for path in outputs],
        {axis: "|".join(sorted({re.escape(job.axes[axis]) for job in jobs})) for axis in wild},
        str(root / "logs" / stage.paper / stage.name / ("_to_".join(pattern.values()) or "all")) + ".log",
        lambda wildcards: " ".join(
            [stage.paper, stage.name, *(f"{k}={v}" for k, v in job(wildcards).axes.items())]
        ),
        lambda wildcards: job(wildcards).fingerprint,
        " ".join([stage.paper, stage.name, *label]),
        _priority(jobs[0]),
    )


def _priority(job: Job) -> int:
    """What others wait for goes first: weights and scores, then masks."""
    cells = job.plans()
    return 2 if any(cell.files for cell in cells) else 1 if any(cell.masks for cell in cells) else 0


def check_words(argv: Sequence[str], rules: Collection[str], not_reproduced: Mapping[str, str]) -> None:
    """Refuse targets on Snakemake's command line that are neither a rule nor a path, with what was meant.

    Snakemake itself says of them only that no rule produces them, and keeps its targets from the workflow while it
    reads it. Its parser is asked only about words that look like such a target.
    """
    if not any(part.startswith("snakemake") for part in Path(argv[0]).parts[-2:]):
        return
    strange = [word for word in argv[1:] if re.fullmatch(r"[A-Za-z]\w*", word) and word not in rules]
    if not strange:
        return
    from snakemake.cli import get_argument_parser

    targets = get_argument_parser().parse_known_args(argv[1:])[0].targets
    for word in strange:
        if word in targets and word in not_reproduced:
            raise TicketsError(f"{word} is not reproduced: {not_reproduced[word]}")
        if word in targets:
            near = get_close_matches(word, rules, n=1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise TicketsError(f"unknown target '{word}'; {hint}`tickets list` shows them all.")
