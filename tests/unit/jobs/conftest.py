import os

import pytest

from job_world import Place
from tiny_engine import tiny_preset


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Both chains of the tiny preset, run once for all tests that only read them."""
    before = os.getcwd()
    place = Place(tmp_path_factory.mktemp("finished"), tiny_preset())
    for task in ("rte", "mlm"):
        place.run("imp", task=task)
    os.chdir(before)
    return place


@pytest.fixture
def chains(finished, monkeypatch):
    """The finished chains, as the working directory."""
    monkeypatch.chdir(finished.folder)
    return finished


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A new place where nothing has run yet."""
    monkeypatch.chdir(tmp_path)
    return lambda raw=None: Place(tmp_path, raw)
