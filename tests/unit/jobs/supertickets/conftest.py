from contextlib import chdir
from pathlib import Path

import pytest

from ticket_world import TASKS, TicketPlace


@pytest.fixture(scope="session")
def new():
    return TicketPlace.new


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """First trial of every task."""
    with chdir(tmp_path_factory.mktemp("trials")):
        place = TicketPlace.new(Path.cwd())
        for task in TASKS:
            place.run(place.trial(task))
    return place
