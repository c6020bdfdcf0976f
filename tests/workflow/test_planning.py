"""The plan against what a finished pipeline did: every job's steps exactly, its files nearly."""

import json

import pytest

from tickets.planning.plan import Plan


@pytest.fixture(scope="module")
def plan(built, config):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(built)
        made = Plan(config)
        assert made.records.keys() == made.everything
        yield made


def test_steps_of_every_job_are_as_planned(plan):
    for number, job in enumerate(plan.graph.jobs):
        assert plan.records[number]["steps"] == plan.costs[number].updates, job.name


def test_everything_is_done(plan):
    stale = [plan.graph.jobs[number].name for number in plan.everything - plan.done]
    assert stale == []
    assert plan.missing_models == {}


def test_bytes_are_about_as_planned(plan, built):
    root = built / plan.config.root
    folders = ("runs", "masks", "weights", "importance", "training", "jobs")
    for id in plan.papers:
        files = (path for name in folders for path in (root / id / name).rglob("*"))
        real = sum(path.stat().st_size for path in files if path.is_file())
        assert plan.cost(plan.of_stage(id)).disk == pytest.approx(real, rel=0.35), id


@pytest.mark.parametrize("stage", ["baselines", "transfer_winning", "mlm_ticket", "transfer"])
def test_runs_that_are_not_trained_again_are_as_planned(plan, built, stage):
    """Sparsities that a criterion chooses are known by then, so the plan knows which runs coincide."""
    for number in plan.of_stage("lth", [stage]):
        paths = [built / plan.config.root / run.metrics for run in plan.graph.jobs[number].runs]
        shared = sum("shared_with" in json.loads(path.read_text()) for path in paths)
        assert plan.costs[number].runs - plan.costs[number].trainings == shared
