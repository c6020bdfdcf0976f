"""The headline numbers of a world in which every claim of lth holds."""

import pytest
from lth_world import DENSE, STRICT, TASKS, WINNING, World, build

from tickets.papers.lth.evidence import Evidence
from tickets.papers.lth.headline import headline


def test_numbers_are_means_over_tasks():
    ours = Evidence.from_frames(build())
    numbers = headline(ours)
    assert numbers["tasks"] == len(TASKS)
    assert numbers["full"] == pytest.approx(DENSE, abs=1e-9)
    own = [ours.imp(task, 0.7).mean for task in TASKS]
    assert numbers["imp_70"] == pytest.approx(sum(own) / len(own))
    assert numbers["mean_s_star"] == pytest.approx(sum(WINNING.values()) / len(TASKS))
    assert (numbers["winning_tasks"], numbers["winning_tasks_strict"]) == (len(WINNING), len(STRICT))
    assert numbers["random_at_s_star"] < numbers["ticket_at_s_star"]


def test_no_mean_where_one_task_is_missing():
    world = World()
    for task in ("rte", "cola"):
        world.add(task, 70.0, 0.0)
        world.add(task, 60.0, 0.5)
    world.add("rte", 50.0, 0.7)
    numbers = headline(Evidence.from_frames(world.cells()))
    assert (numbers["tasks"], numbers["imp_50"], numbers["imp_70"]) == (2, pytest.approx(60.0), None)
    assert (numbers["winning_tasks"], numbers["mean_s_star"], numbers["oneshot_70"]) == (0, 0.0, None)
