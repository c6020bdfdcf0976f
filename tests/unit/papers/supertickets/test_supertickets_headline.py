"""The headline numbers of a made-up world."""

import pytest
from cells import SIZES, build, importance, shifted

from tickets.papers.supertickets.evidence import Evidence
from tickets.papers.supertickets.headline import headline

TASKS = ("rte", "sts-b", "mnli")


def evidence(cells):
    return Evidence.from_frames(cells, {"importance": importance()}, SIZES, bootstrap=10)


def test_numbers_are_means_over_the_tasks_that_ran():
    ours = evidence(build(tasks=TASKS))
    numbers = headline(ours)
    assert numbers["base_tasks"] == len(TASKS)
    for name, ask in (("full", ours.stat), ("super", ours.super_ticket_stat)):
        for sel in ("full", "p10", "half"):
            mean = sum(ask("base", task, sel=sel).mean for task in TASKS) / len(TASKS)
            assert numbers[f"base_{name}_{sel}"] == pytest.approx(mean)
    assert 0 < numbers["base_kept_full"] <= 100
    assert {name.partition("_")[0] for name in numbers} == set(ours.models)


def test_a_better_full_model_shows_in_its_own_number():
    cells = build(tasks=TASKS)
    before = headline(evidence(cells))
    after = headline(evidence(shifted(cells, 1.5, task="rte", method="winning", sparsity=0.0, model="base")))
    assert after["base_full_full"] - before["base_full_full"] == pytest.approx(1.5 / len(TASKS))
