"""A finished place for tests that read it, copies of it and new places; each paper says what `made` and `new` are."""

from contextlib import chdir
from functools import partial
from pathlib import Path

import pytest

from job_world import Place
from tiny_engine import tiny_preset


@pytest.fixture(scope="session")
def new():
    """How a place is made in a folder."""
    return Place


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Both chains of the tiny preset, run once for all tests that only read them."""
    with chdir(tmp_path_factory.mktemp("made")):
        place = Place(Path.cwd(), tiny_preset())
        for task in ("rte", "mlm"):
            place.run("imp", task=task)
    return place


@pytest.fixture
def finished(made, monkeypatch):
    """What is made, as the working directory; what is there must stay as it is."""
    monkeypatch.chdir(made.folder)
    return made


@pytest.fixture
def copied(made, tmp_path, monkeypatch):
    """A copy of what is made to go on from."""
    monkeypatch.chdir(tmp_path)
    return made.copy(tmp_path)


@pytest.fixture
def fresh(new, tmp_path, monkeypatch):
    """A new place where nothing has run yet."""
    monkeypatch.chdir(tmp_path)
    return partial(new, tmp_path)
