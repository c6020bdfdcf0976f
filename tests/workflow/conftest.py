"""A finished pipeline, built once for the tests of a file, and ways to change something of it for a moment."""

import pytest
from small import checkout, jobs_of, plan, small_preset, snakemake, write_config

from tickets.config import load_config
from tickets.papers.registry import PAPERS, papers


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A finished pipeline. Tests put back what they change."""
    folder = checkout(tmp_path_factory.mktemp("built"))
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout[-5000:]
    return folder


@pytest.fixture(scope="module")
def config(built):
    found = load_config(built / "config.yaml")
    assert list(papers(found)) == list(PAPERS), "every paper is run here"
    return found


@pytest.fixture(scope="module")
def jobs(config):
    """Every job that trains, of all papers."""
    return jobs_of(config)


@pytest.fixture
def changed(built):
    """What Snakemake plans after a change of the preset, which is taken back afterwards."""

    def plan_of(change):
        preset = small_preset()
        change(preset)
        write_config(built, preset)
        return plan(built)

    yield plan_of
    write_config(built, small_preset())


class Edits:
    """Edits of runs' scores."""

    def __init__(self, folder, root):
        self.folder, self.root, self.before = folder, root, {}

    def __call__(self, *runs):
        """What Snakemake plans after an edit of these runs."""
        for run in runs:
            metrics = self.folder / self.root / run.metrics
            text = metrics.read_text()
            self.before[metrics] = text
            metrics.write_text(text.replace('"score": ', '"score": 1'))
            assert metrics.read_text() != text
        return plan(self.folder)

    def undo(self):
        for metrics, text in self.before.items():
            metrics.write_text(text)


@pytest.fixture
def edited(built, config):
    """What Snakemake plans after an edit of scores, which is taken back afterwards."""
    found = Edits(built, config.root)
    yield found
    found.undo()
