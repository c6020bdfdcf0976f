"""A plan as plain values, for --json and for tests."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tickets.planning.plan import Jobs, Plan
from tickets.planning.targets import Target, union


def plan_facts(plan: Plan, targets: Sequence[Target]) -> dict[str, Any]:
    """Everything that the tables show, unrounded. Times are device seconds of `rates.device`."""
    jobs = union(target.jobs for target in targets)
    return {
        "preset": plan.config.preset,
        "targets": {target.name: _facts(plan, target.jobs) for target in targets},
        "total": _facts(plan, jobs),
        "left": _facts(plan, jobs - plan.done),
        "papers": {id: _facts(plan, plan.of_stage(id) & jobs) for id in plan.papers},
        "stages": {" ".join(key): _facts(plan, found & jobs) for key, found in plan.stages.items()},
        "artifacts": {id: _facts(plan, found) for id, found in plan.artifacts.items()},
        "pretraining": {
            role: cost.facts() | {"seconds": plan.rates.seconds(cost)}
            for role, cost in plan.pretraining.items()
        },
        "chain": _chain(plan, jobs),
        "disk": {"data_models_and_rendered": plan.fixed_disk, "each_running_job": plan.inflight(jobs)},
        "rates": asdict(plan.rates),
        "data": data_sources(plan),
    }


def _facts(plan: Plan, jobs: Jobs) -> dict[str, Any]:
    return plan.cost(jobs).facts() | {"seconds": plan.time(jobs)}


def _chain(plan: Plan, jobs: Iterable[int]) -> dict[str, Any]:
    seconds, chain = plan.graph.longest(plan.seconds, jobs)
    return {"seconds": seconds, "jobs": [chain_name(plan, n) for n in chain]}


def chain_name(plan: Plan, job: int) -> str:
    """Paper and job."""
    found = plan.graph.jobs[job]
    return f"{found.stage.paper} {found.name}"


def data_sources(plan: Plan) -> dict[str, int]:
    """How many of the preset's tasks have sizes that are counted, of the micro language, or official."""
    from tickets.papers.registry import preset_data

    found: dict[str, int] = {}
    for key in preset_data(plan.config).values():
        source = plan.data.of(*key).source
        found[source] = found.get(source, 0) + 1
    return found
