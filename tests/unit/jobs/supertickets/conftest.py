import os

import pytest

from ticket_world import TASKS, TicketPlace


@pytest.fixture(scope="session")
def trials(tmp_path_factory):
    """First trial of every task, run once for all tests that only read them."""
    before = os.getcwd()
    place = TicketPlace.new(tmp_path_factory.mktemp("trials"))
    for task in TASKS:
        place.run(place.trial(task))
    os.chdir(before)
    return place


@pytest.fixture
def finished(trials, monkeypatch):
    """The finished trials, as the working directory; leave their files alone."""
    monkeypatch.chdir(trials.folder)
    return trials


@pytest.fixture
def copied(trials, tmp_path, monkeypatch):
    """A copy of the finished trials to go on from."""
    monkeypatch.chdir(tmp_path)
    return trials.copy(tmp_path)


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A new place where nothing has run yet."""
    monkeypatch.chdir(tmp_path)
    return lambda **changes: TicketPlace.new(tmp_path, **changes)
