"""A job of `supertickets`, stopped or killed anywhere and started again, publishes what an undisturbed one does."""

import pytest

from killing import anything, attempt, check, in_pieces, kill, of, stop, when
from tickets.jobs import records
from tickets.papers.supertickets import lab as lab_module
from tickets.papers.supertickets import multitask as multitask_module
from tickets.papers.supertickets import points as points_module
from tickets.papers.supertickets import trial as trial_module
from tickets.pruning.scores import Importance
from tickets.training.checkpoint import Checkpoint

EVENTS = (
    (Checkpoint, "save"),
    (Checkpoint, "clear"),
    (Importance, "save"),
    (records, "save_file"),
    (records, "write_json"),
    (trial_module, "save_body"),
    (multitask_module, "save_body"),
    (lab_module, "discard"),
    (points_module, "judge_point"),
)
"""Whatever a job does to its files, and its judging."""


@pytest.mark.parametrize("checkpoint_steps", [1, 4])
def test_a_trial_that_keeps_weights_is_killed_at_random_moments(made, copied, checkpoint_steps):
    job = copied.trial("mnli")
    expected = made.published(job)
    copied.remove(job)
    assert in_pieces(copied, job, EVENTS, checkpoint_steps, checkpoint_steps, most=30) > 10
    check(copied, job, expected)


def test_multitask_training_is_killed_at_random_moments(copied):
    method = "ticket-share-strict"
    job = copied.job("multitask", method=method, seed="1")
    copied.run(job)
    expected = copied.published(job)
    epochs = {m["extra"]["epoch_full"] for m in copied.shared(method).values()}
    assert len(epochs) == 1, "one model: one evaluation point for all tasks"
    for seed, steps, most in ((1, 1, 28), (3, 3, 34), (4, 100, 45)):
        copied.remove(job)
        assert in_pieces(copied, job, EVENTS, seed, steps, most) > 2
        check(copied, job, expected)


@pytest.mark.parametrize(
    ("stage", "axes"),
    [
        ("families", {"task": "rte", "family": "random", "seed": "1"}),
        ("domain", {"task": "snli", "init": "mnli-super"}),
    ],
)
def test_other_jobs_are_killed_at_random_moments(copied, stage, axes):
    place = copied.with_changes(extended_steps=8)
    job = place.job(stage, **axes)
    place.run(job)
    expected = place.published(job)
    place.remove(job)
    assert in_pieces(place, job, EVENTS, 3, 2, most=30) > 4
    check(place, job, expected)


def test_a_trial_is_stopped_at_every_delicate_moment(made, copied):
    """One attempt after the other, each further on; the last ends the job."""
    job = copied.trial("mnli")
    expected = made.published(job)
    copied.remove(job)
    moments = [
        # In the full model, at a point that is the best so far: stopped after its step's checkpoint.
        ("full", when(1, "save", of("best"), stop), 1),
        # At the next point, which is on disk while the checkpoint is still of an earlier step.
        ("full", when(1, "judge_point", anything, stop), 1),
        # After the importance scores, before the run is recorded.
        ("full", when(1, "save_file", anything, kill), 1),
        # In level 10, a point and the weights of the best saved, and no checkpoint after them.
        ("10", when(1, "save", of("best"), stop), None),
        ("10", when(2, "save", of("step"), kill), 2),
        # Between the end of a level, its weights kept, and its record; and between record and clean-up.
        ("level", when(1, "save_body", anything, kill), 2),
        ("level", when(1, "save_file", anything, kill), 2),
        ("level", when(1, "write_json", anything, kill), 2),
        ("level", when(2, "write_json", anything, kill), 2),
        ("level", when(1, "clear", anything, kill), 2),
        ("level", when(1, "discard", anything, kill), 2),
    ]
    for name, before, checkpoint_steps in moments:
        assert not attempt(copied, job, EVENTS, before, checkpoint_steps), name
    copied.run(job, 1)
    check(copied, job, expected)


def test_a_multitask_job_is_stopped_at_every_delicate_moment(copied):
    job = copied.job("multitask", method="ticket-share", seed="1")
    copied.run(job)
    expected = copied.published(job)
    copied.remove(job)
    moments = [
        when(1, "save", of("best"), stop),
        when(1, "save", of("point6", "best"), kill),
        when(1, "save_body", anything, kill),
        when(2, "write_json", anything, kill),
        when(1, "clear", anything, kill),
    ]
    for before in moments:
        assert not attempt(copied, job, EVENTS, before, 1)
    copied.run(job, 1)
    check(copied, job, expected)


def test_points_of_a_run_are_gone_when_the_next_begins(copied):
    """Each holds a model's weights; a job must not gather those of all its runs."""
    job = copied.trial("rte")
    copied.remove(job)
    most = set()

    def count(name, first):
        folders = list((copied.folder / ".tickets").rglob("points/*"))
        most.add(len(folders))

    assert attempt(copied, job, EVENTS, count, 1)
    assert most == {0, 1}
