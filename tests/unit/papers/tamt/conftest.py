from pathlib import Path

import pytest
from figure_cells import evidence

from tickets.papers.tamt.evidence import PublishedEvidence


@pytest.fixture(scope="session")
def published():
    return PublishedEvidence(Path(__file__).parents[4] / "paper" / "tamt")


@pytest.fixture(scope="session")
def ours():
    """The complete world of `figure_cells`."""
    return evidence("paper")


@pytest.fixture(scope="session")
def micro():
    """What a small preset leaves of it."""
    return evidence("micro")
