"""Snakemake rules of a paper's stages, as plain values for workflow/rules. Imports no torch."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tickets.config import Config
from tickets.grid import Job, Stage


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


def plans(config: Config, stages: Iterable[Stage]) -> list[RulePlan]:
    """A rule a stage, with the stage's axes as wildcards; a rule a job where axes are packed."""
    found: list[RulePlan] = []
    for stage in stages:
        jobs = tuple(stage.jobs())
        if not jobs:
            continue
        if stage.packed():
            found += [_plan(config.root, stage, job.name.replace("-", "_"), (job,)) for job in jobs]
        else:
            found.append(_plan(config.root, stage, stage.name, jobs))
    return found


def _plan(root: Path, stage: Stage, name: str, jobs: tuple[Job, ...]) -> RulePlan:
    open_axes = [axis for axis in stage.axes if axis not in stage.packed()]
    by_axes = {tuple(job.axes[axis] for axis in open_axes): job for job in jobs}

    @cache
    def job_of(values: tuple[str, ...]) -> Job:
        return by_axes[values] if values in by_axes else stage.job(dict(zip(open_axes, values, strict=True)))

    def job(wildcards: Any) -> Job:
        fixed = jobs[0].axes if len(jobs) == 1 and stage.packed() else None
        return job_of(tuple(fixed[a] if fixed else getattr(wildcards, a) for a in open_axes))

    if stage.packed():
        outputs: tuple[Path, ...] = jobs[0].outputs
        constraints: dict[str, str] = {}
        label = jobs[0].name
    else:
        pattern = Job(stage, {a: f"{{{a}}}" for a in open_axes}, ({a: f"{{{a}}}" for a in open_axes},))
        outputs = pattern.outputs
        constraints = {a: "|".join(map(re.escape, stage.axes[a])) for a in open_axes}
        label = " ".join([stage.name, *(f"{{wildcards.{a}}}" for a in open_axes)])
    parts = [jobs[0].axes[a] if stage.packed() else f"{{{a}}}" for a in open_axes]
    return RulePlan(
        f"{stage.paper}_{name}".replace("+", "_"),
        lambda wildcards: [str(root / path) for path in job(wildcards).inputs],
        [str(root / path) for path in outputs],
        constraints,
        str(root / "logs" / stage.paper / stage.name / ("_to_".join(parts) or "all")) + ".log",
        lambda wildcards: " ".join([stage.name, *(f"{k}={v}" for k, v in job(wildcards).axes.items())]),
        lambda wildcards: job(wildcards).fingerprint,
        f"{stage.paper} {label}",
    )
