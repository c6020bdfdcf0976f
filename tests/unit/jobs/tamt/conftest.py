from contextlib import chdir
from pathlib import Path

import pytest

from mask_world import TamtPlace


@pytest.fixture(scope="session")
def new():
    return TamtPlace.new


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """All masks of both models."""
    with chdir(tmp_path_factory.mktemp("masks")):
        place = TamtPlace.new(Path.cwd(), models=["base", "roberta"])
        for job in place.jobs("baseline_masks", "imp_masks", "mask_training"):
            place.run(job)
    return place
