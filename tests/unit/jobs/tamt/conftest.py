import os

import pytest

from mask_world import TamtPlace


@pytest.fixture(scope="session")
def masked(tmp_path_factory):
    """All masks of both models, made once for all tests that only read them."""
    before = os.getcwd()
    place = TamtPlace.new(tmp_path_factory.mktemp("masked"), models=["base", "roberta"])
    for job in place.jobs("baseline_masks", "imp_masks", "mask_training"):
        place.run(job)
    os.chdir(before)
    return place


@pytest.fixture
def finished(masked, monkeypatch):
    """The finished masks, as the working directory; leave their files alone."""
    monkeypatch.chdir(masked.folder)
    return masked


@pytest.fixture
def copied(masked, tmp_path, monkeypatch):
    """A copy of the finished masks to go on from."""
    monkeypatch.chdir(tmp_path)
    return masked.copy(tmp_path)


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A new place where nothing has run yet."""
    monkeypatch.chdir(tmp_path)
    return lambda **changes: TamtPlace.new(tmp_path, **changes)
