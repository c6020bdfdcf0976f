"""Jobs that are stopped or killed at any event, and started again."""

import os
import random
import signal
from contextlib import contextmanager

import pytest

from tickets.training.checkpoint import Checkpoint
from tickets.training.interrupt import Interrupted


class Killed(BaseException):
    """Stands for SIGKILL: nothing that follows it in the code happens."""


@contextmanager
def dying(events, before):
    """`before(name, self or first argument)` is asked ahead of all `events` (owner, name); it may raise or signal."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in events:
            original = getattr(owner, name)

            def event(*arguments, original=original, name=name, **options):
                before(name, arguments[0] if arguments else None)
                return original(*arguments, **options)

            patch.setattr(owner, name, event)
        yield


def attempt(place, job, events, before, checkpoint_steps):
    """One attempt at the job: whether it came to its end."""
    with dying(events, before):
        try:
            place.run(job, checkpoint_steps)
        except (Killed, Interrupted):
            return False
    return True


def allowing(number):
    """Dies at the event after so many."""
    left = number

    def before(event, first):
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    return before


def in_pieces(place, job, events, seed, checkpoint_steps, most):
    """Run the job in many attempts, each killed after a random number of events; how many there were."""
    dice, attempts = random.Random(seed), 1
    while not attempt(place, job, events, allowing(dice.randint(1, most)), checkpoint_steps):
        attempts += 1
        assert attempts < 100
    return attempts


def stopped_at(place, job, events, moments):
    """One attempt after the other, each further on: none ends the job. moments: what happens, steps of checkpoints."""
    for number, (before, checkpoint_steps) in enumerate(moments, 1):
        assert not attempt(place, job, events, before, checkpoint_steps), f"moment {number}"


def check(place, job, expected):
    """The job published what is expected and left nothing else behind."""
    assert place.published(job) == expected
    assert list(place.folder.rglob("*.part")) == []
    assert [path for path in (place.folder / ".tickets").rglob("*") if path.is_file()] == []


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
    """A checkpoint whose file has one of these names."""
    return lambda saved: isinstance(saved, Checkpoint) and saved.path.stem in names


def within(*names):
    """A checkpoint in a folder of one of these names."""
    return lambda saved: isinstance(saved, Checkpoint) and saved.path.parent.name in names


def kind(*types):
    return lambda first: isinstance(first, types)


def anything(first):
    return True
