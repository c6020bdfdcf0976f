"""What a target asks for: all, a paper, a stage, a table or figure. Imports no torch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from tickets.errors import TicketsError
from tickets.papers.registry import PAPERS, chapters
from tickets.planning.plan import Jobs, Plan

ALL = "all"


@dataclass(frozen=True)
class Target:
    """A target and all jobs that it needs.

    others  other tables and figures that need some of them: how many runs they share
    shared  runs that any of the others needs too
    """

    name: str
    title: str
    jobs: Jobs
    others: Mapping[str, int]
    shared: int


def find_target(plan: Plan, name: str) -> Target:
    """A target by its name in Snakemake; a stage is `<paper>_<stage>`. Raises `TicketsError` with the nearest name."""
    if name == ALL:
        return Target(ALL, "everything", plan.everything, {}, 0)
    if name in plan.papers:
        return Target(name, plan.papers[name].title, plan.of_stage(name), {}, 0)
    if name in plan.artifacts:
        return _artifact(plan, name)
    by_stage = {f"{paper}_{stage}": jobs for (paper, stage), jobs in plan.stages.items()}
    if name in by_stage:
        jobs = by_stage[name]
        title = next(plan.graph.jobs[n].stage.title for n in jobs)
        return Target(name, title, plan.graph.closure(jobs), {}, 0)
    groups = {id: found for id, found in chapters(plan.config).items() if id not in plan.papers}
    if name in groups:
        ids = [item.id for item in groups[name].artifacts]
        return Target(name, groups[name].title, union(plan.artifacts[id] for id in ids), {}, 0)
    for chapter in PAPERS.values():
        if name in chapter.not_reproduced:
            raise TicketsError(f"{name} is not reproduced: {chapter.not_reproduced[name]}")
    known = [ALL, *plan.papers, *groups, *plan.artifacts, *by_stage]
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise TicketsError(
        f"unknown target '{name}' in preset '{plan.config.preset}'; {hint}"
        "A target is all, a paper, a stage (lth_imp), or a table or figure (`tickets list` shows them)."
    )


def find_targets(plan: Plan, names: Iterable[str]) -> list[Target]:
    """Several; none stand for all."""
    return [find_target(plan, name) for name in names] or [find_target(plan, ALL)]


def union(parts: Iterable[Jobs]) -> Jobs:
    """Jobs of any of several, each once."""
    return frozenset().union(*parts)


def _artifact(plan: Plan, name: str) -> Target:
    jobs = plan.artifacts[name]
    common = {id: jobs & other for id, other in plan.artifacts.items() if id != name and jobs & other}
    runs = {id: plan.cost(found).runs for id, found in common.items()}
    title = next(i.title for c in chapters(plan.config).values() for i in c.artifacts if i.id == name)
    others = dict(sorted(runs.items(), key=lambda item: -item[1]))
    return Target(
        name, title, jobs, {id: n for id, n in others.items() if n}, plan.cost(union(common.values())).runs
    )
