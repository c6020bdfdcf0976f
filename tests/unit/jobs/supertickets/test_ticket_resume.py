"""A job of `supertickets`, stopped or killed anywhere and started again, publishes what an undisturbed one does."""

import os
import random
import signal
from contextlib import contextmanager

import pytest

from ticket_world import published, remove
from tickets.jobs import records
from tickets.papers.supertickets import lab as lab_module
from tickets.papers.supertickets import multitask as multitask_module
from tickets.papers.supertickets import points as points_module
from tickets.papers.supertickets import trial as trial_module
from tickets.pruning.scores import Importance
from tickets.training.checkpoint import Checkpoint
from tickets.training.interrupt import Interrupted


class Killed(BaseException):
    """Stands for SIGKILL: nothing that follows it in the code happens."""


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


@contextmanager
def dying(before):
    """`before(name, self or first argument)` is asked ahead of every event, and may raise or signal."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in EVENTS:
            original = getattr(owner, name)

            def event(*arguments, original=original, name=name, **options):
                before(name, arguments[0] if arguments else None)
                return original(*arguments, **options)

            patch.setattr(owner, name, event)
        yield


def attempt(place, job, before, checkpoint_steps):
    """One attempt at the job: whether it came to its end."""
    with dying(before):
        try:
            place.run(job, checkpoint_steps)
        except (Killed, Interrupted):
            return False
    return True


def allowing(events):
    """Dies at the event after so many."""
    left = events

    def before(name, first):
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    return before


def in_pieces(place, job, seed, checkpoint_steps, most=30):
    """Run the job in many attempts, each killed after a random number of events; how many there were."""
    dice, attempts = random.Random(seed), 1
    while not attempt(place, job, allowing(dice.randint(1, most)), checkpoint_steps):
        attempts += 1
        assert attempts < 100
    return attempts


def check(place, job, expected):
    assert published(place.root, job) == expected
    assert list(place.folder.rglob("*.part")) == []
    assert [path for path in (place.folder / ".tickets").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("checkpoint_steps", [1, 4])
def test_a_trial_that_keeps_weights_is_killed_at_random_moments(trials, copied, checkpoint_steps):
    job = copied.trial("mnli")
    expected = published(trials.root, job)
    remove(copied.root, job)
    assert in_pieces(copied, job, checkpoint_steps, checkpoint_steps) > 10
    check(copied, job, expected)


def test_multitask_training_is_killed_at_random_moments(copied):
    method = "ticket-share-strict"
    job = copied.job("multitask", method=method, seed="1")
    copied.run(job)
    expected = published(copied.root, job)
    epochs = {m["extra"]["epoch_full"] for m in copied.shared(method).values()}
    assert len(epochs) == 1, "one model: one evaluation point for all tasks"
    for seed, steps, most in ((1, 1, 28), (3, 3, 34), (4, 100, 45)):
        remove(copied.root, job)
        assert in_pieces(copied, job, seed, steps, most) > 2
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
    expected = published(place.root, job)
    remove(place.root, job)
    assert in_pieces(place, job, 3, 2) > 4
    check(place, job, expected)


def when(number, name, wanted, act):
    """Acts at the `number`-th event of that name whose first argument is wanted."""
    left = number

    def before(event, first):
        nonlocal left
        if event == name and wanted(first):
            left -= 1
            if left == 0:
                act()

    return before


def stop():
    os.kill(os.getpid(), signal.SIGTERM)


def kill():
    raise Killed


def of(*names):
    return lambda saved: isinstance(saved, Checkpoint) and saved.path.stem in names


def anything(first):
    return True


def test_a_trial_is_stopped_at_every_delicate_moment(trials, copied):
    """One attempt after the other, each further on; the last ends the job."""
    job = copied.trial("mnli")
    expected = published(trials.root, job)
    remove(copied.root, job)
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
        assert not attempt(copied, job, before, checkpoint_steps), name
    copied.run(job, 1)
    check(copied, job, expected)


def test_a_multitask_job_is_stopped_at_every_delicate_moment(copied):
    job = copied.job("multitask", method="ticket-share", seed="1")
    copied.run(job)
    expected = published(copied.root, job)
    remove(copied.root, job)
    moments = [
        when(1, "save", of("best"), stop),
        when(1, "save", of("point6", "best"), kill),
        when(1, "save_body", anything, kill),
        when(2, "write_json", anything, kill),
        when(1, "clear", anything, kill),
    ]
    for before in moments:
        assert not attempt(copied, job, before, 1)
    copied.run(job, 1)
    check(copied, job, expected)


def test_points_of_a_run_are_gone_when_the_next_begins(copied):
    """Each holds a model's weights; a job must not gather those of all its runs."""
    job = copied.trial("rte")
    remove(copied.root, job)
    most = set()

    def count(name, first):
        folders = list((copied.folder / ".tickets").rglob("points/*"))
        most.add(len(folders))

    assert attempt(copied, job, count, 1)
    assert most == {0, 1}
